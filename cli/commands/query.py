"""`soundalike query`: the tracks that sound most like some others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.labels_shown import closeness_line
from cli.opening import opened_library
from cli.options import (
    TRACKS_HELP,
    Globals,
    PerAlbumOption,
    PerArtistOption,
    SecondsOption,
    StartOption,
    TasteOption,
    globals_of,
    read_tracks,
)
from cli.output import emit, emit_text
from cli.talk import say

if TYPE_CHECKING:
    from index.search.results import QueryResult

COLUMNS = ("rank", "score", "id", "title", "artist", "album", "genre", "duration_seconds", "path")


def run(
    context: typer.Context,
    tracks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TRACK...]",
            help=f"{TRACKS_HELP} Folders and playlists stand for their tracks.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[
        int, typer.Option("-k", min=1, metavar="K", help="The number of neighbours.")
    ] = 10,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="S", help="Leave out lower scores, which are probabilities."
        ),
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            metavar="FILTER",
            help="Search only these tracks: 'genre=jazz and (year>=1970 or not artist~\"davis\")'. "
            "Fields: any tag, id, path, year, track_number, duration_seconds, plays, skips, "
            "played; ~ means contains.",
        ),
    ] = "",
    per_artist: PerArtistOption = None,
    per_album: PerAlbumOption = None,
    minus: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACK", help="Move away from the sound of this track. Repeatable."),
    ] = None,
    no_duplicates: Annotated[
        bool,
        typer.Option("--no-duplicates", help="Leave out copies of a recording."),
    ] = False,
    start: StartOption = None,
    seconds: SecondsOption = None,
    hubness: Annotated[
        str | None,
        typer.Option(
            metavar="CORRECTION",
            help="Correction for hubs, the tracks that are near to everything: none, csls or "
            "mutual-proximity; by default the library's own.",
        ),
    ] = None,
    text: Annotated[
        str,
        typer.Option(
            metavar="WORDS", help="Search with a description, if the library's model reads text."
        ),
    ] = "",
    from_playlist: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Search with the tracks of a playlist, or of a file of paths, one a line.",
        ),
    ] = None,
    taste: TasteOption = 0.0,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show why: similar parts, and what is unusually alike."),
    ] = False,
    listen: Annotated[
        bool,
        typer.Option(
            "--listen",
            help="With --explain: read the files of the nearest five for matching parts of 3 s.",
        ),
    ] = False,
) -> None:
    """Find the tracks that sound most like one or several tracks.

    The query tracks themselves are not listed; other copies of their recordings are marked.

    $ soundalike query song.mp3 -k 5
    Prints the five tracks of the library that sound most like song.mp3, the nearest first.
    """
    from index.search.request import SearchRequest
    from index.vectors.hubness import check_correction

    settings = globals_of(context)
    request = SearchRequest(
        tuple(read_tracks(settings, tracks or ())),
        minus=tuple(minus or ()),
        k=k,
        min_score=min_score,
        where=where,
        per_artist=per_artist,
        per_album=per_album,
        with_duplicates=not no_duplicates,
        start_seconds=start,
        seconds=seconds,
        correction=None if hubness is None else check_correction(hubness),
        explain=explain,
        listen=listen,
        text=text,
        from_playlist=from_playlist,
        taste=taste,
    )
    with opened_library(settings, "Searching") as library:
        result = library.search(request)
    _show(settings, result)
    if explain:
        _show_reasons(settings, result)


def _show(settings: Globals, result: "QueryResult") -> None:
    for note in result.notes:
        say(settings, note)
    if result.closeness is not None:
        emit_text(settings, f"{closeness_line(result.closeness)}\n")
    emit(settings, result, rows=result.neighbours, columns=_columns(result))


def _columns(result: "QueryResult") -> tuple[str, ...]:
    """Show copies only if there are any."""
    has_copies = any(neighbour.is_duplicate for neighbour in result.neighbours)
    return (*COLUMNS[:-1], "is_duplicate", "path") if has_copies else COLUMNS


def _show_reasons(settings: Globals, result: "QueryResult") -> None:
    """The explanations as lines below the table."""
    query_by_path = {track.path: track for track in result.query}
    for neighbour in result.neighbours:
        reasons = neighbour.explanation or {}
        lines = [f"\n{neighbour.rank}. {neighbour.track.title or neighbour.track.path}"]
        for stretch in reasons["stretches"]:
            path = stretch["query_path"]
            track = query_by_path.get(path)
            query_span, span = _span(stretch["query_seconds"]), _span(stretch["seconds"])
            name = f"“{track.title}”" if track and track.title else path
            lines.append(f"   {span} sounds like {query_span} of {name}")
        lines.append(f"   {reasons['sentence']}")
        emit_text(settings, "\n".join(lines))
    for left in result.left_out or ():
        emit_text(settings, f"\nleft out by {left.reason}: {left.track.title or left.track.path}")


def _span(seconds: list[float]) -> str:
    begins, ends = (f"{int(at) // 60}:{at % 60:04.1f}" for at in seconds)
    return f"{begins}–{ends}"
