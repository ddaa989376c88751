"""Augmentation in a run: of audio before the front end, and of samples for waveform networks."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.model import (
    BackboneConfig,
    BackboneKind,
    ExcerptConfig,
    FrontEndConfig,
    ModelConfig,
)
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError
from embedder.training.augment.places import after_front_end
from embedder.training.feeding.sources import Rows
from embedder.training.feeding.streamed import StreamedTracks
from embedder.training.objectives.targets import BatchTargets, TrackTargets
from embedder.training.train import open_run
from tests.embedder.rich_sets import write_audio_set
from tests.embedder.small_sets import small_config

MEL = FrontEndConfig(sample_rate=8000, fft_size=512, n_bins=24, n_columns=12)
WAVEFORM = FrontEndConfig(kind="waveform", sample_rate=8000)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio_set(tmp_path_factory.mktemp("audio"), seconds=1.0)


def config_for(
    front_end: FrontEndConfig, augmentation: AugmentationConfig, *, gigabytes: float = 0.0
) -> TrainingConfig:
    """A configuration without a cache, so that tracks are decoded while training."""
    kind: BackboneKind = "waveform-cnn" if front_end.kind == "waveform" else "plain-cnn"
    return dataclasses.replace(
        small_config(epochs=1),
        model=ModelConfig(
            excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=0.5),
            front_end=front_end,
            backbone=BackboneConfig(kind=kind, filters=(4, 6), pooling="mean"),
            embedding_size=6,
        ),
        dataset=DatasetConfig(cache_gigabytes=gigabytes, validation_share=0.25, test_share=0.0),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=4),
        augmentation=augmentation,
    )


def first_batch(
    audio: Path, folder: Path, config: TrainingConfig, *, seed: int = 4
) -> torch.Tensor:
    """Crops as in a training step: float32 [batch, rows, columns]."""
    parts = open_run(audio, config, folder).loop.parts
    generator = torch.Generator().manual_seed(seed)
    _, levels = parts.source.readable_crops(np.arange(6), generator=generator)
    return parts.augmentation(levels, generator=generator)


def loudest_rows(batch: torch.Tensor) -> torch.Tensor:
    return batch.mean(dim=2).argmax(dim=1)


def test_pitch_moves_the_tone_before_the_front_end(audio: Path, tmp_path: Path) -> None:
    """The loudest row changes; the draw depends on the seed alone."""
    plain = config_for(MEL, AugmentationConfig())
    changed = config_for(MEL, AugmentationConfig(pitch_semitones=12))
    before = first_batch(audio, tmp_path, plain)
    after = first_batch(audio, tmp_path, changed)
    assert (loudest_rows(before) != loudest_rows(after)).any()
    assert torch.equal(after, first_batch(audio, tmp_path, changed))
    assert not torch.equal(after, first_batch(audio, tmp_path, changed, seed=5))


def test_tempo_keeps_the_tone(audio: Path, tmp_path: Path) -> None:
    """The spectrogram changes, and its loudest rows hardly."""
    before = first_batch(audio, tmp_path, config_for(MEL, AugmentationConfig()))
    after = first_batch(audio, tmp_path, config_for(MEL, AugmentationConfig(tempo_share=0.3)))
    assert not torch.allclose(before, after)
    assert (loudest_rows(before) - loudest_rows(after)).abs().max() <= 1


def test_a_run_with_pitch_tempo_and_masks_trains(audio: Path, tmp_path: Path) -> None:
    """Audio and spectrograms of training tracks are changed, those of held-out tracks are not."""
    changes = AugmentationConfig(pitch_semitones=2, tempo_share=0.1, time_masks=1, noise=0.02)
    run = open_run(audio, config_for(MEL, changes), tmp_path)
    assert isinstance(run.source, StreamedTracks)
    plain = open_run(audio, config_for(MEL, AugmentationConfig()), tmp_path)
    assert torch.equal(run.source.excerpts(3), plain.source.excerpts(3))
    assert np.isfinite(run.run().history[0]["loss"])


@pytest.mark.parametrize("side", ["train", "validation"])
def test_a_streamed_run_goes_on_without_a_broken_file(tmp_path: Path, side: str) -> None:
    """A file that vanishes or breaks after its header was read is left out and reported."""
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    run = open_run(audio, config_for(MEL, AugmentationConfig()), tmp_path / "run")
    broken = run.dataset.rows[run.dataset.positions(side)[0]].path  # type: ignore[arg-type]  # a side
    assert broken is not None
    if side == "train":
        broken.unlink()
    else:
        broken.write_bytes(broken.read_bytes()[:60])
    result = run.run()
    assert result.ended == "finished"
    assert [track["path"] for track in result.left_out] == [str(broken)]


def test_a_batch_keeps_the_targets_of_its_readable_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step asks for the targets of a file that could not be read."""
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    run = open_run(audio, config_for(MEL, AugmentationConfig()), tmp_path / "run")
    broken = run.dataset.rows[run.loop.parts.rows[0]].path
    assert broken is not None
    broken.unlink()
    asked_rows: list[int] = []
    targets_of = TrackTargets.batch

    def recorded(targets: TrackTargets, rows: Rows) -> BatchTargets:
        asked_rows.extend(rows.tolist())
        return targets_of(targets, rows)

    monkeypatch.setattr(TrackTargets, "batch", recorded)
    run.run()
    assert asked_rows
    assert 0 not in asked_rows


