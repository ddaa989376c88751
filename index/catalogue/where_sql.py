"""An expression of `--where` as an SQL condition in which every value is a parameter.

Tags are compared here, not in SQL: a field has few different values, and SQLite ignores letter case
only in ASCII and cannot compare numbers in text. The matching values are passed as one JSON list.
"""

import json
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.catalogue.catalogue import Catalogue
from index.catalogue.database import Value
from index.catalogue.event_rows import LAST_PLAY, N_OF_KIND
from index.catalogue.periods import period_of
from index.catalogue.where import (
    COLUMN_FIELDS,
    COUNT_FIELDS,
    EVENT_FIELDS,
    Comparison,
    Conjunction,
    Expression,
    parse_filter,
)

MOST_LISTED = 20_000
"""For more tracks, reading all is quicker than looking each up."""
NO_TAGS = (*COLUMN_FIELDS, *EVENT_FIELDS)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ids_where(
    catalogue: Catalogue, text: str, *, among: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The ids of the tracks that can be searched and match an expression, ascending.

    among: look at these tracks alone.
    """
    expression = parse_filter(text, catalogue.field_names())
    condition, values = _condition(expression, _Values(catalogue))
    if among is not None and len(among) <= MOST_LISTED:
        condition = f"({condition}) AND tracks.id IN (SELECT value FROM json_each(?))"
        values = [*values, json.dumps(among.tolist())]
    return catalogue.ids_matching(condition, values)


def fits(comparison: Comparison, value: str) -> bool:
    """Whether a value of a tag matches a comparison; negation is not considered."""
    folded_value = comparison.value.casefold()
    match comparison.operator:
        case "=" | "!=":
            return value.casefold() == folded_value or _same_number(comparison.number, value)
        case "~" | "!~":
            return folded_value in value.casefold()
        case order:
            return _is_ordered(_ORDERS[order], value, comparison)


class _Values:
    """The values of fields; each field is read once, even for thousands of comparisons."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_folded: dict[str, dict[str, list[str]]] = {}

    def has_one_of(self, field: str, values: list[str]) -> tuple[str, list[Value]]:
        """The condition that a track has one of these values in a field."""
        return self._catalogue.has_one_of(field, values)

    def fitting(self, comparison: Comparison) -> list[str]:
        """The values of its field that match a comparison; negation is not considered."""
        by_folded = self._by_folded.get(comparison.field)
        if by_folded is None:
            self._by_folded[comparison.field] = by_folded = {}
            for value in self._catalogue.values_of(comparison.field):
                by_folded.setdefault(value.casefold(), []).append(value)
        if comparison.operator in ("=", "!=") and comparison.number is None:
            return by_folded.get(comparison.value.casefold(), [])
        return [value for some in by_folded.values() for value in some if fits(comparison, value)]


def _is_ordered(order: Callable[[Any, Any], bool], value: str, comparison: Comparison) -> bool:
    """With a number, only numbers can match; with a word, all values are compared as text."""
    if comparison.number is None:
        return order(value.casefold(), comparison.value.casefold())
    try:
        return order(float(value), comparison.number)
    except ValueError:
        return False


def _same_number(number: float | None, value: str) -> bool:
    try:
        return number is not None and float(value) == number
    except ValueError:
        return False


def _condition(expression: Expression, known_values: _Values) -> tuple[str, list[Value]]:
    if isinstance(expression, Comparison):
        return _compared(expression, known_values)
    if isinstance(expression, Conjunction):
        parts = _parts(expression, known_values)
        word = " OR " if expression.is_any else " AND "
        values = [value for _, some in parts for value in some]
        return _joined([condition for condition, _ in parts], word), values
    condition, values = _condition(expression.inner, known_values)
    return f"NOT ({condition})", values


def _parts(expression: Conjunction, known_values: _Values) -> list[tuple[str, list[Value]]]:
    """The conditions of its parts: one each for `genre=a or genre=b`, `genre!=a and genre!=b`."""
    parts: list[tuple[str, list[Value]]] = []
    fitting: dict[str, list[str]] = {}
    for part in expression.parts:
        is_of_tag = isinstance(part, Comparison) and part.field not in NO_TAGS
        if isinstance(part, Comparison) and is_of_tag and _is_negated(part) != expression.is_any:
            fitting.setdefault(part.field, []).extend(known_values.fitting(part))
        else:
            parts.append(_condition(part, known_values))
    for field, some in fitting.items():
        condition, values = known_values.has_one_of(field, some)
        parts.append((condition if expression.is_any else f"NOT {condition}", values))
    return parts


def _joined(conditions: Sequence[str], word: str) -> str:
    """Conditions joined in halves: `a OR b OR …` has a level per part, and SQLite allows 1,000."""
    if len(conditions) == 1:
        return f"({conditions[0]})"
    half = len(conditions) // 2
    return f"({_joined(conditions[:half], word)}{word}{_joined(conditions[half:], word)})"


def _compared(comparison: Comparison, known_values: _Values) -> tuple[str, list[Value]]:
    is_negated = _is_negated(comparison)
    if comparison.field == "path":
        condition, values = _path_compared(comparison)
    elif comparison.field in EVENT_FIELDS:
        condition, values = _event_compared(comparison)
    elif comparison.field in COLUMN_FIELDS:
        sign = "=" if is_negated else comparison.operator
        # Field and sign come from fixed lists: no text of the user gets into the statement.
        condition = f"coalesce(tracks.{comparison.field} {sign} ?, 0)"
        values = [comparison.number]
    else:
        fitting = known_values.fitting(comparison)
        condition, values = known_values.has_one_of(comparison.field, fitting)
    return (f"NOT {condition}" if is_negated else condition), values


def _is_negated(comparison: Comparison) -> bool:
    return comparison.operator in ("!=", "!~")


def _path_compared(comparison: Comparison) -> tuple[str, list[Value]]:
    if comparison.operator in ("~", "!~"):
        text = "lower(CAST(tracks.path AS TEXT))"
        return f"(instr({text}, lower(CAST(? AS TEXT))) > 0)", [os.fsencode(comparison.value)]
    sign = "=" if comparison.operator == "!=" else comparison.operator
    return f"(tracks.path {sign} ?)", [os.fsencode(comparison.value)]


def _event_compared(comparison: Comparison) -> tuple[str, list[Value]]:
    sign = "=" if _is_negated(comparison) else comparison.operator
    if comparison.field in COUNT_FIELDS:
        return f"({N_OF_KIND[comparison.field]} {sign} ?)", [comparison.number]
    start, end = period_of(comparison.value) or (0, 0)  # the parser has checked the date
    last = f"coalesce({LAST_PLAY}"
    match sign:
        case "<" | ">=":
            return f"{last} {sign} ?, 0)", [start]
        case "<=":
            return f"{last} < ?, 0)", [end]
        case ">":
            return f"{last} >= ?, 0)", [end]
        case _:
            return f"({last} >= ?, 0) AND {last} < ?, 0))", [start, end]
