"""A device that runs out of memory while a model is trained."""

from pathlib import Path

import pytest
import torch

from embedder.errors import BadInput
from embedder.training.run import TrainingRun
from embedder.training.train import train
from tests.embedder.small_sets import small_config, write_array_set


def test_a_device_without_memory_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which setting makes batches smaller, and leaves no folder behind."""

    def out_of_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(TrainingRun, "run", out_of_memory)
    data = write_array_set(tmp_path / "set")
    with pytest.raises(BadInput, match=r"cpu: out of memory.*--set sampler\.groups_per_batch=2"):
        train(data, small_config(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
