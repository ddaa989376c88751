"""Following a real MPD: its queue stays filled, and plays, skips and stickers count."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from index.library import Library
from index.playlists.mpd import following
from index.playlists.mpd.following import AHEAD, Follower
from tests.conftest import RunCli
from tests.index.playlists.mpd_daemon import PATIENCE_SECONDS, Daemon, needs_mpd
from tests.index.playlists.playlist_library import Song, write_library

N_TRACKS = 12
SECONDS = 60.0


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("follow") / "music"
    for number in range(N_TRACKS):
        path = folder / f"Artist {number}" / f"{number:02d}.wav"
        path.parent.mkdir(parents=True)
        tone = 0.1 * np.sin(np.arange(int(8000 * SECONDS)) * (number + 1) / 20)
        write_audio(path, tone[None].astype(np.float32), 8000)
    return folder


@pytest.fixture(scope="module")
def daemon(music: Path) -> Iterator[Daemon]:
    pytest.importorskip("mpd", reason="needs the extra mpd")
    with Daemon(music, n_songs=N_TRACKS) as daemon:
        yield daemon


@pytest.fixture
def library(music: Path, tmp_path: Path) -> Path:
    """A library along a bow: track n + 1 is next to track n."""
    angles = np.arange(N_TRACKS) ** 1.1 * 0.1
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    songs = [
        Song(f"Song {n}", f"Artist {n}", path=str(music / f"Artist {n}" / f"{n:02d}.wav"))
        for n in range(N_TRACKS)
    ]
    write_library(tmp_path / "library", songs, vectors).close()
    return tmp_path / "library"


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Any]:
    """A client that is not the follower."""
    client = daemon.client()
    yield client
    client.disconnect()


def file_of(number: int) -> str:
    return f"Artist {number}/{number:02d}.wav"


@contextmanager
def followed(
    library: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Follower, list[str]]]:
    """A follower in a thread; yields it, and what it tells."""
    monkeypatch.setattr(following, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.1)
    told: list[str] = []
    follower = Follower(lambda: Library.open(library), address, taste=0.7, tell=told.append)
    thread = threading.Thread(target=follower.follow)
    thread.start()
    try:
        yield follower, told
    finally:
        follower.stop()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def events(library: Path) -> list[tuple[int, str, str]]:
    with Library.open(library) as opened:
        return [(event.track.id, event.kind, event.source) for event in opened.taste.report()]


def play(client: Any, number: int) -> None:
    client.clear()
    client.add(file_of(number))
    client.play()


def heard(client: Any, seconds: float) -> None:
    wait_until(lambda: float(client.status().get("elapsed", 0)) >= seconds)


@needs_mpd
@pytest.mark.slow
@pytest.mark.parametrize("place", ["port", "socket"])
def test_the_queue_stays_filled_and_skips_count(
    daemon: Daemon, client: Any, library: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Songs like the current one follow it; a skip is stored, and makes room for other songs."""
    play(client, 3)
    address = daemon.address if place == "port" else str(daemon.socket)
    with followed(library, address, monkeypatch) as (follower, _):
        wait_until(lambda: len(client.playlistinfo()) == 1 + AHEAD)
        names = [song["file"] for song in client.playlistinfo()]
        assert set(names[1:]) <= {file_of(n) for n in (1, 2, 4, 5, 6)}
        first_ids = {song["id"] for song in client.playlistinfo()[1:]}
        heard(client, 1.2)
        client.next()
        wait_until(lambda: (4, "skip", "mpd") in events(library))
        current = client.currentsong()
        wait_until(lambda: len(client.playlistinfo()) == 2 + AHEAD)
        assert {song["id"] for song in client.playlistinfo()} & first_ids == {current["id"]}
        client.seekcur(SECONDS / 2 + 1)
        wait_until(lambda: follower._last and follower._last.elapsed_seconds > SECONDS / 2)
        client.next()
        wait_until(lambda: any(kind == "play" for _, kind, _ in events(library)))
        names = [song["file"] for song in client.playlistinfo()]
        assert len(names) == len(set(names))


