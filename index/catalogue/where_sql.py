"""An expression of `--where` as an SQL condition whose every value is a parameter.

Tags are compared here, not in SQL: a field has few different values, and SQLite knows neither
letter case beyond ASCII nor numbers inside text. The values that fit go in as one JSON list.
"""

import json
import operator
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.catalogue.catalogue import FIELD_TABLES, Catalogue
from index.catalogue.database import Value
from index.catalogue.where import COLUMN_FIELDS, Comparison, Conjunction, Expression, parse_filter

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ids_where(catalogue: Catalogue, text: str) -> NDArray[np.int64]:
    """The ids of the tracks that can be searched and fit an expression, ascending."""
    expression = parse_filter(text, catalogue.field_names())
    condition, values = _condition(expression, catalogue)
    return catalogue.ids_matching(condition, values)


def fits(comparison: Comparison, value: str) -> bool:
    """Whether one value of a tag fits a comparison, its negations apart."""
    wanted = comparison.value.casefold()
    match comparison.operator:
        case "=" | "!=":
            return value.casefold() == wanted or _same_number(comparison.number, value)
        case "~" | "!~":
            return wanted in value.casefold()
        case order:
            return _is_ordered(_ORDERS[order], value, comparison)


def _is_ordered(order: Callable[[Any, Any], bool], value: str, comparison: Comparison) -> bool:
    """Against a number only numbers count; against words all go by the alphabet."""
    if comparison.number is None:
        return order(value.casefold(), comparison.value.casefold())
    try:
        return order(float(value), comparison.number)
    except ValueError:
        return False


def _same_number(wanted: float | None, value: str) -> bool:
    try:
        return wanted is not None and float(value) == wanted
    except ValueError:
        return False


def _condition(expression: Expression, catalogue: Catalogue) -> tuple[str, list[Value]]:
    if isinstance(expression, Comparison):
        return _compared(expression, catalogue)
    if isinstance(expression, Conjunction):
        parts = [_condition(part, catalogue) for part in expression.parts]
        word = " OR " if expression.is_any else " AND "
        values = [value for _, some in parts for value in some]
        return word.join(f"({condition})" for condition, _ in parts), values
    condition, values = _condition(expression.inner, catalogue)
    return f"NOT ({condition})", values


def _compared(comparison: Comparison, catalogue: Catalogue) -> tuple[str, list[Value]]:
    is_negated = comparison.operator in ("!=", "!~")
    if comparison.field == "path":
        condition, values = _path_compared(comparison)
    elif comparison.field in COLUMN_FIELDS:
        sign = "=" if is_negated else comparison.operator
        # A field that is one of ours and a sign that is one of ours: nothing of the user's.
        condition = f"coalesce(tracks.{comparison.field} {sign} ?, 0)"
        values = [comparison.number]
    else:
        fitting = [
            value for value in catalogue.values_of(comparison.field) if fits(comparison, value)
        ]
        tables = [
            f"tracks.id IN (SELECT track_id FROM {table} WHERE field = ? "  # noqa: S608 - our names
            "AND value IN (SELECT value FROM json_each(?)))"
            for table in FIELD_TABLES
        ]
        condition = f"({' OR '.join(tables)})"
        values = [comparison.field, json.dumps(fitting)] * len(FIELD_TABLES)
    return (f"NOT {condition}" if is_negated else condition), values


def _path_compared(comparison: Comparison) -> tuple[str, list[Value]]:
    if comparison.operator in ("~", "!~"):
        text = "lower(CAST(tracks.path AS TEXT))"
        return f"(instr({text}, lower(?)) > 0)", [comparison.value]
    sign = "=" if comparison.operator == "!=" else comparison.operator
    return f"(tracks.path {sign} ?)", [os.fsencode(comparison.value)]
