"""The numbers that an arc goes over: of a tag, or measured from the audio.

What is measured is kept in the library, so that it is measured once, and `--where` can ask for it
too. If the library cannot be written to, it is measured each time.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from embedder.errors import ArtefactError, DeadlyAudio, LibraryBusy, StorageError, UnknownChoice
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary

COLUMNS = ("year", "track_number", "duration_seconds")
MEASURED = ("energy", "tempo")
OTHER_TAGS = {"tempo": ("bpm",)}
"""Tags with the same meaning, used if the field itself is missing."""

Keep = Callable[[Sequence[tuple[int, str, str]]], None]
"""Stores measurements: track id, field and value."""


def check_field(catalogue: Catalogue, field: str) -> None:
    """Raise UnknownChoice unless the field can hold numbers."""
    fields = {*COLUMNS, *MEASURED, *catalogue.fields()}
    if field not in fields:
        raise UnknownChoice("field for an arc", field, fields)


def tagged_numbers(catalogue: Catalogue, field: str) -> dict[int, float]:
    """The values of a tag that are numbers, by track id."""
    numbers: dict[int, float] = {}
    for name in (*reversed(OTHER_TAGS.get(field, ())), field):
        for track_id, values in catalogue.field_values(name).items():
            number = _number(values)
            if number is not None:
                numbers[track_id] = number
    return numbers


def numbers_of(
    library: OpenLibrary, field: str, tracks: Sequence[TrackRecord], *, keep: Keep | None
) -> dict[int, float]:
    """The numbers of tracks by their ids; those without one are absent."""
    if field in COLUMNS:
        values = {track.id: getattr(track, field) for track in tracks}
        return {track_id: float(value) for track_id, value in values.items() if value is not None}
    numbers = tagged_numbers(library.catalogue, field)
    if field not in MEASURED:
        return numbers
    missing = [track for track in tracks if track.id and track.id not in numbers]
    measured = _measured(missing)
    if measured and keep is not None:
        keep(measured)
    return numbers | {track_id: float(value) for track_id, name, value in measured if name == field}


def keep_in(library: OpenLibrary, notes: list[str]) -> Keep:
    """Writes measurements into the library; notes the reason if it cannot be written to."""

    def keep(measurements: Sequence[tuple[int, str, str]]) -> None:
        try:
            with library.writing() as catalogue, catalogue.database.transaction():
                Ledger(catalogue).put_measurements(measurements)
        except (LibraryBusy, ArtefactError, StorageError, OSError) as error:
            notes.append(f"The measured values could not be stored: {error}")

    return keep


def _measured(tracks: Iterable[TrackRecord]) -> list[tuple[int, str, str]]:
    from embedder.audio.decoders import Decoder
    from index.playlists.ways.measures import measure

    rows: list[tuple[int, str, str]] = []
    with Decoder() as decoder:
        for track in tracks:
            path = Path(track.path)
            try:
                measurements = decoder.run(
                    path,
                    measure,
                    path,
                    start_seconds=track.start_seconds or 0.0,
                    end_seconds=track.end_seconds,
                )
            except DeadlyAudio:
                continue
            rows += [(track.id, field, f"{number:g}") for field, number in measurements.items()]
    return rows


def _number(values: Iterable[str]) -> float | None:
    for value in values:
        try:
            number = float(value.replace(",", "."))
        except ValueError:
            continue
        if abs(number) < float("inf"):
            return number
    return None
