"""Settings of a front end: levels, normalisation, rates, devices, presets."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from embedder.config.model import FrontEndConfig
from embedder.config.presets import FRONT_ENDS, MODELS
from embedder.errors import ConfigError
from embedder.features.axes import n_rows_of
from embedder.features.banks import cqt_frequencies, log_frequency_bins
from embedder.features.building import build_front_end
from tests.embedder.features.front_end_cases import KINDS, RATE, decibels, music, small


def test_absolute_levels_keep_loudness_and_clip_levels_forget_it() -> None:
    """Half the amplitude is 6 dB less for `absolute`, and no change for `clip`."""
    samples = music(1)
    for kind in ("log-mel", "log-frequency", "cqt"):
        absolute = build_front_end(small(kind, reference="absolute", floor_db=-120.0))
        settings = dataclasses.replace(
            absolute.config, level_per_db=1 / 120, level_at_reference=1.0
        )
        front_end = build_front_end(settings)
        difference = front_end(samples, RATE) - front_end(samples * 0.5, RATE)
        inside = front_end(samples * 0.5, RATE) > 0
        assert (difference[inside] * 120).mean() == pytest.approx(6.02, abs=0.02)
        relative = build_front_end(small(kind))
        quieter = relative(samples * 0.5, RATE)
        assert torch.allclose(relative(samples, RATE), quieter, atol=1e-4)


@pytest.mark.parametrize("kind", ["log-mel", "log-frequency", "cqt"])
def test_a_full_scale_sine_is_the_absolute_reference(kind: str) -> None:
    """A sine of amplitude 1 is near 0 dB and not above."""
    config = small(kind, reference="absolute", level_at_reference=0.9, level_per_db=0.1)
    hertz = float(log_frequency_bins(config, RATE)[30]) * RATE / 1024
    if kind == "cqt":
        hertz = float(cqt_frequencies(config)[30])
    samples = torch.sin(2 * torch.pi * hertz * torch.arange(RATE) / RATE)[None]
    peak = (float(build_front_end(config)(samples, RATE)[..., 10:-10].max()) - 0.9) / 0.1
    assert -3.0 < peak < 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalisation", ["none", "clip", "running"])
def test_silence_and_scraps_stay_finite(kind: str, normalisation: str) -> None:
    """Digital silence is at the floor, one sample is a frame, and no value is infinite."""
    front_end = build_front_end(small(kind, normalisation=normalisation))
    for n_samples in (1, 100, RATE):
        assert torch.isfinite(front_end(torch.zeros(2, n_samples), RATE)).all()
    if kind not in ("mfcc", "waveform"):
        assert front_end.levels(torch.zeros(1, RATE), RATE).max() == 0


def test_level_scale_and_floor_are_settings() -> None:
    """Levels are `level_per_db × dB + level_at_reference`, at least the floor's."""
    config = small(level_per_db=0.01, level_at_reference=0.8, floor_db=-50.0)
    samples = music(1)
    plain = decibels(build_front_end(small())(samples, RATE))
    levels = build_front_end(config)(samples, RATE)
    assert levels.numpy() == pytest.approx(np.maximum(plain, -50) * 0.01 + 0.8, abs=1e-4)


def test_clip_normalisation_is_mean_0_and_deviation_1() -> None:
    """Each clip is normalised by itself."""
    levels = build_front_end(small(normalisation="clip"))(music(3), RATE)
    assert levels.mean(dim=(1, 2)) == pytest.approx([0, 0, 0], abs=1e-4)
    assert levels.std(dim=(1, 2)) == pytest.approx([1, 1, 1], abs=1e-3)


def test_running_normalisation_learns_only_in_training() -> None:
    """Statistics are those of all training batches, and are saved with the weights."""
    config = small(normalisation="running")
    front_end = build_front_end(config)
    plain = build_front_end(small())
    batches = [music(2, seed=seed, seconds=1.0 + seed) for seed in range(3)]
    assert torch.equal(front_end.eval()(batches[0], RATE), plain(batches[0], RATE))
    front_end.train()
    for batch in batches:
        front_end(batch, RATE)
    columns = torch.cat([plain(batch, RATE).transpose(0, 1).flatten(1) for batch in batches], dim=1)
    state = front_end.state_dict()
    assert state["normalisation.mean"].numpy() == pytest.approx(columns.mean(1).numpy(), abs=1e-5)
    variance = columns.var(1, correction=0).numpy()
    assert state["normalisation.variance"].numpy() == pytest.approx(variance, rel=1e-3, abs=1e-7)
    again = build_front_end(config)
    again.load_state_dict(state)
    before = {name: value.clone() for name, value in again.state_dict().items()}
    assert torch.equal(again.eval()(batches[1], RATE), front_end.eval()(batches[1], RATE))
    assert all(torch.equal(before[name], value) for name, value in again.state_dict().items())


