"""Events that wait for their turn, because another process was writing to the library.

Each batch is a file of its own in the library's folder, so that nothing is lost if two processes
write at once. The next events that are stored take the waiting ones along.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from embedder.errors import LibraryBusy
from embedder.whole_files import write_whole
from index.catalogue.event_rows import EVENT_KINDS, Event
from index.library_folder.open_library import OpenLibrary
from index.taste.request import EventRequest

FOLDER = "waiting-events"


def store_or_wait(library: OpenLibrary, requests: Sequence[EventRequest]) -> bool:
    """Store events, or put them aside while another process is writing.

    Returns whether they are stored.
    """
    events = [request.event() for request in requests]
    try:
        with library.writing() as catalogue:
            paths = sorted((library.folder / FOLDER).glob("*.json"))
            by_file = {path: _read(path) for path in paths}
            waiting = [event for events_of_file in by_file.values() for event in events_of_file]
            known_ids = {track.id for track in catalogue.tracks({e.track_id for e in waiting})}
            with catalogue.database.transaction():
                catalogue.events.add(e for e in waiting if e.track_id in known_ids)
                catalogue.events.add(events)
            for path in by_file:
                path.unlink(missing_ok=True)
    except LibraryBusy:
        _put_aside(library.folder / FOLDER, events)
        return False
    return True


def _put_aside(folder: Path, events: Sequence[Event]) -> None:
    folder.mkdir(exist_ok=True)
    rows = [[e.track_id, e.kind, e.happened, e.source] for e in events]
    write_whole(folder / f"{secrets.token_hex(8)}.json", json.dumps(rows).encode())


def _read(path: Path) -> list[Event]:
    """The events in a file; none if it is damaged."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [
            Event(int(track_id), kind, int(happened), str(source))
            for track_id, kind, happened, source in rows
            if kind in EVENT_KINDS
        ]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []
