"""Filters of --where, compared with a slow loop, and the place of a mistake."""

import operator
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.errors import UsageError
from index.catalogue.where import parse_filter
from index.catalogue.where_sql import ids_where
from index.library import Library
from tests.index.vector_library import library_of, unit_vectors

GENRES = ("Jazz", "hip hop", "Noël", "rock; Pop", "")
ARTISTS = ("Miles Davis", 'The "Q"', "O'Neil", "")
YEARS = ("1959", "1970", "2001", "")
BPMS = ("90", "120.5", "fast", "")
N_TRACKS = 60


def track_tags() -> list[dict[str, str]]:
    """Tags of sixty tracks, some lacking some."""
    generator = np.random.default_rng(5)
    columns = {"genre": GENRES, "artist": ARTISTS, "year": YEARS, "bpm": BPMS}
    rows = []
    for _ in range(N_TRACKS):
        drawn = {name: str(generator.choice(values)) for name, values in columns.items()}
        rows.append({name: value for name, value in drawn.items() if value})
    return rows


TAGS = track_tags()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("filters") / "library"
    return library_of(folder, unit_vectors(N_TRACKS), TAGS)


def fits(row: int, field: str, sign: str, value: str) -> bool:
    """One comparison, the slow way."""
    orders = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    if field in ("id", "duration_seconds"):
        values = [str(row + 1 if field == "id" else float(row))]
    else:
        values = TAGS[row].get(field, "").split("; ") if TAGS[row].get(field) else []
    matches = False
    for tag in values:
        if sign in ("=", "!="):
            matches |= tag.lower() == value.lower() or _number(tag) == _number(value) is not None
        elif sign in ("~", "!~"):
            matches |= value.lower() in tag.lower()
        elif _number(value) is None:
            matches |= orders[sign](tag.lower(), value.lower())
        else:
            number = _number(tag)
            matches |= number is not None and orders[sign](number, _number(value))
    return matches != sign.startswith("!")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, frozenset[int]]:
    """The text of a comparison, and the rows that fit it."""
    numeric = {"year": YEARS[:3], "id": ("7", "31"), "duration_seconds": ("0", "12.5")}
    texts = {
        "genre": ("jazz", "noËl", "pop", "o"),
        "artist": ("the", "O'Neil", 'the "q"'),
        "bpm": ("100", "fast"),
    }
    field = draw(st.sampled_from(sorted(numeric | texts)))
    signs = ("=", "!=", "<", "<=", ">", ">=") + (("~", "!~") if field in texts else ())
    sign = draw(st.sampled_from(signs))
    value = draw(st.sampled_from((numeric | texts)[field]))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    space = draw(st.sampled_from(("", " ")))
    name = draw(st.sampled_from((field, field.upper())))
    rows = frozenset(row for row in range(N_TRACKS) if fits(row, field, sign, value))
    return f'{name}{space}{sign}{space}"{escaped}"', rows


def combined(
    children: st.SearchStrategy[tuple[str, frozenset[int]]],
) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """not, and, or of smaller expressions."""
    both = st.tuples(children, children)
    return st.one_of(
        children.map(lambda c: (f"not ({c[0]})", frozenset(range(N_TRACKS)) - c[1])),
        both.map(lambda c: (f"({c[0][0]}) AND ({c[1][0]})", c[0][1] & c[1][1])),
        both.map(lambda c: (f"({c[0][0]}) or ({c[1][0]})", c[0][1] | c[1][1])),
    )


@settings(deadline=None, max_examples=150)
@given(expression=st.recursive(comparisons(), combined, max_leaves=6))
def test_a_filter_equals_a_loop(library: Library, expression: tuple[str, frozenset[int]]) -> None:
    """Whatever the expression, the tracks are those that a loop over all tags finds."""
    text, rows = expression
    assert (ids_where(library.catalogue, text) - 1).tolist() == sorted(rows)


def test_and_binds_closer_than_or(library: Library) -> None:
    """`a or b and c` is `a or (b and c)`."""
    loose = ids_where(library.catalogue, "id=1 or id=2 and id=3")
    assert loose.tolist() == [1]


def test_a_path_can_be_part_of_a_filter(library: Library) -> None:
    """The whole path, or a part of it in any letter case."""
    assert ids_where(library.catalogue, "path=/music/7.mp3").tolist() == [8]
    assert ids_where(library.catalogue, "path~MUSIC/1 and path !~ 1.").tolist() == [
        row + 1 for row in (10, 12, 13, 14, 15, 16, 17, 18, 19)
    ]


