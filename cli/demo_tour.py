"""The demo's tour: the everyday commands, run on the demo's music.

Each command line is printed as a person can type it.
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
    """Run index, query, label, playlist and map, in this order; stop at the first that fails."""
    from cli.app import main  # the app imports the commands

    stops: list[Stop] = []
    library = ["--library", str(folder / "library")]
    for title, command_words in _lines(folder, song):
        words = [*command_words, *library]
        command = shlex.join(["soundalike", *words])
        emit_text(settings, f"\n{title}\n$ {command}")
        flush()
        quiet = ["--quiet"] if settings.quiet else []
        # In the forms for scripts, only the demo's own document is printed.
        with nullcontext() if settings.form is Form.TABLE else muted():
            stops.append(Stop(title, command, main([*words, *quiet])))
        if stops[-1].exit_code:
            break
    return stops


def _lines(folder: Path, song: Path) -> list[tuple[str, list[str]]]:
    playlist, page = str(folder / "playlist.m3u8"), str(folder / "map.html")
    rules = ["--length", "10", "--per-artist", "2", "--spacing", "2", "--seed", "0"]
    return [
        ("Analyse the music. Another run skips these songs.", ["index", str(folder / "music")]),
        ("Which songs sound like this one, and why?", ["query", str(song), "-k", "5", "--explain"]),
        ("Which genre is it? The nearest songs vote.", ["label", str(song)]),
        (
            "A playlist, with at most two songs an artist.",
            ["playlist", str(song), *rules, "-o", playlist, "--force"],
        ),
        ("A map of the whole collection.", ["map", "-o", page, "--colour", "genre", "--force"]),
    ]
