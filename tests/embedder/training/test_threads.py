"""Numbers of threads while a network is trained."""

import threading
from pathlib import Path

import pytest
import torch

from embedder.training.loop.step import step_generator
from embedder.training.train import train
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

    def counting(*arguments: object, **settings: object) -> torch.Generator:
        preparing.add((threading.current_thread().name, torch.get_num_threads()))
        return step_generator(*arguments, **settings)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr("embedder.training.loop.loop.step_generator", counting)
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
