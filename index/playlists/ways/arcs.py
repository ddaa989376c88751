"""The numbers that an arc goes over: columns, tags, or values measured when tracks were indexed."""

from collections.abc import Iterable, Sequence

from embedder.errors import BadInput, UnknownChoice
from index.catalogue.catalogue import Catalogue
from index.catalogue.field_rows import MEASURED
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary

COLUMNS = ("year", "track_number", "duration_seconds")
MEASURED_NUMBERS = (
    *("energy", "tempo", "loudness", "brightness"),
    *("onsets", "attack", "dynamics"),
)
OTHER_TAGS = {"tempo": ("bpm",)}
"""Tags with the same meaning, used if the field itself is missing."""


def check_field(catalogue: Catalogue, field: str) -> None:
    """Raise an error unless the field can hold numbers."""
    fields = {*COLUMNS, *catalogue.field_names()}
    if field in fields or any(tag in fields for tag in OTHER_TAGS.get(field, ())):
        return
    if field.removeprefix(MEASURED) in MEASURED_NUMBERS:
        raise BadInput(
            f"{field}: no track of this library has been measured. Run 'soundalike index' with the "
            "folders of your music; stored vectors stay."
        )
    raise UnknownChoice("field for an arc", field, {*fields, *MEASURED_NUMBERS})


def field_numbers(catalogue: Catalogue, field: str) -> dict[int, float]:
    """The values of a field that are numbers, by track id; a tag comes before a measured value."""
    full_name = catalogue.full_name(field)
    names = [*reversed(OTHER_TAGS.get(field, ())), field]
    if full_name != field:
        names = [full_name, *names[:-1]]
    numbers: dict[int, float] = {}
    for name in names:
        for track_id, values in catalogue.field_values(name).items():
            number = number_in(values)
            if number is not None:
                numbers[track_id] = number
    return numbers


def numbers_of(library: OpenLibrary, field: str, tracks: Sequence[TrackRecord]) -> dict[int, float]:
    """The numbers of tracks by their ids; those without one are absent."""
    if field in COLUMNS:
        values = {track.id: getattr(track, field) for track in tracks}
        return {track_id: float(value) for track_id, value in values.items() if value is not None}
    return field_numbers(library.catalogue, field)


def number_in(values: Iterable[str]) -> float | None:
    """The first value that is a number; None if none is."""
    for value in values:
        try:
            number = float(value.replace(",", "."))
        except ValueError:
            continue
        if abs(number) < float("inf"):
            return number
    return None
