"""Queueing on a Music Player Daemon: the real one, started for the test on ports of its own."""

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.errors import BadInput, MissingExtra, UsageError
from index.catalogue.records import TrackRecord
from index.playlists.mpd.addresses import is_address, parse_address
from index.playlists.mpd.queueing import queue_on_mpd
from tests.conftest import RunCli
from tests.index.playlists.mpd_daemon import Daemon, needs_mpd
from tests.index.playlists.playlist_library import Song, write_library

NAMES = ("Ann/One/01 a.wav", "Ann/One/02 é.wav", "Bob/Two/03 c.wav")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mpd") / "music"
    for number, name in enumerate((*NAMES, "../outside.wav")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.1 * np.sin(np.arange(8000 * 2) * (number + 1) / 20)
        write_audio(path, tone[None].astype(np.float32), 8000)
    return folder


@pytest.fixture(scope="module")
def mpd(music: Path) -> Iterator[tuple[str, Path]]:
    """A daemon over the music: its address, and its socket."""
    pytest.importorskip("mpd", reason="needs the extra mpd")
    with Daemon(music, n_songs=len(NAMES)) as daemon:
        yield daemon.address, daemon.socket


def queued(address: str) -> list[dict[str, str]]:
    from mpd import MPDClient

    client = MPDClient()
    host, port = parse_address(address)
    client.connect(host, port)
    songs = client.playlistinfo()
    client.clear()
    client.disconnect()
    return songs


@needs_mpd
def test_tracks_are_queued_in_order(mpd: tuple[str, Path], music: Path) -> None:
    """Over the network, by the ends of their paths that the daemon knows."""
    tracks = [TrackRecord(n, str(music / name)) for n, name in enumerate(NAMES[::-1])]
    done = queue_on_mpd(tracks, mpd[0])
    assert (done.n_queued, done.problems) == (3, ())
    assert [song["file"] for song in queued(mpd[0])] == list(NAMES[::-1])


@needs_mpd
@pytest.mark.parametrize("place", ["before", "after", "with a value"])
def test_the_command_needs_no_address(
    mpd: tuple[str, Path],
    music: Path,
    run_cli: RunCli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    """--mpd alone, wherever it stands, queues on the daemon that the environment names."""
    songs = [
        Song(f"song {n}", artist=str(n), path=str(music / name)) for n, name in enumerate(NAMES)
    ]
    write_library(tmp_path / "library", songs, np.eye(3, dtype=np.float32)).close()
    host, port = mpd[0].split(":")
    wrong = {"MPD_HOST": "nowhere.invalid", "MPD_PORT": "1"}
    for name, value in {"MPD_HOST": host, "MPD_PORT": port}.items():
        monkeypatch.setenv(name, wrong[name] if place == "with a value" else value)
    words = {
        "before": ["--mpd", "1", "--length", "3"],
        "after": ["1", "--length", "3", "--mpd"],
        "with a value": ["--mpd", mpd[0], "1", "--length", "3"],
    }
    done = run_cli("--library", str(tmp_path / "library"), "playlist", *words[place])
    assert done.code == 0
    assert f"3 tracks queued on {mpd[0]}" in done.err
    assert {song["file"] for song in queued(mpd[0])} == set(NAMES)


@needs_mpd
def test_a_local_daemon_takes_files_from_anywhere(mpd: tuple[str, Path], music: Path) -> None:
    """Over a socket, MPD reports its music folder and plays files elsewhere by full path."""
    outside = (music.parent / "outside.wav").resolve()
    tracks = [TrackRecord(1, str(music / NAMES[0])), TrackRecord(2, str(outside))]
    assert queue_on_mpd(tracks, str(mpd[1])).n_queued == 2
    assert [song["file"] for song in queued(mpd[0])] == [NAMES[0], str(outside)]


@needs_mpd
def test_a_part_of_a_file_plays_as_that_part(mpd: tuple[str, Path], music: Path) -> None:
    """Its start and end are sent to MPD."""
    part = TrackRecord(1, str(music / NAMES[0]), start_seconds=0.5, end_seconds=1.5)
    queue_on_mpd([part], mpd[0])
    [song] = queued(mpd[0])
    assert [float(bound) for bound in song["range"].split("-")] == [0.5, 1.5]


@needs_mpd
def test_what_the_daemon_lacks_is_told(mpd: tuple[str, Path], music: Path) -> None:
    """The other tracks are queued; if no track could be queued, it is an error."""
    lost = TrackRecord(1, "/elsewhere/x.wav")
    done = queue_on_mpd([lost, TrackRecord(2, str(music / NAMES[0]))], mpd[0])
    assert done.n_queued == 1
    assert "x.wav" in done.problems[0]
    queued(mpd[0])
    with pytest.raises(BadInput, match="none of the tracks"):
        queue_on_mpd([lost], mpd[0])


def test_no_daemon_is_bad_input() -> None:
    """The message names the address."""
    pytest.importorskip("mpd", reason="needs the extra mpd")
    with pytest.raises(BadInput, match=r"127\.0\.0\.1:1: no MPD answers"):
        queue_on_mpd([], "127.0.0.1:1")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says in one line what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "mpd", None)
    with pytest.raises(MissingExtra, match=r"\.\[mpd\]"):
        queue_on_mpd([], "localhost")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", ("localhost", 6600)),
        ("nas:6601", ("nas", 6601)),
        ("[::1]:6601", ("::1", 6601)),
        ("[::1]", ("::1", 6600)),
        ("", ("localhost", 6600)),
        ("/run/mpd/socket", ("/run/mpd/socket", 0)),
    ],
)
def test_addresses_are_read(
    monkeypatch: pytest.MonkeyPatch, text: str, address: tuple[str, int]
) -> None:
    """Hosts, ports, IPv6 and sockets."""
    monkeypatch.delenv("MPD_HOST", raising=False)
    monkeypatch.delenv("MPD_PORT", raising=False)
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("nas", "6601", ("nas", 6601)),
        ("", "6601", ("localhost", 6601)),
        ("secret@nas", "", ("nas", 6600)),
        ("::1", "", ("::1", 6600)),
        ("/run/mpd/socket", "6601", ("/run/mpd/socket", 0)),
        ("@mpd", "", ("@mpd", 0)),
    ],
)
def test_no_address_is_that_of_other_clients(
    monkeypatch: pytest.MonkeyPatch, host: str, port: str, address: tuple[str, int]
) -> None:
    """MPD_HOST and MPD_PORT are read as mpc reads them."""
    monkeypatch.setenv("MPD_HOST", host)
    monkeypatch.setenv("MPD_PORT", port)
    assert parse_address("") == address
    monkeypatch.setenv("MPD_PORT", "many")
    with (
        pytest.raises(UsageError, match="HOST:PORT")
        if not host.startswith(("/", "@"))
        else (nullcontext())
    ):
        parse_address("")


def test_a_track_is_no_address(tmp_path: Path) -> None:
    """Options, ids and files are not; hosts and sockets are."""
    song = tmp_path / "song.mp3"
    song.touch()
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert [is_address(word) for word in (str(path), "nas", "nas:1", "[::1]")] == [True] * 4
    assert not any(is_address(word) for word in ("", "--json", "-o", "42", str(song)))


@pytest.mark.parametrize("text", ["nas:x", "nas:0", "nas:99999"])
def test_wrong_addresses_are_refused(text: str) -> None:
    """A port is a number."""
    with pytest.raises(UsageError, match="HOST:PORT"):
        parse_address(text)
