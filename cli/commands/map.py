"""`soundalike map`: the library as a page, a picture or a table."""

from pathlib import Path
from typing import Annotated

import typer

from cli.opening import opened_library
from cli.options import ForceOption, globals_of
from cli.output import emit
from cli.talk import say

COLUMNS = ("path", "tracks", "method", "colour", "trustworthiness", "misleading", "placed")


def run(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="An .html, .png, .svg or .csv file."),
    ] = Path("map.html"),
    colour: Annotated[
        str | None,
        typer.Option(
            "--colour",
            "--color",
            metavar="FIELD",
            help="What to colour by: a tag, year, duration_seconds, folder or preservation.",
            show_default="genre",
        ),
    ] = None,
    dimensions: Annotated[
        int, typer.Option(metavar="2|3", help="A flat map, or one in space.")
    ] = 2,
    neighbours: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many neighbours the layout keeps near each track: few show detail, many the "
            "large structure.",
            show_default="15",
        ),
    ] = None,
    min_distance: Annotated[
        float | None,
        typer.Option(
            metavar="D",
            help="How close tracks may lie, 0 to 1.",
            show_default="0.1",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Another seed gives another map.", show_default="0"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make a new layout, which moves every track.")
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="The title above the map.")] = "",
    force: ForceOption = False,
) -> None:
    """Draw a map of the library, where similar tracks lie together.

    The first map takes a while. The library keeps its layout, and later tracks are placed on it
    without moving the others. An .html page works without a network: it searches, filters, plays,
    shows each track's neighbours, and saves a selection as a playlist.

    $ soundalike map -o map.html --colour genre
    Writes map.html, a page to open in a browser.
    """
    from index.map.request import MapRequest

    settings = globals_of(context)
    request = MapRequest(dimensions, neighbours, min_distance, seed, is_fresh=fresh)
    with opened_library(settings, "Drawing the map") as library:
        report = library.draw_map(output, request=request, colour=colour, title=title, force=force)
    emit(settings, report, rows=[report], columns=COLUMNS)
    for note in report.notes():
        say(settings, note)
