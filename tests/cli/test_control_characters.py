"""No control character of a tag or of a file's name reaches a terminal or a playlist's line."""

import json
from pathlib import Path

import pytest

import cli.output
from cli.options import Form, Globals
from cli.output import emit, emit_text, write_text
from cli.talk import say
from index.catalogue.records import TrackRecord
from index.playlists.files.m3u import format_m3u, parse_m3u
from index.playlists.files.xspf import format_xspf, parse_xspf

HOSTILE = "\x1b]0;owned\x07 \x1b[2J \x9b31m \x9d8;;http://x\x9c \u202e\r\nnext\x7f"
"""OSC and CSI sequences with one and with two bytes, a change of direction, a new line."""


def controls(text: str) -> list[str]:
    """The characters that a terminal could obey."""
    return [c for c in text if not c.isprintable() and c != "\n"]


@pytest.mark.parametrize("form", list(Form))
def test_no_form_prints_a_control_character(
    form: Form, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each form, a hostile title, path and field name are text on a terminal."""
    monkeypatch.setattr(cli.output, "_is_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    row = {"title": HOSTILE, "path": f"/a/{HOSTILE}", "tags": {HOSTILE: HOSTILE}, HOSTILE: 1}
    emit(Globals(form=form), rows=[row], title=HOSTILE)
    out, _ = capfdbinary.readouterr()
    assert controls(out.decode()) == []
    if form is Form.NDJSON:
        assert json.loads(out)["title"] == HOSTILE


def test_a_record_and_prose_are_text(capfd: pytest.CaptureFixture[str]) -> None:
    """A single record, prose on stdout and a remark on stderr escape what they quote."""
    emit(Globals(), {"title": HOSTILE, HOSTILE: [HOSTILE]})
    emit_text(Globals(), f"first\n{HOSTILE}")
    say(Globals(), HOSTILE)
    out, err = capfd.readouterr()
    assert controls(out + err) == []
    assert "first\n" in out


def test_paths_in_a_pipe_are_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A pipe gets the very name of the file, whatever is in it."""
    emit(Globals(form=Form.PATHS, null_separated=True), rows=[{"path": f"/a/{HOSTILE}"}])
    assert capfdbinary.readouterr().out == f"/a/{HOSTILE}\0".encode()


def test_a_playlist_has_one_line_a_track() -> None:
    """A title with line ends and escapes stays in its line; a path with them is a URI."""
    path = "/a/one\nhttp:/evil\x1b]0;x\x07.mp3"
    track = TrackRecord(1, path, title=f"{HOSTILE}\n/etc/passwd", artist=HOSTILE)
    text = format_m3u([track])
    assert controls(text.decode()) == []
    assert [entry.path for entry in parse_m3u(text, Path("/a"))] == [path]
    entries = parse_xspf(format_xspf([track]), Path("/a"))
    assert [entry.path for entry in entries] == [path]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_document_is_text_on_a_terminal_and_whole_in_a_pipe(
    is_terminal: bool,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CSV keeps its rows; only a terminal gets its control characters escaped."""
    monkeypatch.setattr(cli.output, "_is_terminal", lambda: is_terminal)
    document = f"id,title\n1,{HOSTILE}\n"
    write_text(document)
    out, _ = capfdbinary.readouterr()
    assert (controls(out.decode()) == []) is is_terminal
    assert (out == document.encode()) is not is_terminal
    assert out.startswith(b"id,title\n1,")
