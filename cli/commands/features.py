"""`soundalike features`: the input of a network for a track, as a picture or as arrays."""

from pathlib import Path
from typing import Annotated

import typer

from cli.choosing import chooser
from cli.options import ForceOption, Form, Globals, TracksArgument, globals_of, read_tracks
from cli.output import emit
from cli.progress import track
from cli.talk import say
from embedder.errors import NotFound, PartialFailure, UnknownChoice, UsageError


def run(
    context: typer.Context,
    tracks: TracksArgument,
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder for the files.")
    ],
    front_end: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What to compute: mel, fma-mel, gtzan-log, mfcc, cqt or waveform."
        ),
    ] = "mel",
    arrays: Annotated[bool, typer.Option("--arrays", help="Write .npz arrays.")] = False,
    picture: Annotated[bool, typer.Option("--picture", help="Write PNG (the default).")] = False,
    start: Annotated[
        float, typer.Option(metavar="S", help="Start of the part to draw, in seconds.")
    ] = 0.0,
    seconds: Annotated[
        float, typer.Option(metavar="S", help="Length of the part to draw, in seconds.")
    ] = 30.0,
    force: ForceOption = False,
) -> None:
    """Draw the spectrogram of tracks, or save it as arrays.

    $ soundalike features song.mp3 -o pictures
    Writes pictures/song.png, and prints its size.
    """
    from embedder.config.presets import FRONT_ENDS
    from embedder.features.saving import SavedFeatures, save_features

    settings = globals_of(context)
    if arrays and picture:
        raise UsageError("give --arrays or --picture, not both")
    if front_end not in FRONT_ENDS:
        raise UnknownChoice("front end", front_end, FRONT_ENDS)
    paths = _paths(settings, read_tracks(settings, tracks))
    results = save_features(
        paths,
        folder,
        config=FRONT_ENDS[front_end],
        form="arrays" if arrays else "picture",
        start_seconds=start,
        seconds=seconds,
        force=force,
    )
    saved, failed = [], []
    for result in track(settings, results, label="Drawing", total=len(paths)):
        if isinstance(result, SavedFeatures):
            saved.append(result)
        else:
            failed.append(result)
            say(settings, f"{result.path}: {result.reason}")
    columns = ("path", "file", "rows", "columns", "seconds")
    if saved or settings.form is not Form.TABLE:
        emit(settings, {"files": saved, "failed": failed}, rows=saved, columns=columns)
    if failed:
        raise PartialFailure(f"{len(failed)} of {len(paths)} tracks could not be read")


def _paths(settings: Globals, texts: list[str]) -> list[str]:
    """Files as they are given; ids and words are looked up in the library."""
    from index.library_folder.finding.naming import is_id, looks_like_path

    ids = {text for text in texts if is_id(text)}
    words = {t for t in texts if not (t in ids or looks_like_path(t) or Path(t).exists())}
    if not ids and not words:
        return texts
    from index.library import Library

    try:
        library = Library.open(settings.library_folder())
    except NotFound:
        if ids:
            raise
        return texts  # words without a library are files that do not exist
    paths: list[str] = []
    with library:
        library.choose = chooser(settings)
        for text in texts:
            named = library.tracks_named(text) if text in ids | words else []
            paths.append(named[0].path if named else text)
    return paths
