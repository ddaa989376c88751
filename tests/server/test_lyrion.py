"""What Lyrion's plugin Bliss Mixer asks, with the requests that the plugin writes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from starlette.testclient import TestClient

from embedder.errors import BadInput, UsageError
from soundalike.server.app import create_app
from soundalike.server.lyrion import mixing
from soundalike.server.lyrion.announcing import announce
from soundalike.server.lyrion.router import Lyrion
from soundalike.server.settings import ServerSettings
from tests.index.vector_library import library_of
from tests.server.conftest import BASE

ROOT = Path(__file__).parents[2]
N_TRACKS = 40
QUESTION: dict[str, Any] = {
    "count": 5,
    "filtergenre": 0,
    "filterxmas": 1,
    "min": 0,
    "max": 0,
    "maxbpmdiff": 0,
    "tracks": ["A0/B0/00.mp3"],
    "previous": [],
    "shuffle": 0,
    "norepart": 0,
    "norepalb": 0,
    "forest": 1,
    "adaptiveweights": 0,
    "genregroups": [],
    "allgenres": 0,
}
"""All fields that the plugin sends."""


def name_of(number: int) -> str:
    return f"A{number % 5}/B{number}/{number:02d}.mp3"


def names(*numbers: int) -> list[str]:
    return [name_of(number) for number in numbers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library along a bow: five artists in turn, each track an album of its own."""
    angles = np.arange(N_TRACKS) ** 1.1 * 0.03  # wider and wider, so that no two are equally near
    vectors = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    tags = [
        {
            "path": f"/music/{name_of(n)}" if n != 2 else "/elsewhere/02.mp3",
            "title": f"Title {n}",
            "artist": f"A{n % 5}",
            "album": f"B{n}",
            "genre": "Christmas" if n == 1 else ("Hard Rock" if n % 2 else "Jazz"),
        }
        for n in range(N_TRACKS)
    ]
    tags[4]["title"] = "title 3"
    place = tmp_path_factory.mktemp("lyrion") / "library"
    with library_of(place, vectors, tags) as library, library.writing() as catalogue:
        catalogue.database.run_many(
            "INSERT INTO measurements (track_id, field, value) VALUES (?, 'measured.tempo', ?)",
            [(n + 1, str(100 + n)) for n in range(N_TRACKS)],
        )
    return place


class _Today(date):
    """A day in a month of which the tests decide."""

    month_now = 7

    @classmethod
    def today(cls) -> date:
        return date(2025, cls.month_now, 24)


@pytest.fixture(autouse=True)
def _in_july(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "date", _Today)


@pytest.fixture
def plugin(folder: Path) -> Iterator[TestClient]:
    """A client that asks as the plugin does: without any token."""
    app = create_app(ServerSettings(folder), lyrion=Lyrion((Path("/music"),)))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def mix(plugin: TestClient, **fields: Any) -> list[str]:
    answer = plugin.post("/api/mix", json=QUESTION | fields)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "" or answer.text.endswith("\n")
    return answer.text.splitlines()


def test_a_mix_is_lines_of_names(plugin: TestClient) -> None:
    """The nearest tracks below Lyrion's folder, without Christmas music and a title twice."""
    assert plugin.get("/api/ready").text == "1"
    assert mix(plugin) == names(3, 5, 6, 7, 8)


def test_queued_tracks_do_not_come_again(plugin: TestClient) -> None:
    """Neither they nor their titles, and for so many of them neither artist nor album."""
    assert mix(plugin, previous=names(4, 6), count=3) == names(5, 7, 8)
    assert mix(plugin, previous=names(4, 6), count=3, norepart=1) == names(5, 7, 8)
    # The artists of 4 and of 6 and 1 are out, and then each comes once.
    assert mix(plugin, previous=names(4, 6), count=3, norepart=2) == names(5, 7, 8)


def test_an_artist_comes_once(plugin: TestClient) -> None:
    """With `norepart`, five artists give five tracks at most, but never fewer than two."""
    assert mix(plugin, norepart=15, count=20) == names(3, 5, 6, 7, 9)
    few = mix(plugin, norepart=15, previous=names(10, 11, 12, 13, 14), count=20)
    assert few == names(3, 4)


def test_genre_groups_limit_a_mix(plugin: TestClient) -> None:
    """Only tracks of the seed's groups come; a seed of no group brings tracks of no group."""
    groups = [["*rock"], ["Blues"]]
    rock = mix(plugin, tracks=names(3), filtergenre=1, genregroups=groups, count=3)
    assert rock == names(5, 7, 9)
    other = mix(plugin, filtergenre=1, genregroups=groups, count=3)
    assert other == names(4, 6, 8)


def test_tempo_and_length_limit_a_mix(plugin: TestClient) -> None:
    """`maxbpmdiff`, `min` and `max` count from the seeds' tempos and in seconds."""
    assert mix(plugin, tracks=names(10), maxbpmdiff=2, count=50) == names(9, 11, 8, 12)
    assert mix(plugin, min=6, max=8, count=50) == names(6, 7, 8)


