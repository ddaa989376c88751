"""`soundalike query`: what is like this?"""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Globals, TracksArgument, globals_of, read_tracks
from cli.output import emit, emit_text
from cli.talk import say

if TYPE_CHECKING:
    from index.catalogue.records import TrackRecord
    from index.search.results import QueryResult

NAMED_COLUMNS = ("rank", "score", "id", "title", "artist", "album", "genre", "duration_seconds")
UNNAMED_COLUMNS = ("rank", "score", "id", "title", "artist", "duration_seconds", "path")
WHOLE = "all of it"
SLACK_SECONDS = 0.5


def run(
    context: typer.Context,
    tracks: TracksArgument,
    k: Annotated[int, typer.Option("-k", min=1, metavar="K", help="How many neighbours.")] = 10,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="S", help="None that score below this.")
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            metavar="FILTER",
            help="Only such tracks: 'genre=jazz and (year>=1970 or not artist~\"davis\")'. "
            "Fields: any tag, id, path, year, track_number, duration_seconds; ~ means contains.",
        ),
    ] = "",
    per_artist: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most so many of an artist.")
    ] = None,
    per_album: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most so many of an album.")
    ] = None,
    minus: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACK", help="Away from this track's sound. Repeatable."),
    ] = None,
    no_duplicates: Annotated[
        bool,
        typer.Option("--no-duplicates", help="Each recording once, and none of the query's own."),
    ] = False,
    start: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Listen from this second on.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Listen for this long.")
    ] = None,
    hubness: Annotated[
        str | None,
        typer.Option(
            metavar="CORRECTION",
            help="Against tracks that are near to everything: none, csls or mutual-proximity; "
            "by default as the library has it.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say why: matching stretches, timbre, rhythm, harmony."),
    ] = False,
) -> None:
    """Find the tracks that sound most like one, or like several together.

    The tracks themselves do not come back; other copies of their recordings are marked.
    """
    from index.library import Library
    from index.search.request import SearchRequest
    from index.vectors.hubness import check_correction

    settings = globals_of(context)
    request = SearchRequest(
        tuple(read_tracks(settings, tracks)),
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
    )
    with Library.open(settings.library_folder()) as library:
        result = library.search(request)
    for note in result.notes:
        say(settings, note)
    emit(settings, result, rows=result.neighbours, columns=_columns(result))
    if explain:
        _show_reasons(settings, result)


def _columns(result: "QueryResult") -> tuple[str, ...]:
    """Paths only where a title is lacking: they fill a window; copies only where there are any."""
    is_named = all(neighbour.track.title for neighbour in result.neighbours)
    columns = NAMED_COLUMNS if is_named else UNNAMED_COLUMNS
    has_copies = any(neighbour.is_duplicate for neighbour in result.neighbours)
    return (*columns, "is_duplicate") if has_copies else columns


def _show_reasons(settings: Globals, result: "QueryResult") -> None:
    """The explanations as lines below the table."""
    asked_by_path = {track.path: track for track in result.query}
    for neighbour in result.neighbours:
        reasons = neighbour.explanation or {}
        lines = [f"\n{neighbour.rank}. {neighbour.track.title or neighbour.track.path}"]
        for stretch in reasons["stretches"]:
            path = stretch["query_path"]
            track = asked_by_path.get(path)
            asked = _span(stretch["query_seconds"], track)
            hit = _span(stretch["seconds"], neighbour.track)
            name = f"“{track.title}”" if track and track.title else path
            if not asked == hit == WHOLE:
                lines.append(f"   {hit} is like {asked} of {name}")
        aspects = [name for name in ("timbre", "rhythm", "harmony") if reasons[name] is not None]
        if aspects:
            shares = ", ".join(f"{name} {reasons[name]:.0%}" for name in aspects)
            lines.append(f"   nearer than random pairs: {shares}")
        emit_text(settings, "\n".join(lines))
    for left in result.left_out or ():
        emit_text(settings, f"\nleft out by {left.reason}: {left.track.title or left.track.path}")


def _span(seconds: list[float], track: "TrackRecord | None") -> str:
    start, end = seconds
    whole = track.duration_seconds if track and track.start_seconds is None else None
    if whole and start < SLACK_SECONDS and end > whole - SLACK_SECONDS:
        return WHOLE
    begins, ends = (f"{int(at) // 60}:{at % 60:04.1f}" for at in seconds)
    return f"{begins}–{ends}"