def test_two_runs_of_a_seed_have_the_same_changes(audio: Path, tmp_path: Path) -> None:
    """With and without workers, the weights after an epoch are equal to the bit."""
    weights = []
    for workers in (0, 2):
        changes = AugmentationConfig(pitch_semitones=2, tempo_share=0.1)
        config = config_for(MEL, changes)
        config = dataclasses.replace(config, loop=dataclasses.replace(config.loop, workers=workers))
        run = open_run(audio, config, tmp_path)
        run.run()
        weights.append(run.start.network.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("gigabytes", [0.0, 1.0])
def test_waveform_networks_get_changed_samples(
    audio: Path, tmp_path: Path, gigabytes: float
) -> None:
    """Gain changes the samples in both directions, cached or streamed."""
    plain = config_for(WAVEFORM, AugmentationConfig(), gigabytes=gigabytes)
    louder = config_for(WAVEFORM, AugmentationConfig(gain_db=6), gigabytes=gigabytes)
    before = first_batch(audio, tmp_path, plain)
    after = first_batch(audio, tmp_path, louder)
    assert before.shape == after.shape == (6, 1, 4000)
    ratio = after.square().mean(dim=2).sqrt() / before.square().mean(dim=2).sqrt()
    assert ((ratio > 0.4) & (ratio < 2.1)).all()
    assert ratio.std() > 0.05
    assert after.min() < -0.05


def test_prepared_features_cannot_change_their_pitch(audio: Path, tmp_path: Path) -> None:
    """The error names the setting for decoding while training."""
    config = config_for(MEL, AugmentationConfig(pitch_semitones=2), gigabytes=1.0)
    with pytest.raises(ConfigError, match="cache_gigabytes = 0"):
        open_run(audio, config, tmp_path)


def test_coefficients_are_no_levels() -> None:
    """Changes of levels are refused for MFCCs; pitch shifts of the audio work."""
    mfcc = FrontEndConfig(kind="mfcc")
    with pytest.raises(ConfigError, match=r"cepstral.*set augmentation\.probability = 0"):
        after_front_end(AugmentationConfig(noise=0.1), mfcc, is_streamed=True)
    batch = torch.randn(2, 20, 5, generator=torch.Generator().manual_seed(0))
    same = after_front_end(AugmentationConfig(pitch_semitones=1), mfcc, is_streamed=True)
    assert torch.equal(same(batch, generator=torch.Generator()), batch)
