"""Shards from a real Ray: two workers, one of them killed; and from an object store."""

import contextlib
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from embedder.audio.writing import write_audio
from embedder.errors import MissingAudio, StorageError, UsageError
from embedder.models.registry import find_model
from index.catalogue.records import Failure
from index.indexing.shards import deaths, ray_work
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
    monkeypatch.setattr(ray_work, "BATCH_TRACKS", 4)


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


TRAP = """
import os, signal, sys

def fall(event, arguments):
    if event == "open" and str(arguments[0]).endswith({name!r}):
        os.kill(os.getpid(), signal.SIGKILL)

if any("default_worker" in word for word in sys.orig_argv):
    sys.addaudithook(fall)
"""


def set_trap(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    """From now on, a process of Ray that opens a file of this name is killed."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(TRAP.format(name=name))
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


def test_a_file_that_kills_its_process_each_time_costs_only_itself(
    music: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The file is named, the others are there, and a second run does not try it again."""
    set_trap(monkeypatch, tmp_path / "trap", "05.wav")
    files = [str(music / f"{number:02d}.wav") for number in range(8)]
    report = run(files, str(tmp_path / "shards"))
    assert report.failed == (Failure(files[5], deaths.DEADLY),)
    assert (report.added, report.shards) == (7, 1 + 4)
    assert capfd.readouterr().out == ""  # Ray says there what has died
    again = run(files, str(tmp_path / "shards"))
    assert (again.added, again.unchanged, again.shards) == (0, 7, 0)
    assert again.failed == (Failure(files[5], deaths.DEADLY, is_known=True),)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    retried = write_shards(
        files,
        str(tmp_path / "shards"),
        cluster="local",
        model=find_model("default"),
        workers=1,
        retry_failed=True,
    )
    assert (retried.added, retried.unchanged, retried.failed) == (1, 7, ())
    with Library.open_or_create(tmp_path / "library") as library:
        imported = library.import_shards(str(tmp_path / "shards"))
        assert (imported.added, imported.failed) == (8, ())


def test_processes_that_die_at_their_start_end_the_run(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on machines without the memory for a model in each process."""
    set_trap(monkeypatch, tmp_path / "trap", "card.json")
    monkeypatch.setattr(ray_work, "STARTS_A_WORKER", 2)
    with pytest.raises(StorageError, match=r"end before they finish anything.*--workers N"):
        run([str(music / "00.wav")], str(tmp_path / "shards"))


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
