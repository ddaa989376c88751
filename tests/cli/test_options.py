"""Global flags anywhere on the line, and tracks from standard input."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.options import (
    SWITCHES,
    Form,
    Globals,
    chosen_form,
    hoist_global_flags,
    read_tracks,
)
from embedder.errors import UsageError

words = st.sampled_from([*SWITCHES, "--library=x", "query", "-k", "10", "song.mp3", "--"])


def test_flags_move_to_the_front() -> None:
    """A global flag and its value move; the command's own words stay in order."""
    line = ["query", "a.mp3", "--library", "lib", "-k", "3", "--json"]
    assert hoist_global_flags(line) == ["--library", "lib", "--json", "query", "a.mp3", "-k", "3"]


def test_two_dashes_end_the_flags() -> None:
    """After -- a word is a file's name, whatever it looks like."""
    assert hoist_global_flags(["query", "--", "--json"]) == ["query", "--", "--json"]


@given(st.lists(words))
def test_hoisting_keeps_every_word(line: list[str]) -> None:
    """No word is lost or made up, and a second time changes nothing."""
    hoisted = hoist_global_flags(line)
    assert sorted(hoisted) == sorted(line)
    assert hoist_global_flags(hoisted) == hoisted


def test_the_library_has_an_order_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """--library comes before the variable, the variable before the user's data folder."""
    assert Globals().library_folder().name == "library"
    monkeypatch.setenv("SOUNDALIKE_LIBRARY", "named")
    assert Globals().library_folder() == Path("named")
    assert Globals(library=Path("given")).library_folder() == Path("given")


def test_one_form_at_most() -> None:
    """One flag chooses the form, two are refused."""
    assert chosen_form(json=False, ndjson=False, paths=False) is Form.TABLE
    assert chosen_form(json=False, ndjson=True, paths=False) is Form.NDJSON
    with pytest.raises(UsageError, match="--json and --ndjson"):
        chosen_form(json=True, ndjson=True, paths=False)


def test_an_empty_name_is_refused() -> None:
    """An empty name is refused and not taken for the current folder."""
    with pytest.raises(UsageError, match="an empty name"):
        read_tracks(Globals(), ["a.mp3", ""])


@pytest.mark.parametrize(
    ("null_separated", "data", "expected"),
    [
        (False, b"a.mp3\nb c.mp3\n\n", ["a.mp3", "b c.mp3"]),
        (True, b"with\nnewline.mp3\0b.mp3\0", ["with\nnewline.mp3", "b.mp3"]),
        (False, b"caf\xe9.mp3", [os.fsdecode(b"caf\xe9.mp3")]),
        (False, b"", []),
    ],
)
def test_a_dash_reads_paths(
    monkeypatch: pytest.MonkeyPatch, null_separated: bool, data: bytes, expected: list[str]
) -> None:
    """`-` stands for the paths on standard input, byte for byte, in its place among the others."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    settings = Globals(null_separated=null_separated)
    assert read_tracks(settings, ["first", "-", "last"]) == ["first", *expected, "last"]
