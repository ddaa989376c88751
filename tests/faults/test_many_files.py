"""Thousands of files in one run: memory and open files do not grow with their number."""

import threading
import time
from pathlib import Path

import psutil
import pytest

from embedder.features.building import build_front_end
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.library import Library
from tests.embedder.small_sets import small_config
from tests.faults.processes import Running, Workshop, open_workshop
from tests.index.toy_encoder import write_wav

pytestmark = pytest.mark.slow
MIB = 2**20
PRELOAD = ("cli.app", "cli.commands.index", "index.indexing.run")


class Meter(threading.Thread):
    """Records the memory and open files of a process and its children."""

    def __init__(self, running: Running) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(running.pid)
        self._is_done = threading.Event()
        self.bytes_used: list[int] = []
        self.n_handles: list[int] = []

    def run(self) -> None:
        while not self._is_done.wait(0.1):
            try:
                family = [self._process, *self._process.children(recursive=True)]
                self.bytes_used.append(sum(member.memory_info().rss for member in family))
                self.n_handles.append(sum(member.num_fds() for member in family))
            except psutil.Error:
                continue

    def stop(self) -> None:
        """Stop recording."""
        self._is_done.set()
        self.join()


def test_five_thousand_tiny_files(workshop: Workshop, tmp_path: Path) -> None:
    """All of them are in the library, and a second run analyses none."""
    for number in range(5000):
        write_wav(tmp_path / "music" / f"{number % 50}" / f"{number}.wav", number, n_samples=16)
    log = tmp_path / "log"
    line = ("--library", tmp_path / "library", "index", tmp_path / "music")
    for _ in range(2):
        ended = workshop.run(*line, environment={"TOY_LOG": str(log)})
        assert ended.code == 0, ended.err
    assert len(log.read_text().splitlines()) == 5000
    with Library.open(tmp_path / "library") as library:
        assert len(library) == 5000
        assert library.verify() == []


def test_memory_and_handles_stay_flat_over_two_thousand_files(tmp_path: Path) -> None:
    """With a small network, the last quarter of a run needs no more than the second."""
    for number in range(2000):
        write_wav(tmp_path / "music" / f"{number}.wav", number, n_samples=16_000)
    config = small_config().model
    save_model(
        tmp_path / "small",
        seeded_network(config, seed=0),
        front_end=build_front_end(config.front_end),
        name="small",
    )
    line = ("index", tmp_path / "music", "--model", tmp_path / "small")
    (tmp_path / "work").mkdir()
    with open_workshop(tmp_path / "work", setup="plain", preload=PRELOAD) as plain:
        running = plain.start("--library", tmp_path / "library", *line)
        meter = Meter(running)
        meter.start()
        ended = running.wait()
        meter.stop()
    assert ended.code == 0, ended.err
    quarter = len(meter.bytes_used) // 4
    assert quarter > 5
    second, last = slice(quarter, 2 * quarter), slice(3 * quarter, None)
    assert max(meter.bytes_used[last]) < max(meter.bytes_used[second]) + 60 * MIB
    assert max(meter.n_handles[last]) <= max(meter.n_handles[second]) + 8


def test_the_helpers_of_a_killed_run_end(tmp_path: Path) -> None:
    """No decoder or encoder process outlives the run, and none holds the lock."""
    for number in range(300):
        write_wav(tmp_path / "music" / f"{number}.wav", number, n_samples=8000)
    (tmp_path / "work").mkdir()
    line = ("--library", tmp_path / "library", "index", tmp_path / "music", "--workers", "2")
    with open_workshop(tmp_path / "work", setup="plain", preload=PRELOAD) as plain:
        running = plain.start(*line)
        run = psutil.Process(running.pid)
        while not (helpers := run.children(recursive=True)):
            time.sleep(0.05)
        time.sleep(1.0)
        running.kill()
        assert running.wait().code == -9
        _, alive = psutil.wait_procs(helpers, timeout=20)
        assert alive == []
        assert plain.run(*line).code == 0
