"""What all commands share: the global options, and the ways to name tracks and data sets.

It refuses to know any command. Global options are accepted after the command too, because people
type them there; `hoist_global_flags` moves them to the front before Typer reads the line.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from embedder.errors import DatasetError, UsageError, printable_path
from index.library_folder.usual import usual_library_folder

SWITCHES = ("--json", "--ndjson", "--paths", "-0", "--quiet", "--debug", "--version")
VALUED = ("--library",)

TRACKS_HELP = (
    "Audio files, track ids, or words that one track has, such as 'hooker boom'; - reads paths "
    "from standard input, one a line."
)
MODEL_HELP = "A model's name, or the path of its folder."
LIBRARY_WORD = "library"

TracksArgument = Annotated[
    list[str], typer.Argument(metavar="TRACK...", help=TRACKS_HELP, show_default=False)
]
SomeTracksArgument = Annotated[
    list[str] | None, typer.Argument(metavar="TRACK...", help=TRACKS_HELP, show_default=False)
]
SubjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATASET|library",
        help="The path of a data set, or the word library for your library.",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace existing files.")]

DeviceOption = Annotated[
    str, typer.Option(metavar="D", help="The microphone: its number, or a part of its name.")
]
StartOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="S", help="Start of the part to analyse, in seconds."),
]
SecondsOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="S", help="Length of the part to analyse; 2 seconds are enough."),
]
VotersOption = Annotated[
    int, typer.Option("-k", min=1, metavar="K", help="The number of neighbours that vote.")
]
PerArtistOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="At most N tracks of an artist.")
]
PerAlbumOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="At most N tracks of an album.")
]
RateOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="HZ",
        help="The microphone's sample rate; by default the device's own.",
        show_default=False,
    ),
]
TasteOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="T",
        help="How much your likes, skips and plays change the order, from 0 to 1; see "
        "'soundalike taste'.",
    ),
]


class Form(StrEnum):
    """The form in which a command prints its answer."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    PATHS = "paths"


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options of one call, as every command gets them."""

    library: Path | None = None
    form: Form = Form.TABLE
    null_separated: bool = False
    quiet: bool = False
    debug: bool = False

    def library_folder(self) -> Path:
        """The library: --library, else $SOUNDALIKE_LIBRARY, else in the user's data folder."""
        if self.library is not None:
            return self.library
        return usual_library_folder()


def globals_of(context: typer.Context) -> Globals:
    """The global options of a command's call."""
    settings = context.obj
    return settings if isinstance(settings, Globals) else Globals()


def chosen_form(*, json: bool, ndjson: bool, paths: bool) -> Form:
    """The form to print in; two at once are a usage error."""
    flags = {Form.JSON: json, Form.NDJSON: ndjson, Form.PATHS: paths}
    chosen = [form for form, is_given in flags.items() if is_given]
    if len(chosen) > 1:
        raise UsageError(f"give one of {' and '.join(f'--{form}' for form in chosen)}, not both")
    return chosen[0] if chosen else Form.TABLE


def hoist_global_flags(arguments: Sequence[str]) -> list[str]:
    """The same line with global options moved to the front; what follows `--` stays as it is."""
    if any("\0" in word for word in arguments):
        raise UsageError("a NUL in an argument: no file's name has one")
    hoisted: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for word in remaining:
        if word == "--":
            rest += [word, *remaining]
        elif word in SWITCHES or word.startswith(tuple(f"{name}=" for name in VALUED)):
            hoisted.append(word)
        elif word in VALUED:
            value = next(remaining, None)
            if value is None:
                raise UsageError(f"{word} needs a value, such as {word} music.library")
            hoisted += [word, value]
        else:
            rest.append(word)
    return hoisted + rest


def check_subject(settings: Globals, dataset: str) -> None:
    """Refuse a data set or library that does not exist, before anything heavy is imported."""
    if dataset != LIBRARY_WORD:
        check_dataset(Path(dataset))
        return
    from index.library_folder.manifest import read_manifest

    read_manifest(settings.library_folder())


def check_dataset(path: Path) -> None:
    """Refuse a data set that does not exist, before anything heavy is imported for it."""
    if not path.exists():
        raise DatasetError(f"{printable_path(path)}: no such file or folder.")


def read_tracks(settings: Globals, arguments: Iterable[str]) -> list[str]:
    """The given tracks, with `-` replaced by the paths on standard input.

    Paths keep bytes that are not UTF-8 (surrogateescape). With -0 they are separated by NUL, as
    `find -print0` and `soundalike -0 --paths` write them.
    """
    tracks: list[str] = []
    for argument in arguments:
        if not argument:
            raise UsageError("an empty name: give a file or a track id")
        if argument == "-":
            tracks += _paths_from_stdin(null_separated=settings.null_separated)
        else:
            tracks.append(argument)
    return tracks


def _paths_from_stdin(*, null_separated: bool) -> list[str]:
    data = sys.stdin.buffer.read()
    if b"\0" in data and not null_separated:
        raise UsageError("standard input has NULs: give -0 if they separate paths")
    pieces = data.split(b"\0") if null_separated else data.splitlines()
    return [os.fsdecode(piece) for piece in pieces if piece]