def test_a_users_text_is_never_sql(library: Library) -> None:
    """What looks like SQL is a value like any other."""
    attack = 'genre="x\' OR 1=1; DROP TABLE tracks; --"'
    assert ids_where(library.catalogue, attack).tolist() == []
    assert len(library) == N_TRACKS


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gener=jazz", r"▸gener=jazz: no field 'gener'. Did you mean genre\? Fields: .*mood"),
        ("genre=jazz and yeer>1970", r"genre=jazz and ▸yeer>1970: no field 'yeer'"),
        ("genre=hip hop", r"genre=hip ▸hop: .*quotes"),
        ("year>old", r"year>▸old: year is compared with a number"),
        ("year~19", r"▸19: year is compared with a number"),
        ("year=nan", r"▸nan: year is compared"),
        ("year=inf", r"▸inf: year is compared"),
        ("(genre=jazz", r"\(genre=jazz▸: expected \)"),
        ("genre=jazz)", r"genre=jazz▸\): expected and, or, or the end"),
        ("genre=", r"genre=▸: expected a value"),
        ("genre=>1", r"genre=▸>1: expected a value"),
        ("genre jazz", r"genre ▸jazz: expected one of"),
        ("genre='jazz", r"genre=▸'jazz: this quote is not closed"),
        ("genre=jazz and", r"expected a field"),
        ("", r"expected a field"),
        ("not", r"expected a field"),
        ("=jazz", r"▸=jazz: expected a field"),
        ("(" * 200 + "id=1", r"more than 50 levels"),
        ("not " * 200 + "id=1", r"more than 50 levels"),
    ],
)
def test_a_mistake_is_shown_in_its_place(text: str, complaint: str) -> None:
    """The message marks the place and says what would be right."""
    with pytest.raises(UsageError, match=complaint):
        parse_filter(text, ["mood"])


def test_of_many_fields_the_nearest_are_listed() -> None:
    """Fifty sounds do not hide the field that was meant, and the message says how many more."""
    fields = [f"sounds.{number:02}" for number in range(50)] + ["sounds.jazz"]
    with pytest.raises(UsageError, match=r"Fields: sounds\.jazz, .* and \d+ more\.") as caught:
        parse_filter("sounds.jaz>0.4", fields)
    assert str(caught.value).count("sounds.") < 15


@settings(deadline=None)
@given(text=st.text(alphabet="genre=<>~!()'\"\\ andot19.é\n", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Any text is either parsed or a usage error."""
    try:
        parse_filter(text, ["genre"])
    except UsageError as error:
        assert "▸" in str(error)


def test_a_filter_in_an_unindexed_place(tmp_path: Path) -> None:
    """The usual tags can be used even if no track has them."""
    bare = library_of(tmp_path / "library", unit_vectors(3))
    assert ids_where(bare.catalogue, "genre=jazz").tolist() == []
    assert ids_where(bare.catalogue, "genre!=jazz").tolist() == [1, 2, 3]


LONG = {
    "genre=g{} or": [3, 4],
    "genre!=g{} and": [1, 2],
    "genre~g{} or": [3, 4],
    "id={} or": [2, 3, 4],
    "id!={} and": [1],
    "not genre=g{} and": [1, 2],
}


@pytest.mark.parametrize("part", LONG)
def test_thousands_of_comparisons_are_answered(tmp_path: Path, part: str) -> None:
    """A long expression is no damage of the catalogue."""
    tags = [{"genre": f"g{number}"} for number in range(4)]
    library = library_of(tmp_path / "library", unit_vectors(4), tags)
    n_comparisons = 300 if part.startswith("not") else 3000
    text = " ".join(part.format(number) for number in range(2, 2 + n_comparisons))
    assert ids_where(library.catalogue, text.rpartition(" ")[0]).tolist() == LONG[part]


def test_a_path_that_is_no_text_can_be_compared(tmp_path: Path) -> None:
    """Bytes of the command line that are not UTF-8 are compared as they are."""
    library = library_of(tmp_path / "library", unit_vectors(2))
    path = b"/music/caf\xe9.mp3"
    with library.writing() as catalogue:
        catalogue.database.run("UPDATE tracks SET path = ? WHERE id = 1", (path,))
    for text in (f'path="{os.fsdecode(path)}"', f'path~"{os.fsdecode(bytes([0xE9]))}"'):
        assert ids_where(library.catalogue, text).tolist() == [1]


def test_too_many_comparisons_are_a_usage_error(tmp_path: Path) -> None:
    """The message names the limit."""
    library = library_of(tmp_path / "library", unit_vectors(2), [{"genre": "jazz"}] * 2)
    text = " or ".join(["genre=jazz"] * 5000)
    with pytest.raises(UsageError, match="too long: 5000 comparisons, at most 4000"):
        ids_where(library.catalogue, text)
