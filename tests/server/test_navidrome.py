"""What Navidrome's AudioMuse plugin asks, against a stand-in with songs and ids of its own."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from index.catalogue.records import TrackRecord
from soundalike.server.app import create_app
from soundalike.server.navidrome.crawl import Navidrome, NavidromeSong
from soundalike.server.navidrome.matching import match_songs
from soundalike.server.settings import ServerSettings
from tests.server.conftest import BASE, N_SONGS
from tests.server.pages import serving

PASSWORD = "for-navidrome"  # noqa: S105 - of a test


@pytest.fixture(scope="module")
def stand_in(served_folder: object) -> Iterator[str]:
    """A server of the Subsonic API with songs of its own ids: our own server, as a stand-in."""
    settings = ServerSettings(served_folder / "library", port=0, player_password=PASSWORD)
    with serving(settings) as address:
        yield address.rstrip("/")


@pytest.fixture
def plugin(settings: ServerSettings, stand_in: str) -> Iterator[TestClient]:
    """A client that asks as the plugin does, once the songs are mapped."""
    app = create_app(settings, navidrome=Navidrome(stand_in, "soundalike", PASSWORD))
    with TestClient(app, base_url=BASE) as client:
        wait_for(client)
        yield client


def wait_for(client: TestClient) -> dict[str, object]:
    """The state of the mapping, when it is made."""
    for _ in range(300):
        state = client.get("/api/v1/navidrome").json()
        if "asking" not in state["state"]:
            return state
        time.sleep(0.05)
    raise AssertionError("the songs were never mapped")


def test_every_song_has_its_track(plugin: TestClient) -> None:
    """Navidrome's songs are mapped to the library's tracks, and none is left over."""
    state = wait_for(plugin)
    assert (state["state"], state["matched"], state["unmatched"]) == ("ready", N_SONGS, 0)


def test_similar_tracks_have_navidromes_ids(plugin: TestClient) -> None:
    """Songs like a song, nearest first, by the ids that Navidrome gave."""
    songs = plugin.get("/api/similar_tracks", params={"item_id": "tr-3", "n": 4}).json()
    assert len(songs) == 4
    assert all(song["item_id"].startswith("tr-") for song in songs)
    distances = [song["distance"] for song in songs]
    assert distances == sorted(distances)
    assert songs[0].keys() == {"item_id", "title", "author", "album", "distance"}


def test_a_path_goes_from_start_to_end(plugin: TestClient) -> None:
    """A path begins and ends with the songs that were named."""
    question = {"start_song_id": "tr-2", "end_song_id": "tr-9", "max_steps": 5}
    answer = plugin.get("/api/find_path", params=question).json()
    ids = [song["item_id"] for song in answer["path"]]
    assert (ids[0], ids[-1], len(set(ids))) == ("tr-2", "tr-9", len(ids))


def test_similar_artists_are_other_artists(plugin: TestClient) -> None:
    """Artists by the likeness of their songs, never the artist that was named."""
    answer = plugin.get("/api/similar_artists", params={"artist": "artist 1", "n": 2}).json()
    names = {entry["artist"] for entry in answer}
    assert len(names) == 2
    assert "Artist 1" not in names
    assert answer[0]["component_matches"][0]["artist2_representative_songs"]


def test_an_unknown_song_is_404(plugin: TestClient) -> None:
    """A song that the library does not have is said to be missing."""
    assert plugin.get("/api/similar_tracks", params={"item_id": "nosuch"}).status_code == 404


@pytest.mark.parametrize("password", [PASSWORD + "x", None], ids=["wrong", "nobody there"])
def test_a_navidrome_that_refuses_is_said(
    settings: ServerSettings, stand_in: str, password: str | None
) -> None:
    """A wrong password, or a server that is not there, is a state and no crash."""
    address = stand_in if password else "http://127.0.0.1:9"
    server = Navidrome(address, "soundalike", password or "")
    app = create_app(replace(settings), navidrome=server)
    with TestClient(app, base_url=BASE) as client:
        state = str(wait_for(client)["state"])
    assert ("refuses" if password else "does not answer") in state


def song(**fields: object) -> NavidromeSong:
    """A song with some fields."""
    usual = {"id": "s", "path": "", "title": "", "artist": "", "album": ""}
    return NavidromeSong(**usual | {"seconds": None, "musicbrainz_id": ""} | fields)


TRACKS = [
    TrackRecord(1, "/music/a/01.mp3", title="One", artist="Ann", duration_seconds=100.0),
    TrackRecord(2, "/music/b/01.mp3", title="Two", artist="Ben", duration_seconds=200.0),
    TrackRecord(3, "/music/c/x.mp3", title="Two", artist="Ben", duration_seconds=300.0),
]


@pytest.mark.parametrize(
    ("asked", "track"),
    [
        (song(path="b/01.mp3"), 2),
        (song(path="/elsewhere/a/01.mp3"), 1),
        (song(path="01.mp3"), None),
        (song(path="z/9.mp3", musicbrainz_id="mb-3"), 3),
        (song(title="two", artist="BEN", seconds=301.0), 3),
        (song(title="Two", artist="Ben"), None),
        (song(title="Two", artist="Ben", seconds=250.0), None),
    ],
)
def test_matching(asked: NavidromeSong, track: int | None) -> None:
    """By folder and name, by MusicBrainz id, by names and length; never by a guess."""
    matched = match_songs([asked], TRACKS, {3: ("mb-3",)})
    assert matched.track_of.get("s") == track
    assert len(matched.unmatched) == (track is None)
