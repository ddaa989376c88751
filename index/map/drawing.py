"""Draw a library's map into a file, as `soundalike map` does."""

from pathlib import Path

from embedder.errors import BadInput, UnknownChoice
from embedder.whole_files import check_output, write_whole
from index.library_folder.open_library import OpenLibrary
from index.map.fields import chosen_field, map_field, map_fields
from index.map.library_map import LibraryMap, map_of
from index.map.request import MapRequest
from index.map.results import MapReport

FORMS = (".html", ".png", ".svg", ".csv")


def draw_map(
    library: OpenLibrary,
    output: Path,
    *,
    request: MapRequest | None = None,
    colour: str | None = None,
    title: str = "",
    force: bool = False,
) -> MapReport:
    """Draw a library's map as a page, a picture or a table, depending on the file's suffix."""
    form = output.suffix.lower()
    if form not in FORMS:
        raise UnknownChoice("kind of map", output.suffix or output.name, FORMS)
    check_output(output, force=force)
    if not output.parent.is_dir():
        raise BadInput(f"{output}: its folder does not exist. Create it first.")
    field = chosen_field(library, colour)
    drawn = map_of(library, request)
    write_whole(output, _rendered(library, drawn, output, field=field, title=title or "Music map"))
    return MapReport(
        path=str(output),
        n_tracks=len(drawn.tracks),
        dimensions=drawn.settings.dimensions,
        method=drawn.method,
        colour=field,
        trustworthiness=None if drawn.trust is None else round(drawn.trust.value, 4),
        trust_sample=0 if drawn.trust is None else drawn.trust.n_tracks,
        n_misleading=drawn.n_misleading,
        n_placed=drawn.n_placed,
        neighbours=drawn.settings.neighbours,
        min_distance=drawn.settings.min_distance,
        seed=drawn.settings.seed,
    )


def _rendered(
    library: OpenLibrary, drawn: LibraryMap, output: Path, *, field: str, title: str
) -> bytes:
    match output.suffix.lower():
        case ".html":
            from index.map.page import page_html

            fields = map_fields(library, drawn, first=field)
            folder = output.absolute().parent
            text = page_html(drawn, fields, page_folder=folder, title=title)
            return text.encode("utf-8")
        case ".csv":
            from index.map.table import csv_text

            return csv_text(drawn).encode("utf-8", "surrogateescape")
        case ".svg":
            from index.map.pictures import picture

            return picture(drawn, map_field(library, drawn, field), form="svg", title=title)
        case _:
            from index.map.pictures import picture

            return picture(drawn, map_field(library, drawn, field), form="png", title=title)
