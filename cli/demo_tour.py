"""The demo's tour: each command that people use every day, run on the demo's music and shown.

Every command line is printed as it can be typed, with one's own music in place of the demo's.
"""

import shlex
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from cli.options import Form, Globals
from cli.output import emit_text, flush, muted


@dataclass(frozen=True, slots=True)
class Stop:
    """One command of the tour, and how it ended."""

    title: str
    command: str
    exit_code: int


def run_tour(settings: Globals, folder: Path, song: Path) -> list[Stop]:
    """Index, query, label, playlist and map, in this order; ends where one of them fails."""
    from cli.app import main  # the app imports the commands

    stops: list[Stop] = []
    library = ["--library", str(folder / "library")]
    for title, own_words in _lines(folder, song):
        words = [*own_words, *library]
        command = shlex.join(["soundalike", *words])
        emit_text(settings, f"\n{title}\n$ {command}")
        flush()
        quiet = ["--quiet"] if settings.quiet else []
        # In the machine forms the demo's own document is the answer.
        with nullcontext() if settings.form is Form.TABLE else muted():
            stops.append(Stop(title, command, main([*words, *quiet])))
        if stops[-1].exit_code:
            break
    return stops


def _lines(folder: Path, song: Path) -> list[tuple[str, list[str]]]:
    playlist, page = str(folder / "playlist.m3u8"), str(folder / "map.html")
    rules = ["--length", "10", "--per-artist", "2", "--spacing", "2", "--seed", "0"]
    return [
        ("Analyse the music; a second time, only what is new.", ["index", str(folder / "music")]),
        ("What sounds like this song, and why?", ["query", str(song), "-k", "5", "--explain"]),
        ("What is it? Its neighbours vote.", ["label", str(song)]),
        (
            "A playlist from it, with rules that keep one artist from flooding it.",
            ["playlist", str(song), *rules, "-o", playlist, "--force"],
        ),
        ("The whole collection as a map.", ["map", "-o", page, "--colour", "genre", "--force"]),
    ]