@needs_mpd
@pytest.mark.slow
def test_a_small_library_begins_again(
    daemon: Daemon, client: Any, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When every track has come, those that were played come again."""
    songs = [Song(f"Song {n}", f"A {n}", path=str(music / file_of(n))) for n in range(3)]
    write_library(tmp_path / "small", songs, np.eye(3, dtype=np.float32)).close()
    play(client, 0)
    with followed(tmp_path / "small", daemon.address, monkeypatch) as (follower, _):
        wait_until(lambda: len(client.playlistinfo()) == 3)
        client.seekcur(SECONDS / 2 + 1)
        wait_until(lambda: follower._last and follower._last.elapsed_seconds > SECONDS / 2)
        client.play(2)
        wait_until(lambda: len(client.playlistinfo()) == 5)
        names = [song["file"] for song in client.playlistinfo()]
        assert set(names[3:]) == {file_of(0), file_of(1)}


@needs_mpd
@pytest.mark.slow
def test_a_restart_of_mpd_is_survived(
    daemon: Daemon, client: Any, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower waits until MPD is back, sees no skip in that, and goes on filling."""
    play(client, 3)
    with followed(library, daemon.address, monkeypatch) as (follower, told):
        wait_until(lambda: len(client.playlistinfo()) == 1 + AHEAD)
        heard(client, 1.2)
        daemon.stop()
        wait_until(lambda: any("is gone" in line for line in told))
        daemon.start()
        wait_until(lambda: any("following again" in line for line in told))
        client.disconnect()
        client.connect("127.0.0.1", daemon.port)
        wait_until(lambda: follower._last)
        assert events(library) == []
        play(client, 8)
        wait_until(lambda: len(client.playlistinfo()) == 1 + AHEAD)


@needs_mpd
@pytest.mark.slow
def test_stickers_become_likes(
    daemon: Daemon, client: Any, library: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A like or a rating is an event, while MPD is followed or by `taste stickers`."""
    client.stop()
    client.sticker_set("song", file_of(2), "rating", "9")
    client.sticker_set("song", file_of(5), "like", "0")
    client.sticker_set("song", file_of(6), "rating", "5")
    wanted = {(3, "like", "mpd-sticker"), (6, "dislike", "mpd-sticker")}
    done = run_cli("--library", str(library), "taste", "stickers", daemon.address)
    assert done.code == 0, done.err
    assert "2 new" in done.err
    assert set(events(library)) == wanted
    assert "0 new" in run_cli("--library", str(library), "taste", "stickers", daemon.address).err
    with followed(library, daemon.address, monkeypatch) as (_, told):
        wait_until(lambda: told)
        client.sticker_set("song", file_of(5), "like", "2")
        wait_until(lambda: (6, "like", "mpd-sticker") in events(library))
        client.sticker_delete("song", file_of(2), "rating")
        wait_until(lambda: set(events(library)) == {(6, "like", "mpd-sticker")})
    client.sticker_delete("song", file_of(5), "like")


@needs_mpd
@pytest.mark.slow
def test_counted_plays_are_read_once(
    daemon: Daemon, client: Any, library: Path, run_cli: RunCli
) -> None:
    """`playCount` and `lastPlayed` become plays; only those that are new since the last time."""
    client.stop()
    command = ("--library", str(library), "taste", "stickers", daemon.address)
    client.sticker_set("song", file_of(3), "playCount", "3")
    client.sticker_set("song", file_of(3), "lastPlayed", "1700000000")
    client.sticker_set("song", file_of(4), "playCount", "7")  # no time: nothing is known of it
    client.sticker_set("song", file_of(5), "lastPlayed", "soon")
    client.sticker_set("song", file_of(6), "lastPlayed", "99999999999")  # a clock that is wrong
    assert "new plays: 3" in run_cli(*command).err
    client.sticker_set("song", file_of(3), "playCount", "4")
    client.sticker_set("song", file_of(3), "lastPlayed", "1700009999")
    assert "new plays: 1" in run_cli(*command).err
    assert "new plays: 0" in run_cli(*command).err
    assert events(library) == [(4, "play", "mpd-plays")] * 4
    with Library.open(library) as opened:
        times = [event.happened for event in opened.taste.report()]
        opened.taste.forget()
    assert times == [1700009999, 1700000000, 1699999999, 1699999998]
    for track, name in ((3, "playCount"), (3, "lastPlayed"), (4, "playCount")):
        client.sticker_delete("song", file_of(track), name)
    for track in (5, 6):
        client.sticker_delete("song", file_of(track), "lastPlayed")


@needs_mpd
@pytest.mark.slow
def test_another_music_folder_is_told(
    daemon: Daemon, client: Any, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Songs that the library lacks, and tracks that MPD lacks, are named."""
    songs = [Song(f"Song {n}", f"A {n}", path=f"/elsewhere/{n}.wav") for n in range(4)]
    write_library(tmp_path / "other", songs, np.eye(4, dtype=np.float32)).close()
    play(client, 3)
    with followed(tmp_path / "other", daemon.address, monkeypatch) as (_, told):
        wait_until(lambda: any(f"{file_of(3)} is not in the library" in line for line in told))
    songs[0] = Song("Song 3", "Artist 3", path=str(daemon.socket.parent / "music" / file_of(3)))
    write_library(tmp_path / "third", songs, np.eye(4, dtype=np.float32)).close()
    with followed(tmp_path / "third", str(daemon.socket), monkeypatch) as (_, told):
        wait_until(lambda: any("music_directory, which is" in line for line in told))
        assert len([line for line in told if "music_directory" in line]) == 1


@needs_mpd
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_ends_the_command(daemon: Daemon, client: Any, library: Path) -> None:
    """The command starts the music with its playlist, follows it, and ends at Ctrl-C."""
    client.clear()
    words = ["playlist", "4", "--length", "3", "--mpd", daemon.address, "--follow"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "--library", str(library), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: client.status()["state"] == "play")
    assert client.currentsong()["file"] == file_of(3)
    wait_until(lambda: len(client.playlistinfo()) >= 3)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"3 tracks queued" in talk
    assert b"following" in talk


def test_following_needs_a_player(run_cli: RunCli, library: Path) -> None:
    """Without --mpd it is a usage error; without an MPD the message names the address."""
    line = ("--library", str(library), "playlist", "--follow")
    refused = run_cli(*line)
    assert refused.code == 2
    assert "--mpd" in refused.err
    pytest.importorskip("mpd", reason="needs the extra mpd")
    absent = run_cli(*line, "--mpd", "127.0.0.1:1")
    assert absent.code == 3
    assert "127.0.0.1:1: no MPD answers there" in absent.err