def test_only_learnt_statistics_are_saved() -> None:
    """Tables for a sample rate are not weights."""
    for kind in KINDS:
        front_end = build_front_end(small(kind))
        front_end(music(1, seconds=0.5), RATE)
        assert front_end.state_dict() == {}


def test_native_rate_follows_the_file_and_fixed_rate_resamples() -> None:
    """With rate 0 each rate has its own bands; a fixed rate resamples all."""
    native = build_front_end(small(sample_rate=0))
    fixed = build_front_end(small())
    tone = {
        rate: torch.sin(2 * torch.pi * 3000 * torch.arange(rate) / rate)[None]
        for rate in (16000, 22050, 48000)
    }
    assert native(tone[48000], 48000).shape[-1] > 2 * native(tone[16000], 16000).shape[-1]
    rows = {rate: int(fixed(samples, rate)[0].mean(1).argmax()) for rate, samples in tone.items()}
    assert len(set(rows.values())) == 1
    n_columns = {fixed(samples, rate).shape[-1] for rate, samples in tone.items()}
    assert n_columns == {44}


def test_tables_made_for_inference_serve_training() -> None:
    """A front end that was used without gradients can be trained through afterwards."""
    front_end = build_front_end(small("cqt", n_bins=24))
    with torch.inference_mode():
        front_end(music(1, seconds=0.5), RATE)
    samples = music(1, seconds=0.5).requires_grad_()
    front_end(samples, RATE).sum().backward()
    assert samples.grad is not None


def test_autocast_does_not_reach_the_transform() -> None:
    """Levels under bfloat16 autocast equal those in float32."""
    front_end = build_front_end(small())
    samples = music(1)
    with torch.autocast("cpu", torch.bfloat16):
        under = front_end(samples, RATE)
    assert torch.equal(under, front_end(samples, RATE))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_columns", [0, 20])
def test_a_gpu_gives_the_same(kind: str, n_columns: int) -> None:
    """Within 0.05 dB of the processor's levels."""
    front_end = build_front_end(small(kind, n_columns=n_columns))
    samples = music(2)
    on_cpu = front_end(samples, RATE)
    assert torch.allclose(front_end.cuda()(samples.cuda(), RATE).cpu(), on_cpu, atol=6e-4)


@pytest.mark.parametrize("name", sorted(FRONT_ENDS))
def test_presets_build(name: str) -> None:
    """Every preset gives finite columns with the right number of rows."""
    config = FRONT_ENDS[name]
    rate = config.sample_rate or 44100
    levels = build_front_end(config)(music(1, seconds=2.0, rate=rate), rate)
    assert levels.shape[1] == n_rows_of(config)
    assert torch.isfinite(levels).all()


def test_model_presets_have_front_ends_that_build() -> None:
    """Each model preset has a valid front end."""
    assert set(MODELS) == {"tiny", "base", "large"}
    for model in MODELS.values():
        build_front_end(model.front_end)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_bins": 0}, "n_bins = 0: give at least 1"),
        ({"fft_size": 1023}, "even"),
        ({"hop_samples": 0}, "hop_samples"),
        ({"floor_db": 0.0}, "floor_db"),
        ({"min_hz": 500.0, "max_hz": 400.0}, "max_hz above it"),
        ({"min_hz": -1.0}, "min_hz from 0"),
        ({"min_hz": 12000.0}, "holds nothing above 11025 Hz"),
        ({"column_span": 0.0}, "column_span"),
        ({"magnitude_power": 0.0}, "magnitude_power"),
        ({"kind": "mfcc", "n_coefficients": 49}, "at most n_bins = 48"),
        ({"kind": "cqt", "n_bins": 128}, "Lower n_bins or min_hz"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """The message names the setting and its valid values."""
    with pytest.raises(ConfigError, match=message):
        build_front_end(dataclasses.replace(small(), **settings))


def test_constant_q_rows_beyond_a_low_rate_are_silent() -> None:
    """Rows above half of a file's own rate stay at the floor."""
    config = FrontEndConfig(kind="cqt", n_bins=96, sample_rate=0)
    levels = build_front_end(config)(music(1, rate=8000), 8000)
    above = cqt_frequencies(config) > 4000
    assert levels[0, above].max() == 0
    assert levels[0, ~above].max() == pytest.approx(1)


def test_a_waveform_must_be_a_batch() -> None:
    """A waveform without a batch axis is a bug; the message has its shape."""
    with pytest.raises(ValueError, match=r"\[batch, samples\], not \[100\]"):
        build_front_end(small())(torch.zeros(100), RATE)


def test_gtzan_rows_begin_below_zero_hertz() -> None:
    """Rows of the preset repeat low bins and end near 10.7 kHz, like the pictures."""
    bins = log_frequency_bins(FRONT_ENDS["gtzan-log"], RATE).tolist()
    assert bins[:12] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3]
    assert bins[-3:] == [926, 958, 991]
