"""Training runs with `torchrun`, as a user starts them."""

import csv
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from embedder.config.batches import AugmentationConfig
from embedder.config.loading import to_toml
from tests.embedder.small_sets import small_config

ROOT = Path(__file__).parents[3]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone")


@dataclass(frozen=True, slots=True)
class Started:
    """A `torchrun` with two ranks."""

    process: "subprocess.Popen[str]"

    def wait(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        out, err = self.process.communicate(timeout=240)
        return self.process.returncode, out, err


def start(folder: Path, *words: str) -> Started:
    """Two ranks of a command line in a folder."""
    line = [*TORCHRUN, "--nproc-per-node=2", "-m", "cli", *words]
    return Started(_popen(folder, line))


def run_alone(folder: Path, *words: str) -> tuple[int, str, str]:
    """The same command line in one process."""
    return Started(_popen(folder, [sys.executable, "-m", "cli", *words])).wait()


def write_settings(path: Path, *, epochs: int) -> None:
    """Settings with all that looks at a whole batch: statistics, dropout, augmentation, mining."""
    config = small_config(epochs=epochs)
    augmentation = AugmentationConfig(
        probability=0.5, gain_db=6.0, noise=0.05, time_masks=1, time_mask_share=0.2
    )
    front_end = replace(config.model.front_end, normalisation="running")
    model = replace(config.model, front_end=front_end)
    path.write_text(to_toml(replace(config, model=model, augmentation=augmentation)))


def log_of(run: Path) -> list[dict[str, str]]:
    """The epochs of a run, without the time that they took."""
    with (run / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def kill_rank(started: Started, rank: int, *, log: Path, epochs: int) -> None:
    """End one rank with SIGKILL when the log has so many epochs."""
    deadline = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) > epochs):
        assert time.monotonic() < deadline, "the run does not train"
        time.sleep(0.01)
    os.kill(_pid_of(started.process.pid, rank), 9)


def _pid_of(parent: int, rank: int) -> int:
    """The child of a process whose environment has the rank."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for pid in children:
        if f"\0RANK={rank}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
            return int(pid)
    raise AssertionError(f"no rank {rank} among {children}")


def _popen(folder: Path, line: list[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        line,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
