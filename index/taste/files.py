"""Events from files and to files."""

import json
from pathlib import Path

from embedder.errors import UsageError, printable_path
from embedder.whole_files import write_whole
from index.catalogue.records import Json, valid_json
from index.library_folder.open_library import OpenLibrary
from index.taste.events import taste_report
from index.taste.listens import Listen, read_listens
from index.taste.matching import RECORDING_FIELDS, TrackFinder, match_listens
from index.taste.results import ImportReport, Unmatched

EXPORTED = ("event", "time", "source", "artist", "title", "album", "path")


def import_events(library: OpenLibrary, path: Path) -> ImportReport:
    """Store the events in a file whose tracks the library has."""
    library.require_tracks()
    entries = list(read_listens(path))
    listens = [entry for entry in entries if isinstance(entry, Listen)]
    library.on_step("Matching tracks")
    events, unmatched = match_listens(TrackFinder(library), listens)
    with library.writing() as catalogue, catalogue.database.transaction():
        n_added = catalogue.events.add(events)
    return ImportReport(
        n_read=len(listens),
        n_matched=len(events),
        n_added=n_added,
        n_unreadable=len(entries) - len(listens),
        unmatched=tuple(
            Unmatched(artist, title, n_events)
            for (artist, title), n_events in sorted(
                unmatched.items(), key=lambda item: (-item[1], item[0])
            )
        ),
    )


def export_events(library: OpenLibrary, path: Path, *, force: bool = False) -> int:
    """Write all events to a .json file that `import_events` reads; returns their number."""
    if path.suffix.lower() != ".json":
        raise UsageError(f"{printable_path(path)}: name a .json file")
    if path.exists() and not force:
        raise UsageError(f"{printable_path(path)} exists: give --force to replace it")
    document = exported(library)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    write_whole(path, text.encode())
    return len(document["events"])


def exported(library: OpenLibrary) -> dict[str, list[Json]]:
    """All events, the oldest first, as `import_events` reads them."""
    report = taste_report(library)
    recordings: dict[int, str] = {}
    for field in RECORDING_FIELDS:
        for track_id, values in library.catalogue.field_values(field).items():
            recordings.setdefault(track_id, values[0])
    events: list[Json] = []
    for event in reversed(report.events):
        fields = event.to_json()
        record = {name: fields[name] for name in EXPORTED}
        if event.track.id in recordings:
            record["recording_id"] = recordings[event.track.id]
        events.append(valid_json(record))
    return {"events": events}
