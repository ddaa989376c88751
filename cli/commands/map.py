"""`soundalike map`: the library as a page, a picture or a table."""

from pathlib import Path
from typing import Annotated

import typer

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
            help="What to colour by: a tag, year, "
            "duration_seconds, folder or preservation [default: genre]",
            show_default=False,
        ),
    ] = None,
    dimensions: Annotated[int, typer.Option(metavar="2|3", help="Flat, or in space.")] = 2,
    neighbours: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How far each track looks: few show detail, many the large picture [default: 15]",
            show_default=False,
        ),
    ] = None,
    min_distance: Annotated[
        float | None,
        typer.Option(
            metavar="D",
            help="How closely points may lie, 0 to 1 [default: 0.1]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Another seed, another map [default: 0]", show_default=False),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Lay it out anew, moving every track.")
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What stands above it.")] = "",
    force: ForceOption = False,
) -> None:
    """Draw the map of the library: what sounds alike lies together.

    The first map takes a while; it is kept in the library, and tracks that come later are placed
    on it without moving the others. An .html page needs no network: it searches, filters, plays,
    shows each track's true neighbours and saves what a lasso catches as a playlist.
    """
    from index.library import Library
    from index.map.drawing import draw_map
    from index.map.request import MapRequest

    settings = globals_of(context)
    request = MapRequest(dimensions, neighbours, min_distance, seed, is_fresh=fresh)
    with Library.open(settings.library_folder()) as library:
        report = draw_map(library, output, request=request, colour=colour, title=title, force=force)
    emit(settings, report, rows=[report], columns=COLUMNS)
    for note in report.notes():
        say(settings, note)
