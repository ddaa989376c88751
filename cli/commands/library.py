"""`soundalike library`: describe, list, export, check and repair a library, and remove tracks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.choosing import chooser
from cli.index_shown import index_progress, show_report
from cli.library_shown import FIELD_COLUMNS, field_rows, library_sentences
from cli.opening import opened_library
from cli.options import ForceOption, Form, Globals, TracksArgument, globals_of, read_tracks
from cli.output import emit, emit_text
from cli.talk import say
from embedder.errors import ArtefactError

if TYPE_CHECKING:
    from index.library_folder.finding.request import ListOptions

app = typer.Typer(
    help="""Describe, list, export, check and repair the library.

    $ soundalike library info
    Prints the library's size, its model, its fields and how it is searched.
    """
)

LABEL_COLUMNS = ("dataset", "layout", "tracks", "fields")
TRACK_COLUMNS = ("id", "title", "artist", "path")
LIST_COLUMNS = ("id", "title", "artist", "album", "genre", "duration_seconds", "path")
MOST_IN_TABLE = 50
"""Without --limit, a table is short; what a script reads is complete."""

WhereOption = Annotated[
    str,
    typer.Option(metavar="FILTER", help="List only these tracks, as in query: 'genre=jazz'."),
]
SortOption = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="Sort by a field: id, path, year, duration_seconds or any tag. By default the best "
        "match comes first, or the lowest id.",
    ),
]
DescendingOption = Annotated[bool, typer.Option("--descending", help="Reverse the order.")]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--limit",
        min=1,
        metavar="N",
        help=f"List N tracks; by default all, and {MOST_IN_TABLE} in a table.",
    ),
]
OffsetOption = Annotated[int, typer.Option(min=0, metavar="N", help="Leave out the first N.")]


@app.command("info")
def info(context: typer.Context) -> None:
    """Describe the library: its size, model, index, fields and hubs.

    $ soundalike library info --json
    Prints the same facts as one JSON document.
    """
    settings = globals_of(context)
    with opened_library(settings, "Measuring the library") as library:
        report = library.report()
    if settings.form is not Form.TABLE:
        emit(settings, report)
        return
    emit_text(settings, "\n".join(library_sentences(report)))
    if report.failures:
        emit(settings, rows=report.failures, columns=("path", "reason"), title="\nfailures")
    if fields := field_rows(report):
        emit(settings, rows=fields, columns=FIELD_COLUMNS, title="\nfields")
    if report.label_sources:
        title = "\nlabels of data sets (they replace file tags in the same field)"
        emit(settings, rows=report.label_sources, columns=LABEL_COLUMNS, title=title)


@app.command("list")
def list_tracks(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS...]",
            help="Words of the tracks; if none, all.",
            show_default=False,
        ),
    ] = None,
    where: WhereOption = "",
    sort: SortOption = None,
    descending: DescendingOption = False,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
) -> None:
    """List the tracks of the library, or those that have some words.

    Words are looked for in title, artist, album and path; the beginning of a word is enough. Letter
    case and accents make no difference.

    $ soundalike library list --where 'genre=jazz' --sort year --descending
    Prints the jazz of the library with its ids, the newest first.
    """
    settings = globals_of(context)
    options: ListOptions = {"where": where, "sort": sort, "descending": descending}
    _list(settings, " ".join(words or ()), {**options, "limit": limit, "offset": offset})


@app.command("find")
def find(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS...", help="Words of the tracks.", show_default=False),
    ],
    where: WhereOption = "",
    sort: SortOption = None,
    descending: DescendingOption = False,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
) -> None:
    """Find tracks by words of title, artist, album and path.

    The beginning of a word is enough. Letter case and accents make no difference. Every sign is
    text: there is no search syntax. The ids are names of tracks for all other commands.

    $ soundalike library find john lee hook
    Prints the tracks by John Lee Hooker with their ids, the best match first.
    """
    settings = globals_of(context)
    options: ListOptions = {"where": where, "sort": sort, "descending": descending}
    _list(settings, " ".join(words), {**options, "limit": limit, "offset": offset})


def _list(settings: Globals, words: str, options: "ListOptions") -> None:
    from index.library import Library

    is_cut = settings.form is Form.TABLE and options["limit"] is None
    if is_cut:
        options = {**options, "limit": MOST_IN_TABLE}
    with Library.open(settings.library_folder()) as library:
        tracks = library.list(words, **options)
    for note in tracks.notes:
        say(settings, note)
    emit(settings, tracks, rows=tracks.tracks, columns=LIST_COLUMNS)
    n_after = tracks.total - options["offset"] - len(tracks)
    if settings.form is Form.TABLE and tracks.tracks and n_after > 0:
        say(settings, f"{len(tracks)} of {tracks.total:,} tracks; -n lists more")


@app.command("remove")
def remove(context: typer.Context, tracks: TracksArgument) -> None:
    """Remove tracks from the library; their files stay.

    $ soundalike library remove 12 old/song.mp3
    Prints the two tracks that it removed.
    """
    from index.library import Library

    settings = globals_of(context)
    with Library.open(settings.library_folder()) as library:
        library.choose = chooser(settings)
        named = [
            track for text in read_tracks(settings, tracks) for track in library.tracks_named(text)
        ]
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


@app.command("import")
def import_shards(
    context: typer.Context,
    shards: Annotated[
        str, typer.Argument(metavar="SHARDS", help="A folder or s3://bucket/folder.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M", help="The shards' model, for a new library; by default the bundled one."
        ),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Remove tracks whose files the last such run did not find."),
    ] = False,
) -> None:
    """Store the tracks of shards in the library.

    A run of 'index' on a cluster writes shards. What the library has already is passed over. Tracks
    whose files that run did not find are marked as gone.

    $ soundalike library import s3://music/shards
    Stores the tracks that the library lacks, and prints how many there were.
    """
    from index.library import Library

    settings = globals_of(context)
    with (
        index_progress(settings, label="Importing") as follower,
        Library.open_or_create(settings.library_folder()) as library,
    ):
        report = library.import_shards(shards, model=model, prune=prune, on_progress=follower.done)
    show_report(settings, report, pruning="the same command with --prune")


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
    settings = globals_of(context)
    with opened_library(settings, "Reading the library") as library:
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
            help="The kind of index from now on: auto, exact, hnsw, hnsw-sq8, ivf-sq8 or ivf-pq; "
            "or lance:FOLDER or lance:s3://BUCKET/FOLDER for a table of LanceDB there.",
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
    """Rebuild the search indexes from the catalogue.

    $ soundalike library rebuild --store hnsw
    Rebuilds the index as a graph, and prints its kind and size.

    $ soundalike library rebuild --store lance:s3://music/vectors
    Writes the vectors into a table of LanceDB in S3, and searches there from now on.
    """
    settings = globals_of(context)
    with opened_library(settings, "Rebuilding the index") as library:
        if hubness is not None:
            library.set_correction(hubness)
        library.rebuild_as(store, memory_mb=memory_mb)
        rebuilt = library.store.info()
    emit(settings, rebuilt)
