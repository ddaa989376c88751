"""`soundalike library`: describe, export, check and repair a library, and remove tracks."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import ForceOption, Form, TracksArgument, globals_of, read_tracks
from cli.output import emit
from cli.talk import say
from embedder.errors import ArtefactError

app = typer.Typer(
    help="""Describe, export, check and repair the library.

    $ soundalike library info
    Prints the library's size, its model, its fields and how it is searched.
    """
)

INFO_COLUMNS = (
    *("folder", "n_tracks", "n_duplicates", "n_gone", "n_failures", "model", "fingerprint"),
    *("is_calibrated", "embedding_size", "geometry", "store", "why", "bytes_on_disk"),
    *("hubness_correction", "hubness", "fields"),
)
LABEL_COLUMNS = ("dataset", "layout", "tracks", "fields")
TRACK_COLUMNS = ("id", "title", "artist", "path")


@app.command("info")
def info(context: typer.Context) -> None:
    """Describe the library: its size, model, index, fields and hubs.

    $ soundalike library info --json
    Prints the same facts as one JSON document.
    """
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        report = library.report()
    emit(settings, report, columns=INFO_COLUMNS)
    if settings.form is Form.TABLE and report.label_sources:
        title = "\nlabels of data sets (they replace file tags in the same field)"
        emit(settings, rows=report.label_sources, columns=LABEL_COLUMNS, title=title)
    if settings.form is Form.TABLE and report.failures:
        emit(settings, rows=report.failures, columns=("path", "reason"), title="\nfailures")


@app.command("remove")
def remove(context: typer.Context, tracks: TracksArgument) -> None:
    """Remove tracks from the library; their files stay.

    $ soundalike library remove 12 old/song.mp3
    Prints the two tracks that it removed.
    """
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        named = [track for text in read_tracks(settings, tracks) for track in library.find(text)]
        removed = library.remove(list(dict.fromkeys(track.id for track in named)))
    emit(settings, rows=removed, columns=TRACK_COLUMNS)


@app.command("export")
def export(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The file: .csv, or with vectors .json or .npz."
        ),
    ],
    force: ForceOption = False,
) -> None:
    """Write all tracks to a file: fields as CSV, or fields and vectors.

    $ soundalike library export -o tracks.csv
    Writes a row a track to tracks.csv.
    """
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        n_tracks = library.export(output, force=force)
    emit(settings, {"path": output, "tracks": n_tracks})


@app.command("verify")
def verify(
    context: typer.Context,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Also analyse 20 files again and compare their vectors. Needs the model."
        ),
    ] = False,
) -> None:
    """Read the whole library and report what is wrong with it.

    The exit code is 4 if anything is wrong.

    $ soundalike library verify
    Prints "ok  yes", or each problem and the command that repairs it.
    """
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        problems = library.verify(deep=deep)
    for problem in problems:
        say(settings, problem)
    emit(settings, {"ok": not problems, "problems": problems}, columns=("ok",))
    if problems:
        what = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ArtefactError(f"{what} in the library. Try 'soundalike library rebuild'.")


@app.command("rebuild")
def rebuild(
    context: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="The kind of index from now on: auto, exact, hnsw, hnsw-sq8, ivf-sq8 or ivf-pq.",
        ),
    ] = None,
    memory_mb: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The memory, in MiB, that auto may use.")
    ] = None,
    hubness: Annotated[
        str | None,
        typer.Option(
            metavar="CORRECTION",
            help="The correction for hubs from now on: none, csls, mutual-proximity, or model for "
            "the one that helped the model.",
        ),
    ] = None,
) -> None:
    """Rebuild the search index from the catalogue.

    $ soundalike library rebuild --store hnsw
    Rebuilds the index as a graph, and prints its kind and size.
    """
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        if hubness is not None:
            library.set_correction(hubness)
        library.rebuild_as(store, memory_mb=memory_mb)
        emit(settings, library.store.info())
