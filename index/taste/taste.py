"""The events of an open library, with a method for each thing that can be done with them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from index.catalogue.event_rows import EventKind
from index.catalogue.records import Json
from index.library_folder.open_library import OpenLibrary
from index.taste import events, files, waiting
from index.taste.request import EventRequest
from index.taste.results import ImportReport, TasteReport


class Taste:
    """What the listener likes: `library.taste.record([EventRequest(7, "like")])`."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library

    def record(self, requests: Iterable[EventRequest]) -> int:
        """Store events; returns the number of new ones. Raises NotFound for an unknown track."""
        return events.record_events(self._library, requests)

    def record_soon(self, requests: Sequence[EventRequest]) -> bool:
        """Store events of existing tracks; returns False if they have to wait.

        While another process is writing, they wait in the library's folder, and are stored with
        the next events.
        """
        return waiting.store_or_wait(self._library, requests)

    def report(self, *, limit: int | None = None) -> TasteReport:
        """The events, the latest first, at most `limit` of them, and what they say."""
        return events.taste_report(self._library, limit=limit)

    def forget(self, ids: Sequence[int] | None = None, *, kind: EventKind | None = None) -> int:
        """Delete events, all or those of some tracks or a kind; returns their number."""
        return events.forget_events(self._library, ids, kind=kind)

    def import_file(self, path: Path) -> ImportReport:
        """Store the events of a history of ListenBrainz or Last.fm, or of `export`.

        Events of tracks that the library does not have are in the report.
        """
        return files.import_events(self._library, path)

    def document(self) -> dict[str, list[Json]]:
        """All events, the oldest first: what `export` writes."""
        return files.exported(self._library)

    def export(self, path: Path, *, force: bool = False) -> int:
        """Write all events to a .json file; returns their number."""
        return files.export_events(self._library, path, force=force)
