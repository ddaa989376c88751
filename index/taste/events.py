"""Record, show and delete the events of a library."""

from collections import Counter
from collections.abc import Iterable, Sequence

from embedder.errors import NotFound
from index.catalogue.event_rows import EVENT_KINDS, EventKind
from index.library_folder.open_library import OpenLibrary
from index.taste.judging import preference_in
from index.taste.request import EventRequest
from index.taste.results import TasteReport, TrackEvent


def record_events(library: OpenLibrary, requests: Iterable[EventRequest]) -> int:
    """Store events; returns the number of new ones. Raises NotFound for an unknown track."""
    events = [request.event() for request in requests]
    ids = {event.track_id for event in events}
    unknown = ids - {track.id for track in library.tracks(sorted(ids))}
    if unknown:
        raise NotFound(f"no track has the id {min(unknown)}.")
    with library.writing() as catalogue, catalogue.database.transaction():
        return catalogue.events.add(events)


def taste_report(library: OpenLibrary, *, limit: int | None = None) -> TasteReport:
    """The events, the latest first, with their tracks; at most `limit` of them."""
    events = library.catalogue.events.all()
    shown = events[::-1][:limit]
    tracks = {track.id: track for track in library.tracks(sorted({e.track_id for e in shown}))}
    n_of = Counter(event.kind for event in events)
    preference = preference_in(library) if events else None
    return TasteReport(
        events=tuple(TrackEvent(tracks[e.track_id], e.kind, e.happened, e.source) for e in shown),
        counts={kind: n_of[kind] for kind in EVENT_KINDS},
        n_judged=len({event.track_id for event in events}),
        strength=None if not events else preference.strength if preference else 0.0,
    )


def forget_events(
    library: OpenLibrary, ids: Sequence[int] | None = None, *, kind: EventKind | None = None
) -> int:
    """Delete events, all or those of some tracks or a kind; returns their number."""
    with library.writing() as catalogue, catalogue.database.transaction():
        return catalogue.events.remove(kind=kind, ids=ids)
