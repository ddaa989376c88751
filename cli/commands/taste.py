"""`soundalike taste`: what you liked, disliked, skipped and played."""

from typing import Annotated

import typer

from cli.opening import opened_library
from cli.options import globals_of
from cli.output import emit
from cli.talk import say

app = typer.Typer(
    help="""Show, import, export or delete your likes, dislikes, skips and plays.

    They are stored in your library alone, and change results only with the option --taste of query,
    playlist and radio.

    $ soundalike taste show
    Prints the latest events, and how well they predict each other.
    """
)
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
