"""The language of `--where`: `genre=jazz and (year>=1970 or not artist~"davis")`.

    expression = comparison | not expression | expression and expression | expression or expression
    comparison = FIELD (= | != | < | <= | > | >= | ~ | !~) VALUE       ~ means "contains"

Fields are the tags that the library has, and id, path, year, track_number, duration_seconds. A tag
with several values matches if one of them does; `!=` and `!~` are the opposites of `=` and `~`, so
a track without the tag matches them. `plays` and `skips` are counts, 0 without any; `played` is the
day of the last play, compared with 2025, 2025-06 or 2025-06-30. Letter case makes no difference.
Pure: text in, a tree out; an error shows the position of the mistake.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn, cast

from embedder.errors import UsageError, names_near
from index.catalogue.periods import period_of

COUNT_FIELDS = ("plays", "skips")
EVENT_FIELDS = (*COUNT_FIELDS, "played")
"""Fields that are read from the listener's events; a tag of such a name is not read."""
NUMBER_FIELDS = ("id", "year", "track_number", "duration_seconds")
COLUMN_FIELDS = (*NUMBER_FIELDS, "path")
USUAL_TAGS = ("title", "artist", "album", "genre")
"""Fields of every library, even if no track has them."""
OPERATORS = ("!=", "<=", ">=", "!~", "==", "=", "<", ">", "~")
MAX_DEPTH = 50
MAX_COMPARISONS = 4000
"""SQLite's limits for a statement are 32,766 values and a million characters."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>!=|<=|>=|!~|==|=|<|>|~)|(?P<bracket>[()])
    |"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<word>[^\s()=<>~!"']+))""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value. number: the value as a number; None if it is none."""

    field: str
    operator: str
    value: str
    number: float | None


@dataclass(frozen=True, slots=True)
class Negation:
    """Matches if the inner expression does not."""

    inner: "Expression"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Matches if all parts do, or with `is_any` one of them."""

    parts: tuple["Expression", ...]
    is_any: bool


Expression = Comparison | Negation | Conjunction


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def parse_filter(text: str, fields: Iterable[str]) -> Expression:
    """The tree of an expression. fields: the tags that the library has."""
    return _Parser(text, {*COLUMN_FIELDS, *EVENT_FIELDS, *USUAL_TAGS, *fields}).whole()


class _Parser:
    """A recursive-descent parser with a method for each rule."""

    def __init__(self, text: str, fields: set[str]) -> None:
        self._text = text
        self._fields = fields
        self._n_comparisons = 0
        self._tokens = self._tokenise()
        self._next = 0

    def whole(self) -> Expression:
        expression = self._any(0)
        if self._n_comparisons > MAX_COMPARISONS:
            raise UsageError(
                f"--where is too long: {self._n_comparisons} comparisons, at most "
                f"{MAX_COMPARISONS}. Split it over several calls."
            )
        token = self._peek()
        if token.kind == "word":
            self._fail(
                token,
                f"expected and, or, or the end; a value of several words needs "
                f'quotes, as in genre="hip hop", before {token.text!r}',
            )
        if token.kind != "end":
            self._fail(token, f"expected and, or, or the end, not {token.text!r}")
        return expression

    def _any(self, depth: int) -> Expression:
        parts = [self._all(depth)]
        while self._take_word("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts), is_any=True)

    def _all(self, depth: int) -> Expression:
        parts = [self._one(depth)]
        while self._take_word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts), is_any=False)

    def _one(self, depth: int) -> Expression:
        token = self._peek()
        if depth > MAX_DEPTH:
            self._fail(token, f"more than {MAX_DEPTH} levels")
        if self._take_word("not"):
            return Negation(self._one(depth + 1))
        if token.text == "(" and token.kind == "bracket":
            self._next += 1
            inner = self._any(depth + 1)
            closing = self._peek()
            if (closing.kind, closing.text) != ("bracket", ")"):
                self._fail(closing, "expected ) here, or and, or or")
            self._next += 1
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        self._n_comparisons += 1
        name, operator = self._advance(), self._peek()
        if name.kind not in ("word", "quoted"):
            self._fail(name, "expected a field, such as genre")
        field = name.text.lower()
        if field not in self._fields:
            close = get_close_matches(field, self._fields, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            self._fail(name, f"no field {name.text!r}.{hint} {self._list(near=field)}")
        if operator.kind != "operator":
            self._fail(operator, f"expected one of {' '.join(OPERATORS)} after {field}")
        self._next += 1
        value = self._advance()
        if value.kind not in ("word", "quoted"):
            self._fail(value, f"expected a value after {field}{operator.text}")
        number = _number(value.text)
        is_order = operator.text in ("<", "<=", ">", ">=")
        if field == "played" and (operator.text.endswith("~") or period_of(value.text) is None):
            self._fail(value, "played is compared with a date, such as 2025 or 2025-06-30")
        if field in (*NUMBER_FIELDS, *COUNT_FIELDS) and (
            number is None or operator.text.endswith("~")
        ):
            self._fail(value, f"{field} is compared with a number by = != < <= > >=")
        if is_order and field not in NUMBER_FIELDS and number is None and not value.text:
            self._fail(value, f"expected a value after {field}{operator.text}")
        return Comparison(field, operator.text.replace("==", "="), value.text, number)

    def _tokenise(self) -> list[_Token]:
        tokens: list[_Token] = []
        position = 0
        end = len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None:
                start = len(self._text) - len(self._text[position:].lstrip())
                what = self._text[start]
                why = "this quote is not closed" if what in "\"'" else f"{what!r} means nothing"
                self._fail(_Token("bad", what, start), why)
            kind = cast("str", match.lastgroup)
            text = match[kind]
            start = match.start(kind)
            if kind in ("double", "single"):
                kind, text, start = "quoted", re.sub(r"\\(.)", r"\1", text), start - 1
            tokens.append(_Token(kind, text, start))
            position = match.end()
        return [*tokens, _Token("end", "", end)]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _advance(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        is_it = token.kind == "word" and token.text.lower() == word
        self._next += is_it
        return is_it

    def _list(self, *, near: str = "") -> str:
        return f"Fields: {names_near(near, sorted(self._fields))}."

    def _fail(self, token: _Token, why: str) -> NoReturn:
        before, after = self._text[: token.start], self._text[token.start :]
        raise UsageError(f"--where, at the mark: {before}▸{after}: {why}")


def _number(text: str) -> float | None:
    """The text as a finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
