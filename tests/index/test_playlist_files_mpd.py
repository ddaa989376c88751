"""Queueing on a Music Player Daemon: the real one, started for the test on ports of its own."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.encoding import write_audio
from embedder.errors import BadInput, MissingExtra, UsageError
from index.playlist_files.mpd_queue import parse_address, queue_on_mpd
from index.results import TrackRecord

needs_mpd = pytest.mark.skipif(
    shutil.which("mpd") is None, reason="needs Debian's mpd: apt-get install mpd"
)
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = music.parent
    unix = home / "socket"
    (home / "mpd.conf").write_text(
        f'music_directory "{music}"\nplaylist_directory "{home}"\ndb_file "{home}/db"\n'
        f'state_file "{home}/state"\nlog_file "{home}/log"\n'
        f'bind_to_address "127.0.0.1"\nbind_to_address "{unix}"\nport "{port}"\n'
        'audio_output {\n type "null"\n name "none"\n}\n'
    )
    daemon = subprocess.Popen(["mpd", "--no-daemon", str(home / "mpd.conf")])
    try:
        _wait_for_songs(port)
        yield f"127.0.0.1:{port}", unix
    finally:
        daemon.terminate()
        daemon.wait(10)


def _wait_for_songs(port: int) -> None:
    from mpd import MPDClient

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        client = MPDClient()
        try:
            client.connect("127.0.0.1", port)
            if "updating_db" not in client.status() and client.stats()["songs"] == str(len(NAMES)):
                client.disconnect()
                return
            client.update()
            client.disconnect()
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError


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
def test_a_local_daemon_takes_files_from_anywhere(mpd: tuple[str, Path], music: Path) -> None:
    """At its socket it says where its music lies, and plays what lies elsewhere by full path."""
    outside = (music.parent / "outside.wav").resolve()
    tracks = [TrackRecord(1, str(music / NAMES[0])), TrackRecord(2, str(outside))]
    assert queue_on_mpd(tracks, str(mpd[1])).n_queued == 2
    assert [song["file"] for song in queued(mpd[0])] == [NAMES[0], str(outside)]


@needs_mpd
def test_a_part_of_a_file_plays_as_that_part(mpd: tuple[str, Path], music: Path) -> None:
    """Its start and end go with it."""
    part = TrackRecord(1, str(music / NAMES[0]), start_seconds=0.5, end_seconds=1.5)
    queue_on_mpd([part], mpd[0])
    [song] = queued(mpd[0])
    assert [float(bound) for bound in song["range"].split("-")] == [0.5, 1.5]


@needs_mpd
def test_what_the_daemon_lacks_is_told(mpd: tuple[str, Path], music: Path) -> None:
    """The rest is queued; where nothing could be, it is an error."""
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
    """What to install, in one line."""
    import sys

    monkeypatch.setitem(sys.modules, "mpd", None)
    with pytest.raises(MissingExtra, match=r"soundalike\[mpd\]"):
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
def test_addresses_are_read(text: str, address: tuple[str, int]) -> None:
    """Hosts, ports, IPv6 and sockets."""
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["nas:x", "nas:0", "nas:99999"])
def test_wrong_addresses_are_refused(text: str) -> None:
    """A port is a number."""
    with pytest.raises(UsageError, match="HOST:PORT"):
        parse_address(text)
