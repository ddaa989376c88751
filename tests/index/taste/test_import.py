"""Histories of other services become events of the library's tracks."""

import json
import zipfile
from pathlib import Path

import pytest

from embedder.errors import BadInput, NotFound
from index.library import Library
from index.taste.request import EventRequest
from tests.index.vector_library import library_of, unit_vectors

MBID = "0b6a5b46-9d4e-4d1f-9b5e-2d0a0b2d9a11"
TAGS = [
    {"artist": "Björk", "title": "Jóga", "musicbrainz_trackid": MBID},
    {"artist": "Simon & Garfunkel", "title": "America"},
    {"artist": "Nobody Else", "title": "America"},
    {"artist": "The Cure", "title": "Lullaby", "album": "Mixed Up"},
    {"artist": "The Cure", "title": "Lullaby", "album": "Disintegration"},
]
BRAINZ = [
    {"listened_at": 100, "track_metadata": {"artist_name": "x", "track_name": "y",
     "mbid_mapping": {"recording_mbid": MBID}}},
    {"listened_at": 200, "track_metadata": {"artist_name": "SIMON AND GARFUNKEL",
     "track_name": "America"}},
    {"listened_at": 300, "track_metadata": {"artist_name": "Cure",
     "track_name": "Lullaby (feat. Nobody)", "release_name": "Disintegration"}},
    {"listened_at": 400, "track_metadata": {"artist_name": "Absent", "track_name": "Song"}},
    {"track_metadata": {"artist_name": "Without", "track_name": "Time"}},
]  # fmt: skip
FEEDBACK = [
    {"recording_mbid": MBID, "score": 1, "created": 500},
    {"recording_mbid": MBID, "score": 0, "created": 510},
    {"score": -1, "created": 600, "track_metadata": {"artist_name": "Nobody Else",
     "track_name": "America"}},
]  # fmt: skip
LASTFM_PAGES = {"recenttracks": {"track": [
    {"artist": {"#text": "bjork"}, "name": "joga", "mbid": "", "date": {"uts": "700"}},
    {"artist": {"#text": "bjork"}, "name": "joga", "@attr": {"nowplaying": "true"}},
]}}  # fmt: skip
LASTFM_STATS = {"scrobbles": [{"artist": "Bjork", "track": "Joga", "date": 1_700_000_000_000}]}
PLAIN_CSV = 'Björk,Homogenic,Jóga,"01 Jan 2020 12:30"\n"Simon & Garfunkel",,America,\n'
HEADED_CSV = "uts,utc_time,artist,album,track\n800,,The Cure,Mixed Up,Lullaby\n"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return library_of(tmp_path / "library", unit_vectors(len(TAGS)), TAGS)


def stored(library: Library) -> list[tuple[int, str, int]]:
    return [(e.track.id, e.kind, e.happened) for e in reversed(library.taste.report().events)]


def test_an_archive_of_listenbrainz(library: Library, tmp_path: Path) -> None:
    """Plays and feedback are matched by id, else by names; the others are listed."""
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("listens/2020/1.jsonl", "\n".join(map(json.dumps, BRAINZ)))
        archive.writestr("feedback.jsonl", "\n".join(map(json.dumps, FEEDBACK)))
        archive.writestr("user.txt", "not a history")
    report = library.taste.import_file(path)
    assert stored(library) == [
        (1, "play", 100),
        (2, "play", 200),
        (5, "play", 300),
        (1, "like", 500),
        (3, "dislike", 600),
    ]
    assert [(track.artist, track.title) for track in report.unmatched] == [("Absent", "Song")]
    assert (report.n_read, report.n_matched, report.n_unreadable) == (6, 5, 2)
    assert library.taste.import_file(path).n_added == 0


@pytest.mark.parametrize(
    ("name", "text", "events"),
    [
        ("recent.json", json.dumps(LASTFM_PAGES), [(1, "play", 700)]),
        ("stats.json", json.dumps(LASTFM_STATS), [(1, "play", 1_700_000_000)]),
        ("plain.csv", PLAIN_CSV, [(1, "play", 1_577_881_800)]),
        ("headed.csv", HEADED_CSV, [(4, "play", 800)]),
    ],
)
def test_files_of_lastfm(
    library: Library, tmp_path: Path, name: str, text: str, events: list[tuple[int, str, int]]
) -> None:
    """Each usual form is read; entries without a time are counted and left out."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    library.taste.import_file(path)
    assert stored(library) == events


def test_an_export_can_be_imported(library: Library, tmp_path: Path) -> None:
    """Events that were exported and forgotten come back as they were."""
    library.taste.record([EventRequest(4, "skip", 10, "radio"), EventRequest(2, "like", 20, "me")])
    before = library.taste.report().events
    assert library.taste.export(tmp_path / "taste.json") == 2
    library.taste.forget()
    library.taste.import_file(tmp_path / "taste.json")
    assert library.taste.report().events == before


def test_what_is_no_history_is_refused(library: Library, tmp_path: Path) -> None:
    """The message names the file and the forms that are read."""
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match=r"broken\.json cannot be read"):
        library.taste.import_file(tmp_path / "broken.json")
    with pytest.raises(NotFound, match="no such file"):
        library.taste.import_file(tmp_path / "absent.json")


def test_events_wait_for_another_writer(library: Library) -> None:
    """While another process writes, events wait; the next events take them along."""
    with Library.open(library.folder) as other, other.writing():
        assert not library.taste.record_soon([EventRequest(1, "play", 50)])
    assert stored(library) == []
    assert library.taste.record_soon([EventRequest(2, "play", 60)])
    assert stored(library) == [(1, "play", 50), (2, "play", 60)]
    assert list((library.folder / "waiting-events").iterdir()) == []
