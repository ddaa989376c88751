"""What stands before every command's own options: the global flags, and the ways to name tracks.

It refuses to know any command. Global flags are accepted after the command too, because that is
where fingers put them; `hoist_global_flags` moves them to the front before Typer reads the line.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from embedder.errors import UsageError

SWITCHES = ("--json", "--ndjson", "--paths", "-0", "--quiet", "--debug", "--version")
VALUED = ("--library",)
LIBRARY_VARIABLE = "SOUNDALIKE_LIBRARY"

TracksArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TRACK...",
        help="Audio files or track ids; - reads paths from standard input, a line each.",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is already there.")]


class Form(StrEnum):
    """The form in which a command prints its answer."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    PATHS = "paths"


@dataclass(frozen=True, slots=True)
class Globals:
    """The global flags of one call, as every command gets them."""

    library: Path | None = None
    form: Form = Form.TABLE
    null_separated: bool = False
    quiet: bool = False
    debug: bool = False

    def library_folder(self) -> Path:
        """The library: --library, else $SOUNDALIKE_LIBRARY, else in the user's data folder."""
        if self.library is not None:
            return self.library
        named = os.environ.get(LIBRARY_VARIABLE)
        return Path(named) if named else default_library_folder()


def globals_of(context: typer.Context) -> Globals:
    """The global flags that stand above a command's context."""
    found = context.obj
    return found if isinstance(found, Globals) else Globals()


def default_library_folder() -> Path:
    """Where a library lives when nobody says otherwise; nothing is created."""
    import platformdirs

    return platformdirs.user_data_path("soundalike", appauthor=False) / "library"


def chosen_form(*, json: bool, ndjson: bool, paths: bool) -> Form:
    """The one form that was asked for; two at once are a usage error."""
    asked = {Form.JSON: json, Form.NDJSON: ndjson, Form.PATHS: paths}
    chosen = [form for form, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"give one of {' and '.join(f'--{form}' for form in chosen)}, not both")
    return chosen[0] if chosen else Form.TABLE


def hoist_global_flags(arguments: Sequence[str]) -> list[str]:
    """The same line with global flags moved to the front; what follows `--` stays as it is."""
    hoisted: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word in SWITCHES or word.startswith(tuple(f"{name}=" for name in VALUED)):
            hoisted.append(word)
        elif word in VALUED:
            value = next(waiting, None)
            if value is None:
                raise UsageError(f"{word} needs a value, such as {word} music.library")
            hoisted += [word, value]
        else:
            rest.append(word)
    return hoisted + rest


def read_tracks(settings: Globals, arguments: Iterable[str]) -> list[str]:
    """The tracks that were named, with `-` replaced by the paths on standard input.

    Paths keep bytes that are not UTF-8 (surrogateescape). With -0 they are separated by NUL, as
    `find -print0` and `soundalike -0 --paths` write them.
    """
    tracks: list[str] = []
    for argument in arguments:
        if argument == "-":
            tracks += _paths_from_stdin(null_separated=settings.null_separated)
        else:
            tracks.append(argument)
    return tracks


def _paths_from_stdin(*, null_separated: bool) -> list[str]:
    data = sys.stdin.buffer.read()
    pieces = data.split(b"\0") if null_separated else data.splitlines()
    return [os.fsdecode(piece) for piece in pieces if piece]