def test_in_december_there_is_christmas(
    plugin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter is off for that month."""
    monkeypatch.setattr(_Today, "month_now", 12)
    assert mix(plugin, count=1) == names(1)


def test_shuffling_draws_from_more(plugin: TestClient) -> None:
    """A shuffled mix of two comes from the nearest ten, and no two are the same for long."""
    mixes = [tuple(mix(plugin, count=2, shuffle=1)) for _ in range(12)]
    nearest = set(mix(plugin, count=10))
    assert all(set(names) <= nearest for names in mixes)
    assert len(set(mixes)) > 1


@pytest.mark.parametrize(("count", "n_tracks"), [(0, 1), (1, 1), (99, 36)])
def test_counts_are_clipped(plugin: TestClient, count: int, n_tracks: int) -> None:
    """From 1 to 50, as in bliss-mixer."""
    assert len(mix(plugin, count=count)) == n_tracks


def test_a_list_is_of_everything_or_of_an_artist(plugin: TestClient) -> None:
    """The nearest tracks to one, by all artists or by its own."""
    fields = ("count", "filtergenre", "min", "max", "maxbpmdiff", "genregroups", "allgenres")
    question = {name: QUESTION[name] for name in fields} | {"track": name_of(0), "count": 3}
    everything = plugin.post("/api/list", json=question | {"byartist": 0})
    assert everything.text.splitlines() == names(1, 3, 5)
    of_artist = plugin.post("/api/list", json=question | {"byartist": 1})
    assert of_artist.text.splitlines() == names(5, 10, 15)


@pytest.mark.parametrize(
    "name", ["/music/A0/B0/00.mp3", "../music/A0/B0/00.mp3", "A0/../A0/B0/00.mp3", "no.mp3", "\0"]
)
def test_other_names_are_no_tracks(plugin: TestClient, name: str) -> None:
    """Absolute paths, ways upwards and unknown files give an empty mix."""
    assert mix(plugin, tracks=[name]) == []


def test_without_the_option_there_is_no_mix(folder: Path) -> None:
    """A server that was not started for Lyrion knows no such address."""
    with TestClient(create_app(ServerSettings(folder)), base_url=BASE) as client:
        assert client.post("/api/mix", json=QUESTION).status_code == 404


def test_another_page_may_not_ask_for_a_mix(plugin: TestClient) -> None:
    """The plugin needs no token, but a page of another origin is refused."""
    answer = plugin.post("/api/mix", json=QUESTION, headers={"origin": "http://evil.example"})
    assert answer.status_code == 403


def _stand_in(bodies: list[Any]) -> type[BaseHTTPRequestHandler]:
    """A Lyrion that only writes down what it is told."""

    class Stand(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bodies.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Stand


def test_lyrion_is_told_the_port() -> None:
    """The command is that of bliss-mixer, over Lyrion's JSON-RPC."""
    bodies: list[tuple[str, Any]] = []
    with HTTPServer(("127.0.0.1", 0), _stand_in(bodies)) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        announce(f"127.0.0.1:{server.server_port}", 8123)
        thread.join(10)
    [(path, body)] = bodies
    assert path == "/jsonrpc.js"
    assert body["method"] == "slim.request"
    assert body["params"] == ["", ["blissmixer", "port", "number:8123"]]


def test_an_absent_lyrion_is_named() -> None:
    """A wrong address is a usage error, and one without an answer bad input."""
    with pytest.raises(BadInput, match=r"Lyrion at 127\.0\.0\.1:1 does not answer"):
        announce("127.0.0.1:1", 8000)
    for address in ("localhost", "user@nas:9000", "nas:x", "nas:9000/path"):
        with pytest.raises(UsageError, match="HOST:PORT"):
            Lyrion((Path("/music"),), address)
    with pytest.raises(UsageError, match="--lyrion DIR"):
        Lyrion((), "localhost:9000")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the script is of a Unix shell")
def test_the_script_of_the_manual_stands_in_for_the_mixer(folder: Path, tmp_path: Path) -> None:
    """Started with the plugin's own arguments, it tells Lyrion its port, and answers there."""
    page = (ROOT / "docs" / "players.md").read_text(encoding="utf-8")
    script = page.split("```sh\n")[1].split("```")[0].replace("/srv/music", str(tmp_path))
    (tmp_path / "bliss-mixer").write_text(script)
    (tmp_path / "bliss-mixer").chmod(0o755)
    (tmp_path / "bin").mkdir()
    command = f'#!/bin/sh\nexec "{sys.executable}" -m cli --library "{folder}" "$@"\n'
    (tmp_path / "bin" / "soundalike").write_text(command)
    (tmp_path / "bin" / "soundalike").chmod(0o755)
    told: list[Any] = []
    with HTTPServer(("127.0.0.1", 0), _stand_in(told)) as server:
        server.timeout = 120
        words = ("--lms", f"127.0.0.1:{server.server_port}", "--db", "bliss.db")
        more = ("--address", "127.0.0.1", "--weights", "1,1,1")
        process = subprocess.Popen(
            [str(tmp_path / "bliss-mixer"), *words, *more],
            env={
                **os.environ,
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
            },
        )
        try:
            server.handle_request()
            [(_, body)] = told
            port = int(body["params"][1][2].removeprefix("number:"))
            with urlopen(f"http://localhost:{port}/api/ready", timeout=60) as answer:
                assert answer.read() == b"1"
        finally:
            process.terminate()
            process.wait(30)
