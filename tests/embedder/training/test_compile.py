"""Training with `loop.compile`."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from embedder.config.batches import AugmentationConfig
from embedder.errors import ConfigError
from embedder.training.train import train
from tests.embedder.small_sets import small_config, write_array_set


def test_a_missing_compiler_is_an_error_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names a setting that avoids it."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    data = write_array_set(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"'no-such-compiler' is not there.*compile = false"):
        train(data, small_config(compile=True), tmp_path / "run")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_runs_of_several_lengths_are_compiled_in_one_process(tmp_path: Path) -> None:
    """Each run has the result of an uncompiled run, up to rounding."""
    data = write_array_set(tmp_path / "data")
    for columns in (12, 20):
        losses = []
        for is_compiled in (True, False):
            config = dataclasses.replace(
                small_config(compile=is_compiled, epochs=1),
                augmentation=AugmentationConfig(crop_columns=columns),
            )
            torch.manual_seed(0)
            result = train(data, config, tmp_path / f"{columns} {is_compiled}")
            losses.append(result.history[-1]["loss"])
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
