"""One answer in four forms."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.options import Form, Globals
from cli.output import emit, emit_text, flush
from cli.progress import track
from cli.records import cell
from cli.talk import say
from embedder.errors import UsageError
from soundalike.documents import dump, to_plain


@dataclass(frozen=True, slots=True)
class Song:
    """A record like those that commands print."""

    path: Path
    title: str
    score: float
    duration_seconds: float | None = None


SONGS = [Song(Path("a b.mp3"), "Aé", 0.98765, 185.0), Song(Path("c.mp3"), "[red]C", float("nan"))]


def printed(capfdbinary: pytest.CaptureFixture[bytes]) -> bytes:
    """The bytes on stdout."""
    flush()
    return capfdbinary.readouterr().out


def test_json_is_one_document(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """--json prints the document whole; NaN becomes null."""
    emit(Globals(form=Form.JSON), {"tracks": SONGS}, rows=SONGS)
    tracks = json.loads(printed(capfdbinary))["tracks"]
    assert [t["path"] for t in tracks] == ["a b.mp3", "c.mp3"]
    assert tracks[1]["score"] is None


def test_rows_alone_are_the_document(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Without a document the rows are the JSON; without rows it is []."""
    emit(Globals(form=Form.JSON), rows=SONGS)
    assert len(json.loads(printed(capfdbinary))) == 2
    emit(Globals(form=Form.JSON), rows=[])
    assert json.loads(printed(capfdbinary)) == []


def test_ndjson_streams(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """--ndjson writes each record before it asks for the next."""
    seen: list[bytes] = []

    def songs() -> Iterator[Song]:
        for song in SONGS:
            seen.append(capfdbinary.readouterr().out)
            yield song

    emit(Globals(form=Form.NDJSON), rows=songs())
    assert seen[0] == b""
    assert json.loads(seen[1])["title"] == "Aé"


def test_paths_are_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """--paths gives back the very bytes of a name that is not UTF-8; -0 ends it in NUL."""
    rows = [{"path": os.fsdecode(b"caf\xe9\n.mp3")}]
    emit(Globals(form=Form.PATHS), rows=rows)
    assert printed(capfdbinary) == b"caf\xe9\n.mp3\n"
    emit(Globals(form=Form.PATHS, null_separated=True), rows=rows)
    assert printed(capfdbinary) == b"caf\xe9\n.mp3\0"


def test_rows_without_paths_are_refused() -> None:
    """--paths on records without a path is a usage error."""
    with pytest.raises(UsageError, match="no paths"):
        emit(Globals(form=Form.PATHS), rows=[{"label": "jazz"}])


def test_a_table_is_plain_in_a_pipe(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """In a pipe a table has no colour, no markup, nothing cut, and columns in line."""
    long = "x" * 300
    rows = [*SONGS, Song(Path(long), "D", 1.0, 59.6)]
    emit(Globals(), rows=rows, columns=("title", "duration_seconds", "path"))
    lines = printed(capfdbinary).decode().splitlines()
    assert lines[0].split() == ["title", "length", "path"]
    assert lines[1].split() == ["Aé", "3:05", "a", "b.mp3"]
    assert lines[2].startswith("[red]C")
    assert long in lines[3]
    assert not any("\x1b" in line or line.endswith(" ") for line in lines)


def test_an_empty_table_says_so_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing found leaves stdout empty, and with --quiet stderr too."""
    emit(Globals(), rows=[])
    assert capfd.readouterr() == ("", "nothing found\n")
    emit(Globals(quiet=True), rows=[])
    assert capfd.readouterr() == ("", "")


def test_one_record_is_a_list_of_fields(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A single record shows a field a line."""
    emit(Globals(), SONGS[0], columns=("title", "score"))
    assert printed(capfdbinary).decode().split() == ["title", "Aé", "score", "0.99"]


def test_prose_is_for_people(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Prose never mixes with a machine form."""
    emit_text(Globals(form=Form.JSON), "hello")
    assert printed(capfdbinary) == b""
    emit_text(Globals(), "hello")
    assert printed(capfdbinary) == b"hello\n"


def test_undecodable_names_survive_json() -> None:
    """A name that is not UTF-8 is valid JSON with an escaped byte; other text stays readable."""
    name = os.fsdecode(b'\xc3\xa9 caf\xe9 "x".mp3')
    text = dump({"path": name, "tag": "broken \ud800"}).encode("utf-8", "strict")
    assert b"\\ud" not in text.lower()  # a lone surrogate, which strict parsers refuse
    assert json.loads(text) == {"path": 'é caf\\xe9 "x".mp3', "tag": "broken \ufffd"}


def test_a_record_with_an_undecodable_path_has_its_location() -> None:
    """`location` is a file URI with the exact bytes; only absolute paths that need it have one."""
    name = os.fsdecode(b"/m/caf\xe9 1.mp3")
    records = [{"path": name}, {"path": "/m/b.mp3"}, {"path": name[3:]}, {"path": "/\ud800"}]
    tracks = json.loads(dump({"tracks": records}))["tracks"]
    assert [track.get("location") for track in tracks] == [
        "file:///m/caf%E9%201.mp3",
        None,
        None,
        None,
    ]


def test_arrays_are_lists() -> None:
    """Arrays and their scalars become plain numbers."""
    assert to_plain({"v": np.float32([1, 2]), "n": np.int64(3)}) == {"v": [1.0, 2.0], "n": 3}


def test_an_unknown_type_is_refused() -> None:
    """A value without a form in JSON raises an error, and is not printed as an address."""
    with pytest.raises(TypeError, match="to_json"):
        to_plain(object())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values)
def test_dump_is_valid_json(value: object) -> None:
    """Whatever is dumped is read back by a strict parser as the plain value."""
    read = json.loads(dump(value), parse_constant=lambda name: pytest.fail(name))
    assert read == to_plain(value)


@given(st.text())
def test_a_cell_is_one_line(text: str) -> None:
    """No text can break a table's row."""
    assert len(cell("title", text).splitlines()) <= 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (0.123456, "0.1235"),
        (12345.6, "12,346"),
        (1_200_000, "1,200,000"),
        (99_999, "99999"),
        (["jazz", "rock"], "jazz, rock"),
        ({"jazz": 0.5}, "jazz 0.5"),
    ],
)
def test_cells_read_well(value: object, shown: str) -> None:
    """Numbers are short and lists are words."""
    assert cell("x", to_plain(value)) == shown


def test_an_id_is_printed_as_it_is_typed() -> None:
    """However large the library: no comma, so that it can be copied into the next command."""
    assert cell("id", 1_234_567) == "1234567"


def test_talk_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """A remark is on stderr, or nowhere with --quiet."""
    say(Globals(), "made 3 files")
    say(Globals(quiet=True), "unheard")
    assert capfd.readouterr() == ("", "made 3 files\n")


def test_progress_is_silent_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """If stderr is no terminal, items pass through and no bar is drawn."""
    assert list(track(Globals(), range(5), label="counting")) == [0, 1, 2, 3, 4]
    assert capfd.readouterr() == ("", "")
