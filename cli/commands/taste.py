"""`soundalike taste`: what you liked, disliked, skipped and played."""

from pathlib import Path
from typing import Annotated

import typer

from cli.opening import opened_library
from cli.options import ForceOption, globals_of
from cli.output import emit
from cli.talk import say
from embedder.errors import UsageError

app = typer.Typer(
    help="""Show, import, export or delete what you liked and played.

    They are stored in your library alone, and change results only with the option --taste of query,
    playlist and radio.

    $ soundalike taste show
    Prints the latest events, and how well they predict each other.
    """
)
UNMATCHED_COLUMNS = ("n_events", "artist", "title")
STICKER_COLUMNS = ("n_read", "n_matched", "n_added", "n_removed", "n_plays")
COLUMNS = ("time", "event", "source", "id", "title", "artist", "path")


@app.command("show")
def show(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="At most N events, the latest first.")
    ] = 50,
) -> None:
    """Show the latest events, and what all of them say together.

    $ soundalike taste show --limit 10
    Prints the ten latest events.
    """
    settings = globals_of(context)
    with opened_library(settings, "Reading the events") as library:
        report = library.taste.report(limit=limit)
    emit(settings, report, rows=report.events, columns=COLUMNS)
    if report.strength is None:
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    say(
        settings,
        f"{counts}, of {report.n_judged} tracks; strength of the taste: {report.strength:.2f} "
        "(0: no use for other tracks, 1: clear)",
    )


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A .json, .jsonl, .csv or .zip file.", show_default=False
        ),
    ],
) -> None:
    """Import a history of ListenBrainz or Last.fm, or a file of `taste export`.

    Tracks are matched by MusicBrainz id, otherwise by artist and title. The command prints those
    that the library does not have. Importing a file again adds nothing.

    $ soundalike taste import listenbrainz.zip
    Stores your plays and likes, and prints the tracks that were not found.
    """
    settings = globals_of(context)
    with opened_library(settings, "Importing") as library:
        report = library.taste.import_file(file)
    say(
        settings,
        f"{report.n_matched} of {report.n_read} events belong to tracks of the library, "
        f"{report.n_added} are new; {report.n_unreadable} entries name no track or no time",
    )
    emit(settings, report, rows=report.unmatched, columns=UNMATCHED_COLUMNS)


@app.command("stickers")
def stickers(
    context: typer.Context,
    address: Annotated[
        str,
        typer.Argument(
            metavar="[HOST:PORT]",
            help="The MPD to read from. Without an address, MPD_HOST and MPD_PORT are used.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Store the likes, ratings and plays that MPD's clients keep as stickers.

    A sticker `like` of 2 and a `rating` from 8 on are likes; 0, and a rating up to 2, are dislikes.
    A sticker that was taken back takes its event along; `playlist --mpd --follow` does the same.
    `playCount` and `lastPlayed` are plays, unless they were counted while MPD was followed.

    $ soundalike taste stickers localhost:6600
    Stores what you liked in an MPD client, and prints how much of it is new.
    """
    from index.playlists.mpd.stickers import read_stickers

    settings = globals_of(context)
    with opened_library(settings, "Reading stickers") as library:
        report = read_stickers(library, address)
    emit(settings, report, rows=[report.to_json()], columns=STICKER_COLUMNS)
    say(
        settings,
        f"{report.n_matched} of {report.n_read} songs with a like or a rating are in the library: "
        f"{report.n_added} new, {report.n_removed} taken back; new plays: {report.n_plays}",
    )


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .json file.", show_default=False)],
    force: ForceOption = False,
) -> None:
    """Write all events to a file, which `taste import` reads.

    $ soundalike taste export taste.json
    Writes your likes, dislikes, skips and plays to taste.json.
    """
    settings = globals_of(context)
    with opened_library(settings, "Exporting") as library:
        n_events = library.taste.export(file, force=force)
    say(settings, f"{n_events} events in {file}")


@app.command("forget")
def forget(
    context: typer.Context,
    tracks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TRACK...]", help="The tracks whose events to delete.", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Delete the events of all tracks.")
    ] = False,
) -> None:
    """Delete the events of some tracks, or all events.

    $ soundalike taste forget --all
    Deletes all likes, dislikes, skips and plays. Your tracks stay.
    """
    if everything == bool(tracks):
        raise UsageError("give tracks, or --all to delete the events of all of them")
    settings = globals_of(context)
    with opened_library(settings, "Deleting events") as library:
        ids = None
        if tracks:
            ids = [track.id for text in tracks for track in library.tracks_named(text)]
        n_events = library.taste.forget(ids)
    say(settings, f"{n_events} events deleted")
