"""Numbers of threads while a network is trained."""

import itertools
import threading
from pathlib import Path

import pytest
import torch

from embedder.datasets.prepared import PreparedTracks
from embedder.training.feeding.sources import Rows
from embedder.training.loop.step import step_seed
from embedder.training.train import open_run, train
from tests.embedder.small_sets import small_config, write_array_set


def test_batches_are_prepared_by_one_thread_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network keeps its threads in every step, and the caller's number is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    preparing, stepping = set(), set()

    class Counts:
        def after_step(self, *_: object) -> None:
            stepping.add(torch.get_num_threads())

        def after_epoch(self, _: dict[str, object]) -> None:
            """Nothing to count."""

    def counting(*arguments: object, **settings: object) -> int:
        preparing.add((threading.current_thread().name, torch.get_num_threads()))
        return step_seed(*arguments, **settings)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr("embedder.training.loop.loop.step_seed", counting)
    try:
        train(
            write_array_set(tmp_path / "set"),
            small_config(),
            tmp_path / "run",
            make_observers=lambda _: [Counts()],
        )
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    in_workers = {count for name, count in preparing if name.startswith("soundalike-worker")}
    assert in_workers == {1}
    assert stepping == {2}
    assert after == 2


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_is_the_number_of_threads_that_prepare_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """So many batches are prepared at the same time, in this process; 0 means one."""
    config = small_config(epochs=1, workers=workers)
    run = open_run(write_array_set(tmp_path / "set"), config, tmp_path / "run")
    n_threads = max(workers, 1)
    calls, all_busy = itertools.count(), threading.Barrier(n_threads)
    crops_of = PreparedTracks.readable_crops

    def meeting(
        source: PreparedTracks, rows: Rows, *, generator: torch.Generator
    ) -> tuple[Rows, torch.Tensor]:
        if next(calls) < n_threads:
            all_busy.wait(timeout=20)  # the first batches wait until as many are in progress
        preparing.add(threading.get_ident())
        return crops_of(source, rows, generator=generator)

    preparing: set[int] = set()
    monkeypatch.setattr(PreparedTracks, "readable_crops", meeting)
    run.run()
    assert len(preparing) == n_threads
