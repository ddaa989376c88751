"""Subsonic players: a real client on loopback, and the letters of the protocol."""

import hashlib
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from index.library import Library
from soundalike.server.app import create_app
from soundalike.server.rest import login
from soundalike.server.serve import listening
from soundalike.server.settings import ServerSettings
from tests.server.conftest import N_SONGS, ODD_TITLE, client_of

libopensonic = pytest.importorskip("libopensonic", reason="the client is not installed")

PASSWORD = "for-players"  # noqa: S105 - of a test
LOGIN = {"u": "soundalike", "p": PASSWORD, "v": "1.16.1", "c": "test", "f": "json"}
TAG = "{http://subsonic.org/restapi}"


@pytest.fixture
def player_settings(settings: ServerSettings) -> ServerSettings:
    """A server that players may log in to."""
    return replace(settings, player_password=PASSWORD, port=0)


@pytest.fixture
def rest(player_settings: ServerSettings) -> Iterator[TestClient]:
    """A client that logs in with each request."""
    with client_of(player_settings) as client:
        client.params = LOGIN
        yield client


@pytest.fixture
def player(player_settings: ServerSettings) -> Iterator[Any]:
    """A real client of the protocol, over a real socket."""
    with listening(player_settings) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(create_app(player_settings), log_level="error", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        connection = libopensonic.Connection(
            "http://127.0.0.1", username="soundalike", password=PASSWORD, port=port
        )
        yield connection
        connection.cleanup()
        connection._loop.close()  # the client leaves it open
        server.should_exit = True
        thread.join(20)


def test_a_player_browses_and_asks(player: Any) -> None:
    """A real client finds artist, album and song, and gets songs that sound like it."""
    assert player.ping()
    artists = [artist for index in player.get_artists().index for artist in index.artist]
    assert sorted(artist.name for artist in artists) == [f"Artist {n}" for n in range(4)]
    album = player.get_artist(artists[1].id).album[0]
    songs = player.get_album(album.id).song
    assert len(songs) == N_SONGS // 4
    found = player.search3("zebra", artist_count=0, album_count=0).song
    assert [song.title for song in found] == ["Zebra crossing"]
    near = player.get_sonic_similar_tracks(found[0].id, count=4)
    assert len(near) == 4
    assert all(-1 <= match.similarity <= 1 for match in near)
    path = player.find_sonic_path(found[0].id, near[3].entry.id, count=5)
    assert [path[0].entry.id, path[-1].entry.id] == [found[0].id, near[3].entry.id]
    assert path[0].similarity == 1
    assert len(player.get_similar_songs2(artists[0].id, count=5)) == 5


def test_a_player_keeps_a_playlist(player: Any) -> None:
    """A playlist that a client makes is there for the next one, until it is deleted."""
    player.create_playlist(name="Evening", song_ids=["tr-3", "tr-1"])
    lists = player.get_playlists()
    made = lists[0]
    assert [(entry.name, entry.song_count) for entry in lists] == [("Evening", 2)]
    assert [song.id for song in player.get_playlist(made.id).entry] == ["tr-3", "tr-1"]
    player.delete_playlist(made.id)
    assert player.get_playlists() == []


def test_stars_and_plays_are_stored(player: Any, served_folder: Path) -> None:
    """A star is a like until it is taken away, and a scrobble is a play with its time."""
    player.star(["tr-3"])
    assert [song.id for song in player.get_starred2().song] == ["tr-3"]
    player.scrobble("tr-5", submission=True, listen_time=1_700_000_000)
    player.scrobble("tr-6", submission=False)
    with Library.open(served_folder / "library") as library:
        events = [(event.track.id, event.kind) for event in library.taste.report()]
        library.taste.forget(kind="play")
    assert events == [(3, "like"), (5, "play")]
    player.unstar(["tr-3"])
    with Library.open(served_folder / "library") as library:
        assert len(library.taste.report()) == 0


def test_a_song_is_streamed_in_ranges(rest: TestClient, served_folder: Path) -> None:
    """A player that jumps gets the part of the file that it asks for."""
    data = (served_folder / "music" / "02.flac").read_bytes()
    assert rest.get("/rest/stream", params={"id": "tr-3"}).content == data
    part = rest.get("/rest/stream.view", params={"id": "tr-3"}, headers={"range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, data[4:10])


def test_xml_is_as_the_protocol_has_it(rest: TestClient) -> None:
    """Without f=json the answer is XML: attributes, children, and likeness as an element."""
    answer = rest.get("/rest/getSonicSimilarTracks", params={"id": "tr-2", "count": 1, "f": "xml"})
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == f"{TAG}subsonic-response"
    assert root.attrib["openSubsonic"] == "true"
    match = root.find(f"{TAG}sonicMatch")
    assert match.find(f"{TAG}entry").attrib["isDir"] == "false"
    assert 0 <= float(match.find(f"{TAG}similarity").text) <= 1


def test_a_title_with_controls_is_valid_xml(rest: TestClient) -> None:
    """What XML cannot hold is replaced; the rest of the title is there, as text."""
    answer = rest.get("/rest/getSong", params={"id": "tr-1", "f": "xml"})
    song = ET.fromstring(answer.content).find(f"{TAG}song")  # noqa: S314 - our own
    assert song.attrib["title"].startswith("<script>")
    assert "\x1b" in ODD_TITLE
    assert b"\x1b" not in answer.content


def test_no_answer_is_an_empty_list(rest: TestClient) -> None:
    """Nothing asked for: `sonicMatch` is there, and empty."""
    answer = rest.get("/rest/getSonicSimilarTracks", params={"id": "tr-2", "count": 0})
    assert answer.json()["subsonic-response"]["sonicMatch"] == []


@pytest.mark.parametrize(
    ("name", "parameters", "code"),
    [
        ("getSong", {"id": "tr-999"}, 70),
        ("getSong", {"id": "../../etc/passwd"}, 70),
        ("stream", {"id": "tr-999"}, 70),
        ("getAlbum", {"id": "al-x"}, 70),
        ("getPlaylist", {"id": "../library"}, 70),
        ("getSonicSimilarTracks", {}, 10),
        ("findSonicPath", {"startSongId": "tr-1"}, 10),
        ("getCoverArt", {"id": "tr-2"}, 70),
        ("jukeboxControl", {}, 70),
    ],
)
def test_mistakes_have_the_codes_of_the_protocol(
    rest: TestClient, name: str, parameters: dict[str, str], code: int
) -> None:
    """A refusal has status 200 and a code."""
    answer = rest.get(f"/rest/{name}", params=parameters)
    assert answer.status_code == 200
    document = answer.json()["subsonic-response"]
    assert (document["status"], document["error"]["code"]) == ("failed", code)


def _salted(password: str) -> dict[str, str]:
    digest = hashlib.md5(f"{password}salt".encode(), usedforsecurity=False).hexdigest()
    return {"u": "soundalike", "t": digest, "s": "salt"}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"u": "soundalike", "p": PASSWORD}, None),
        ({"u": "soundalike", "p": f"enc:{PASSWORD.encode().hex()}"}, None),
        (_salted(PASSWORD), None),
        ({"apiKey": PASSWORD}, None),
        ({"u": "soundalike", "p": "wrong"}, 40),
        ({"u": "root", "p": PASSWORD}, 40),
        ({"u": "soundalike", "p": "enc:zz"}, 40),
        (_salted("wrong"), 40),
        ({"apiKey": "wrong"}, 44),
        ({"apiKey": PASSWORD, "u": "soundalike"}, 43),
        ({"u": "soundalike"}, 10),
        ({}, 10),
    ],
)
def test_logins(
    player_settings: ServerSettings, parameters: dict[str, str], code: int | None
) -> None:
    """Each way to log in works with the password, and with nothing else."""
    with client_of(player_settings) as client:
        answer = client.get("/rest/ping", params={**parameters, "f": "json"})
    document = answer.json()["subsonic-response"]
    assert document.get("error", {}).get("code") == code


def test_guessing_passwords_is_slowed_down(player_settings: ServerSettings) -> None:
    """After many wrong passwords, the right one has to wait too."""
    with client_of(player_settings) as client:
        for _ in range(login.MAX_FAILURES):
            client.get("/rest/ping", params=LOGIN | {"p": "wrong"})
        answer = client.get("/rest/ping", params=LOGIN)
    assert "wait" in answer.json()["subsonic-response"]["error"]["message"]


def test_without_a_password_no_player_is_answered(settings: ServerSettings) -> None:
    """A server that was started without a password for players tells only its extensions."""
    with client_of(settings) as client:
        refused = client.get("/rest/getArtists", params=LOGIN).json()["subsonic-response"]
        assert refused["error"]["code"] == 50
        open_to_all = client.get("/rest/getOpenSubsonicExtensions", params={"f": "json"})
    names = {e["name"] for e in open_to_all.json()["subsonic-response"]["openSubsonicExtensions"]}
    assert "sonicSimilarity" in names
