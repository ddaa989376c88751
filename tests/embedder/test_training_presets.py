"""Presets are whole, and the smallest one learns the demo's styles."""

import dataclasses
from pathlib import Path

import pytest

from embedder.config.loading import from_dict, to_dict
from embedder.config.training import TrainingConfig
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.synthesis.folder import write_music_folder
from embedder.training.train import train


@pytest.mark.parametrize("name", ["tiny", "base", "large"])
def test_a_preset_comes_back_from_its_dict(name: str) -> None:
    """What --show-config prints is the preset."""
    config = TRAINING_PRESETS[name]
    assert from_dict(TrainingConfig, to_dict(config)) == config


@pytest.mark.slow
def test_the_tiny_preset_learns_the_demo(tmp_path: Path) -> None:
    """Nine of ten held-out songs, by artists that were not heard, get the vote of their style."""
    write_music_folder(tmp_path / "music", seconds=15.0)
    config = TRAINING_PRESETS["tiny"]
    dataset = dataclasses.replace(config.dataset, cache_dir=str(tmp_path / "cache"))
    result = train(
        tmp_path / "music", dataclasses.replace(config, dataset=dataset), tmp_path / "run"
    )
    assert result.scores["accuracy"] >= 0.9
    assert result.notes == ()
