"""`soundalike library`: look at a library, take things out of it, mend it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import ForceOption, Form, TracksArgument, globals_of, read_tracks
from cli.output import emit
from cli.talk import say
from embedder.errors import ArtefactError

app = typer.Typer(help="Look at the library, take things out of it, mend it.")

INFO_COLUMNS = (
    *("folder", "n_tracks", "n_duplicates", "n_gone", "n_failures", "model", "fingerprint"),
    *("is_calibrated", "embedding_size", "geometry", "store", "why", "bytes_on_disk"),
    *("hubness_correction", "hubness", "fields"),
)
TRACK_COLUMNS = ("id", "title", "artist", "path")


@app.command("info")
def info(context: typer.Context) -> None:
    """Describe the library: its size, its model, how it is searched, its fields and hubs."""
    from index.library import Library
    from index.library_folder.report import report_on

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        report = report_on(library)
    emit(settings, report, columns=INFO_COLUMNS)
    if settings.form is Form.TABLE and report.failures:
        emit(settings, rows=report.failures, columns=("path", "reason"), title="\nfailures")


@app.command("remove")
def remove(context: typer.Context, tracks: TracksArgument) -> None:
    """Take tracks out of the library; their files stay."""
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        found = [track for text in read_tracks(settings, tracks) for track in library.find(text)]
        removed = library.remove(list(dict.fromkeys(track.id for track in found)))
    emit(settings, rows=removed, columns=TRACK_COLUMNS)


@app.command("export")
def export(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="FILE.csv, or with vectors FILE.json, FILE.npz."
        ),
    ],
    force: ForceOption = False,
) -> None:
    """Write all tracks to a file, with their vectors as JSON or as NumPy arrays."""
    from index.library import Library
    from index.library_folder.export import export_library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        n_tracks = export_library(library, output, replace=force)
    emit(settings, {"path": output, "tracks": n_tracks})


@app.command("verify")
def verify(context: typer.Context) -> None:
    """Read all of the library and say what is wrong with it; ends with 4 if anything is."""
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        problems = library.verify()
    for problem in problems:
        say(settings, problem)
    emit(settings, {"ok": not problems, "problems": problems}, columns=("ok",))
    if problems:
        raise ArtefactError(f"{len(problems)} things are wrong: try 'soundalike library rebuild'")


@app.command("rebuild")
def rebuild(
    context: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="How vectors are kept from now on: auto, exact, hnsw, hnsw-sq8, ivf-sq8, ivf-pq.",
        ),
    ] = None,
    memory_mb: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The memory that auto may plan with.")
    ] = None,
    hubness: Annotated[
        str | None,
        typer.Option(
            metavar="CORRECTION",
            help="What queries do against hubs from now on: none, csls, mutual-proximity, or "
            "model, to go by what helped the model.",
        ),
    ] = None,
) -> None:
    """Make the search index anew from the catalogue, in another way if one is named."""
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        if hubness is not None:
            library.set_correction(hubness)
        library.rebuild_as(store, memory_mb=memory_mb)
        emit(settings, library.store.info())
