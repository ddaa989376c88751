"""`soundalike library list`, `library find`, and words in place of a track."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.commands import library as command
from tests.conftest import RunCli
from tests.index.vector_library import library_of, unit_vectors

TAGS = (
    {"title": "Boom Boom", "artist": "John Lee Hooker", "genre": "blues"},
    {"title": "Boom", "artist": "John Lee Hooker", "genre": "blues"},
    {"title": "Esc \x1b]0;x\x07 \x9b31m", "artist": "Ann"},
)


@pytest.fixture
def line(tmp_path: Path) -> tuple[str, str]:
    """The words that name a library of three tracks."""
    library_of(tmp_path / "library", unit_vectors(3), TAGS).close()
    return "--library", str(tmp_path / "library")


def test_find_prints_a_table_with_ids(run_cli: RunCli, line: tuple[str, str]) -> None:
    """Words need no quotes."""
    ended = run_cli(*line, "library", "find", "john", "lee", "boom")
    assert (ended.code, ended.err) == (0, "")
    assert [row.split()[0] for row in ended.out.splitlines()] == ["id", "1", "2"]


def test_list_prints_every_form(run_cli: RunCli, line: tuple[str, str]) -> None:
    """JSON has the tracks and their number, paths are paths, and nothing found is no error."""
    listed = json.loads(run_cli(*line, "--json", "library", "list", "boom", "-n", "1").out)
    assert ([track["id"] for track in listed["tracks"]], listed["total"]) == ([1], 2)
    out = run_cli(*line, "library", "list", "--where", "genre=blues", "--paths").out
    assert out.split() == ["/music/0.mp3", "/music/1.mp3"]
    rows = run_cli(*line, "--ndjson", "library", "list", "--sort", "title", "--descending").out
    assert [json.loads(row)["id"] for row in rows.splitlines()] == [3, 1, 2]
    nothing = run_cli(*line, "--json", "library", "find", "zzz")
    assert (nothing.code, json.loads(nothing.out)) == (0, {"tracks": [], "total": 0})


def test_a_long_table_is_cut_with_a_remark(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table is short unless -n says otherwise; scripts get everything."""
    monkeypatch.setattr(command, "MOST_IN_TABLE", 2)
    library_of(tmp_path / "library", np.eye(3, dtype=np.float32), TAGS).close()
    line = ("--library", str(tmp_path / "library"), "library", "list")
    cut = run_cli(*line)
    assert len(cut.out.splitlines()) == 3
    assert "2 of 3 tracks; -n lists more" in cut.err
    assert len(run_cli(*line, "-n", "3").out.splitlines()) == 4
    assert len(run_cli(*line, "--paths").out.splitlines()) == 3


def test_control_characters_are_never_raw(run_cli: RunCli, line: tuple[str, str]) -> None:
    """A title or words with terminal sequences are printed escaped, in tables and in errors."""
    for words in (("library", "find", "ann"), ("query", "\x1b]0;x\x07"), ("query", "boom \x1b[2J")):
        ended = run_cli(*line, *words)
        assert not {"\x1b", "\x07", "\x9b"} & {*ended.out, *ended.err}


@pytest.mark.parametrize("command_words", [("query",), ("label",), ("playlist", "3", "--to")])
def test_a_script_gets_the_candidates(
    run_cli: RunCli, line: tuple[str, str], command_words: tuple[str, ...]
) -> None:
    """Ambiguous words end with exit code 2 and one line with ids, artists and titles."""
    ended = run_cli(*line, *command_words, "boom")
    assert (ended.code, ended.out) == (2, "")
    assert "1 John Lee Hooker: Boom Boom, 2 John Lee Hooker: Boom" in ended.err
    assert len(ended.err.splitlines()) == 1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "form", "code", "query"),
    [("2\n", (), 0, 2), ("9\n1\n", (), 0, 1), ("\n", (), 2, None), ("1\n", ("--json",), 2, None)],
)
def test_a_person_is_asked(
    run_cli: RunCli,
    line: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    form: tuple[str, ...],
    code: int,
    query: int | None,
) -> None:
    """On a terminal a number chooses the track, Enter none; with --json nobody is asked."""
    error = _Terminal()
    monkeypatch.setattr(sys, "stdin", _Terminal(typed))
    monkeypatch.setattr(sys, "stderr", error)
    ended = run_cli(*line, *form, "query", "boom", "-k", "3")
    assert ended.code == code
    assert ("1. 1 John Lee Hooker: Boom Boom" in error.getvalue()) == (not form)
    neighbours = {1, 2, 3} - {query}
    shown = {int(row.split()[2]) for row in ended.out.splitlines()[1:]}
    assert shown == (neighbours if query else set())


def test_query_takes_a_playlist(run_cli: RunCli, line: tuple[str, str], tmp_path: Path) -> None:
    """`--from-playlist` and a playlist as a track give its tracks."""
    listed = tmp_path / "list.m3u8"
    listed.write_text("/music/0.mp3\n/music/1.mp3\n")
    for words in ((str(listed),), ("--from-playlist", str(listed))):
        answer = json.loads(run_cli(*line, "--json", "query", *words).out)
        assert [track["id"] for track in answer["query"]] == [1, 2]
    missing = run_cli(*line, "query", "--from-playlist", str(tmp_path / "none.m3u8"))
    assert missing.code == 3
    assert "no such file" in missing.err
