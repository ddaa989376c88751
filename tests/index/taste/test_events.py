"""Behaviour of events: what is stored, filtered, and shown."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import NotFound, UnknownChoice, UsageError
from index.catalogue.ledger import Ledger
from index.catalogue.where_sql import ids_where
from index.library import Library
from index.taste.request import EventRequest
from tests.index.vector_library import library_of, unit_vectors

GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_5"
NOON = 43_200
DAYS = {1: 1_700_000_000, 2: 1_735_689_600 + NOON, 3: 1_750_000_000}
"""Plays in November 2023, on 1 January 2025 (at noon, UTC) and in June 2025."""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return library_of(tmp_path / "library", unit_vectors(8))


def test_events_are_stored_once(library: Library) -> None:
    """The same event again changes nothing, so that an import may be repeated."""
    events = [EventRequest(3, "like", 1000, "test"), EventRequest(3, "play", 2000, "test")]
    assert library.taste.record(events) == 2
    assert library.taste.record(events) == 0
    report = library.taste.report()
    assert [(event.kind, event.track.id, event.happened) for event in report] == [
        ("play", 3, 2000),
        ("like", 3, 1000),
    ]
    assert report.events[1].to_json()["time"] == "1970-01-01T00:16:40Z"
    assert report.counts == {"like": 1, "dislike": 0, "skip": 0, "play": 1}


def test_events_go_with_their_track_alone(library: Library) -> None:
    """A track that moves keeps its events; one that is removed takes them along."""
    library.taste.record([EventRequest(3, "like"), EventRequest(4, "skip")])
    with library.writing() as catalogue:
        catalogue.database.run("UPDATE tracks SET path = ? WHERE id = 3", (b"/elsewhere.mp3",))
        Ledger(catalogue).remove([4])
    assert [event.track.path for event in library.taste.report()] == ["/elsewhere.mp3"]


def test_events_can_be_forgotten(library: Library) -> None:
    """All events, or those of a kind or track."""
    library.taste.record([EventRequest(n, kind) for n in (1, 2) for kind in ("like", "play")])
    assert library.taste.forget([1], kind="like") == 1
    assert library.taste.forget() == 3
    assert len(library.taste.report()) == 0


def test_unknown_tracks_and_kinds_are_refused(library: Library) -> None:
    """Nothing is stored for a track that the library does not have."""
    with pytest.raises(NotFound, match="no track has the id 99"):
        library.taste.record([EventRequest(1, "like"), EventRequest(99, "like")])
    assert len(library.taste.report()) == 0
    with pytest.raises(UnknownChoice, match="kind of event"):
        EventRequest(1, "love")  # type: ignore[arg-type]  # the bad input itself


def test_an_old_library_takes_events(tmp_path: Path) -> None:
    """A library of format 5 is brought up to date, and keeps its tracks."""
    shutil.copytree(GOLDEN, tmp_path / "old")
    with Library.open(tmp_path / "old") as library:
        track = next(library.all_tracks())
        library.taste.record([EventRequest(track.id, "like")])
        assert [event.track for event in library.taste.report()] == [track]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("plays=0", [4, 5, 6, 7, 8]),
        ("plays>=2", [1]),
        ("plays!=1", [1, 4, 5, 6, 7, 8]),
        ("skips=1", [4]),
        ("played<2025", [1]),
        ("played<=2025-01", [1, 2]),
        ("played=2025-06", [3]),
        ("played>2025-01-01", [3]),
        ("played!=2025", [1, 4, 5, 6, 7, 8]),
        ("not played>=2025", [1, 4, 5, 6, 7, 8]),
        ("id<4 and (plays=2 or played=2025-06)", [1, 3]),
    ],
)
def test_filters_by_events(library: Library, where: str, ids: list[int]) -> None:
    """Counts are 0 without events; `played` is the last play, and never fits without one."""
    library.taste.record([EventRequest(n, "play", DAYS[n]) for n in DAYS])
    library.taste.record([EventRequest(1, "play", 1000), EventRequest(4, "skip", DAYS[3])])
    assert ids_where(library.catalogue, where).tolist() == ids


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("played<yesterday", "a date, such as 2025"),
        ("played~2025", "a date, such as 2025"),
        ("played=2025-02-30", "a date, such as 2025"),
        ("plays=many", "with a number"),
    ],
)
def test_wrong_values_are_explained(library: Library, where: str, message: str) -> None:
    """The message says what the field is compared with."""
    with pytest.raises(UsageError, match=message):
        ids_where(library.catalogue, where)


def test_tracks_are_listed_by_plays(library: Library) -> None:
    """The most played come first with `descending`."""
    library.taste.record([EventRequest(7, "play", 1), EventRequest(7, "play", 2)])
    library.taste.record([EventRequest(2, "play", 1)])
    listed = library.list(sort="plays", descending=True)
    assert [track.id for track in listed][:2] == [7, 2]


def test_taste_orders_a_search(tmp_path: Path) -> None:
    """Tracks near liked ones move up, those near disliked ones down; without taste nothing does."""
    rng = np.random.default_rng(0)
    centres = np.eye(8)[:2]
    vectors = np.concatenate([c + 0.2 * rng.standard_normal((30, 8)) for c in centres])
    with library_of(tmp_path / "library", vectors.astype(np.float32)) as library:
        plain = [n.track.id for n in library.search("1", k=20).neighbours]
        liked = [EventRequest(n, "like") for n in range(40, 46)]
        disliked = [EventRequest(n, "dislike") for n in range(2, 8)]
        library.taste.record([*liked, *disliked])
        assert [n.track.id for n in library.search("1", k=20).neighbours] == plain
        result = library.search("1", k=20, taste=1)
        assert sum(n.track.id > 30 for n in result.neighbours) > 15
        assert sum(n > 30 for n in plain) == 0
        weak = library.search("1", k=20, taste=0.01)
        assert sum(n.track.id > 30 for n in weak.neighbours) == 0
    with pytest.raises(UsageError, match="taste = 2"):
        library.search("1", taste=2)


def test_contradictions_change_nothing(tmp_path: Path) -> None:
    """Judgements that tell no track from its neighbours leave the order alone, with a note."""
    twins = np.repeat(unit_vectors(4, seed=3), 2, axis=0)
    with library_of(tmp_path / "twins", twins) as other:
        events = [EventRequest(n, "like" if n % 2 else "dislike") for n in range(1, 9)]
        other.taste.record(events)
        plain = [n.track.id for n in other.search("1", k=5).neighbours]
        result = other.search("1", k=5, taste=1)
    assert [n.track.id for n in result.neighbours] == plain
    assert any("taste has no effect" in note for note in result.notes)


def test_taste_chooses_the_tracks_of_a_playlist(tmp_path: Path) -> None:
    """A playlist without a seed goes to what is liked, and away from what is not."""
    rng = np.random.default_rng(0)
    vectors = np.concatenate([c + 0.2 * rng.standard_normal((30, 8)) for c in np.eye(8)[:2]])
    with library_of(tmp_path / "library", vectors.astype(np.float32)) as library:
        for liked, disliked in ((range(40, 46), range(2, 8)), (range(2, 8), range(40, 46))):
            library.taste.forget()
            library.taste.record(EventRequest(n, "like") for n in liked)
            library.taste.record(EventRequest(n, "dislike") for n in disliked)
            playlist = library.playlist(where="id>0", length=8, seed=1, taste=1)
            assert {entry.track.id > 30 for entry in playlist.tracks} == {liked[0] > 30}
