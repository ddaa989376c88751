"""Events as they are shown. JSON field names are stable: added to, never renamed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from index.catalogue.event_rows import EventKind
from index.catalogue.records import Json, TrackRecord


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """An event, with its track."""

    track: TrackRecord
    kind: EventKind
    happened: int
    source: str

    def to_json(self) -> Json:
        """The track's fields, then those of the event; the time as ISO 8601 in UTC."""
        moment = datetime.fromtimestamp(self.happened, UTC)
        return self.track.to_json() | {
            "event": self.kind,
            "time": moment.isoformat().replace("+00:00", "Z"),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class TasteReport:
    """The events of a library, the latest first, and what they say."""

    events: tuple[TrackEvent, ...]
    counts: dict[str, int]
    n_judged: int
    """Tracks with an event."""
    strength: float | None
    """How well the events predict each other, 0 to 1; None without an event."""

    def __iter__(self) -> Iterator[TrackEvent]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def to_json(self) -> Json:
        """`{"events": […], "counts", "n_judged", "strength"}`."""
        return {
            "events": [event.to_json() for event in self.events],
            "counts": self.counts,
            "n_judged": self.n_judged,
            "strength": self.strength,
        }


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A track of an imported file that the library does not have."""

    artist: str
    title: str
    n_events: int

    def to_json(self) -> Json:
        """The fields by their names."""
        return {"artist": self.artist, "title": self.title, "n_events": self.n_events}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the events in a file."""

    n_read: int
    n_matched: int
    n_added: int
    """Events that the library did not have yet."""
    n_unreadable: int
    unmatched: tuple[Unmatched, ...]

    def to_json(self) -> Json:
        """The counts, and `unmatched`, the tracks that were not found."""
        return {
            "n_read": self.n_read,
            "n_matched": self.n_matched,
            "n_added": self.n_added,
            "n_unreadable": self.n_unreadable,
            "unmatched": [track.to_json() for track in self.unmatched],
        }
