"""Training on another device than the CPU: all tensors of a step are on it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from embedder.training.train import open_run, train
from tests.embedder.small_sets import small_config, write_array_set


def test_the_average_is_where_the_network_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moving average copies the network after it has moved to its device."""
    put_up = Fabric.setup

    def moved(self: Fabric, module: nn.Module, *optimisers: Any) -> Any:
        return put_up(self, module.to(torch.float64), *optimisers)  # as a device would: in place

    monkeypatch.setattr(Fabric, "setup", moved)
    config = small_config(weight_averaging="moving", averaging_decay=0.9)
    loop = open_run(write_array_set(tmp_path / "set"), config, tmp_path / "run").loop
    loop._average.after_step(loop.parts.network)  # else the network itself is best
    assert {weight.dtype for weight in loop.best_network.parameters()} == {torch.float64}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_on_a_gpu_learns_and_is_kept(tmp_path: Path) -> None:
    """A run with a moving average trains, validates and writes its model on a GPU."""
    config = small_config(weight_averaging="moving", averaging_decay=0.9, device="cuda")
    result = train(write_array_set(tmp_path / "set"), config, tmp_path / "run")
    assert result.ended == "finished"
    assert (tmp_path / "run" / "best" / "card.json").exists()
