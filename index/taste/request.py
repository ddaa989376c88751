"""What may be asked about events: to record one, and how strongly they shall count."""

import time
from dataclasses import dataclass

from embedder.errors import UnknownChoice, UsageError
from index.catalogue.event_rows import EVENT_KINDS, Event, EventKind

MAX_SOURCE = 100
LATEST = 2**53


@dataclass(frozen=True, slots=True)
class EventRequest:
    """An event of a track of the library, to be recorded.

    happened: seconds since 1970 (UTC); None: now.
    """

    track_id: int
    kind: EventKind
    happened: float | None = None
    source: str = "python"

    def __post_init__(self) -> None:
        if self.kind not in EVENT_KINDS:
            raise UnknownChoice("kind of event", self.kind, EVENT_KINDS)
        if self.happened is not None and not 0 <= self.happened <= LATEST:
            raise UsageError(f"happened = {self.happened}: give seconds since 1970")
        if not 0 < len(self.source) <= MAX_SOURCE:
            raise UsageError(f"source: give 1 to {MAX_SOURCE} characters")

    def event(self) -> Event:
        """The event as the catalogue stores it."""
        happened = time.time() if self.happened is None else self.happened
        return Event(self.track_id, self.kind, int(happened), self.source)


def check_taste(taste: float) -> None:
    """Raise UsageError for a taste that is not from 0 to 1."""
    if not 0 <= taste <= 1:
        raise UsageError(f"taste = {taste}: give 0 (no effect) to 1")
