"""Shards from a real Ray: two workers, one of them killed; and from an object store."""

import contextlib
import importlib.util
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from embedder.audio.writing import write_audio
from embedder.errors import MissingAudio, UsageError
from embedder.models.registry import find_model
from index.indexing.shards import job
from index.indexing.shards.job import ShardReport, write_shards
from index.library import Library
from tests.index.s3_server import running_s3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # Not imported here: where a local Ray listens is decided when it is imported.
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra cluster"),
]
N_TRACKS = 48
RATE = 16_000


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short noises, and a file that is none."""
    folder = tmp_path_factory.mktemp("music")
    generator = np.random.default_rng(0)
    for number in range(N_TRACKS):
        noise = 0.1 * generator.standard_normal(2 * RATE).cumsum() % 0.5
        write_audio(folder / f"{number:02d}.wav", noise.astype(np.float32), RATE)
    (folder / "broken.mp3").write_text("no sound")
    return folder


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "BATCH_TRACKS", 4)


def run(paths: list[str], place: str) -> ShardReport:
    """Two processes of this machine."""
    return write_shards(paths, place, cluster="local", model=find_model("default"), workers=2)


def workers() -> list[psutil.Process]:
    """The processes of Ray that have our model, below this one."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if "MapWorker" in " ".join(process.cmdline() or [process.name()])
    ]


def listening() -> set[str]:
    """The addresses on which processes below this one take connections."""
    addresses = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            ports = process.net_connections(kind="tcp")
            addresses |= {port.laddr.ip for port in ports if port.status == psutil.CONN_LISTEN}
    return addresses


def killer(folder: Path, killed: list[int], addresses: set[str]) -> Iterator[None]:
    """Kill one of two workers after the first shards."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not killed:
        if folder.is_dir() and len(list(folder.glob("*.parquet"))) >= 2:
            addresses |= listening()
            for process in workers()[:1]:
                process.send_signal(signal.SIGKILL)
                killed.append(process.pid)
        time.sleep(0.01)
        yield


def test_a_killed_worker_loses_nothing(music: Path, tmp_path: Path) -> None:
    """All tracks are there, a second run encodes none, and the library is that of `index`."""
    shards, killed, addresses = tmp_path / "shards", list[int](), set[str]()
    thread = threading.Thread(target=lambda: list(killer(shards, killed, addresses)))
    thread.start()
    report = run([str(music)], str(shards))
    thread.join()
    assert len(killed) == 1
    assert addresses
    assert all(address.removeprefix("::ffff:").startswith("127.") for address in addresses)
    assert report.added == N_TRACKS
    assert [Path(failure.path).name for failure in report.failed] == ["broken.mp3"]
    again = run([str(music)], str(shards))
    assert (again.added, again.unchanged, again.shards) == (0, N_TRACKS, 0)
    with (
        Library.open_or_create(tmp_path / "plain") as plain,
        Library.open_or_create(tmp_path / "imported") as imported,
    ):
        plain.index([music])
        assert imported.import_shards(str(shards)).added == N_TRACKS
        vectors = [
            {t.path: library.vectors(np.array([t.id]))[0] for t in library.list()}
            for library in (plain, imported)
        ]
        assert vectors[0].keys() == vectors[1].keys()
        cosines = [float(vectors[0][path] @ vectors[1][path]) for path in vectors[0]]
        assert min(cosines) > 0.9999
        assert imported.verify() == []


def test_an_object_store_gives_files_and_takes_shards(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracks of the library are named by their addresses; a second run does what is new."""
    with running_s3(monkeypatch) as (_, client):
        for name in ("00.wav", "01.wav", "broken.mp3"):
            client.upload_file(str(music / name), "music", f"all/é #{name}")
        client.put_object(Bucket="music", Key="all/cover.jpg", Body=b"no sound")
        first = run(["s3://music/all"], "s3://music/shards")
        assert (first.added, len(first.failed)) == (2, 1)
        client.upload_file(str(music / "02.wav"), "music", "all/02.wav")
        second = run(["s3://music/all"], "s3://music/shards")
        assert (second.added, second.unchanged) == (1, 2)
        with Library.open_or_create(tmp_path / "library") as library:
            assert library.import_shards("s3://music/shards").added == 3
            paths = {track.path for track in library.list()}
        assert paths == {f"s3://music/all/{name}" for name in ("é #00.wav", "é #01.wav", "02.wav")}
        with pytest.raises(MissingAudio, match="no such file"):
            run(["s3://music/nothing"], "s3://music/shards")


def test_a_cluster_that_is_not_there_is_named(music: Path, tmp_path: Path) -> None:
    """An address without Ray is a wrong option; nothing is written."""
    with pytest.raises(UsageError, match=r"--cluster 127\.0\.0\.1:9"):
        write_shards(
            [str(music)],
            str(tmp_path / "shards"),
            cluster="127.0.0.1:9",
            model=find_model("default"),
        )
    assert not (tmp_path / "shards").exists()
