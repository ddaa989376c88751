"""Presets are complete, and the smallest one learns the demo's styles."""

import dataclasses
from pathlib import Path

import pytest

from embedder.config.loading import configure, from_dict, to_dict
from embedder.config.training import TrainingConfig
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.datasets.synthesis.folder import write_music_folder
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network
from embedder.training.train import train
from tests.embedder.small_sets import write_array_set


@pytest.mark.parametrize("name", ["tiny", "base", "large"])
def test_a_preset_comes_back_from_its_dict(name: str) -> None:
    """The dict that --show-config prints gives the preset."""
    config = TRAINING_PRESETS[name]
    assert from_dict(TrainingConfig, to_dict(config)) == config


@pytest.mark.parametrize("name", ["base", pytest.param("large", marks=pytest.mark.slow)])
def test_a_larger_preset_trains_on_pictures_of_its_size(tmp_path: Path, name: str) -> None:
    """After three short epochs the held-out pictures are separated."""
    pictures = write_array_set(tmp_path / "set", tracks_per_genre=12, rows=128, columns=128)
    config = configure(TRAINING_PRESETS[name], assignments=("loop.epochs=3", "loop.device=cpu"))
    result = train(pictures, config, tmp_path / "run")
    assert result.scores["accuracy"] >= 0.9
    network = load_model(str(result.folder / "best")).network
    start = seeded_network(config.model, seed=config.loop.seed)
    for part in ("backbone", "beside", "projection"):
        pairs = zip(
            getattr(network, part).parameters(), getattr(start, part).parameters(), strict=True
        )
        assert all(not learnt.equal(chance) for learnt, chance in pairs)


@pytest.mark.slow
def test_the_tiny_preset_learns_the_demo(tmp_path: Path) -> None:
    """Nine of ten held-out songs by unseen artists get the right label."""
    write_music_folder(tmp_path / "music", seconds=15.0)
    config = TRAINING_PRESETS["tiny"]
    dataset = dataclasses.replace(config.dataset, cache_dir=str(tmp_path / "cache"))
    result = train(
        tmp_path / "music", dataclasses.replace(config, dataset=dataset), tmp_path / "run"
    )
    assert result.scores["accuracy"] >= 0.9
    assert result.notes == ()
