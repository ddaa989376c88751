"""What a listener did: likes, dislikes, skips and plays of tracks, each with its time and source.

Events belong to a track's row, so they stay when its file is moved or renamed, and go with it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

from index.catalogue.database import Database

EventKind = Literal["like", "dislike", "skip", "play"]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
OF_TRACK = "SELECT {} FROM events WHERE events.track_id = tracks.id AND kind = '{}'"
N_OF_KIND = {
    "plays": f"({OF_TRACK.format('count(*)', 'play')})",
    "skips": f"({OF_TRACK.format('count(*)', 'skip')})",
}
"""SQL for the fields that count events of a row of `tracks`."""
LAST_PLAY = f"({OF_TRACK.format('max(happened)', 'play')})"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a listener did with a track. happened: in seconds since 1970 (UTC)."""

    track_id: int
    kind: EventKind
    happened: int
    source: str


class EventRows:
    """The events of all tracks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Iterable[Event]) -> int:
        """Store events, and return the number of new ones. The same event is stored once."""
        before = self.count()
        self._database.run_many(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)",
            [(event.track_id, event.kind, event.happened, event.source) for event in events],
        )
        return self.count() - before

    def all(self) -> list[Event]:
        """Every event, the oldest first."""
        rows = self._database.rows(
            "SELECT track_id, kind, happened, source FROM events "
            "ORDER BY happened, track_id, kind, source"
        )
        return [
            Event(int(track_id), cast("EventKind", kind), int(happened), str(source))
            for track_id, kind, happened, source in rows
            if kind in EVENT_KINDS
        ]

    def count(self) -> int:
        """The number of events."""
        return int(self._database.rows("SELECT count(*) FROM events")[0][0])

    def last_times(self, kind: EventKind) -> dict[int, int]:
        """The last time of an event of this kind, by track, the latest first."""
        return dict(
            self._database.rows(
                "SELECT track_id, max(happened) FROM events WHERE kind = ? GROUP BY track_id "
                "ORDER BY 2 DESC, 1",
                (kind,),
            )
        )

    def last_kinds(self, source: str) -> dict[int, EventKind]:
        """The kind of the last event from a source, by track."""
        rows = self._database.rows(
            "SELECT track_id, kind FROM events WHERE source = ? ORDER BY happened", (source,)
        )
        return {int(track_id): cast("EventKind", kind) for track_id, kind in rows}

    def values_of(self, field: str) -> dict[int, float | str | None]:
        """The counts of `plays` or `skips`, or the times of `played`, by track that has any."""
        value = LAST_PLAY if field == "played" else N_OF_KIND[field]
        kind = "skip" if field == "skips" else "play"
        return dict(
            self._database.rows(
                f"SELECT tracks.id, {value} FROM tracks "
                "WHERE tracks.id IN (SELECT track_id FROM events WHERE kind = ?)",
                (kind,),
            )
        )

    def remove(
        self,
        *,
        kind: EventKind | None = None,
        ids: Iterable[int] | None = None,
        source: str | None = None,
    ) -> int:
        """Delete events, all or those of a kind, a source or some tracks; returns their number."""
        before = self.count()
        conditions, values = ["1"], []
        if kind is not None:
            conditions.append("kind = ?")
            values.append(str(kind))
        if ids is not None:
            conditions.append("track_id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(ids)))
        if source is not None:
            conditions.append("source = ?")
            values.append(source)
        self._database.run(f"DELETE FROM events WHERE {' AND '.join(conditions)}", values)
        return before - self.count()
