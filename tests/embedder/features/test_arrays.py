"""The front ends in numpy against those in torch, over many settings."""

from typing import Any

import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.features.arrays.building import build_array_front_end
from embedder.features.arrays.normalising import RowStatistics
from embedder.features.arrays.resampling import resample
from embedder.features.building import build_front_end
from embedder.features.normalisation import RunningNormalisation
from tests.embedder.features.front_end_cases import KINDS, RATE, music, small

ROUNDING = 2e-5
"""Of the loudest amplitude: what float32 loses in a long sum."""


def amplitudes_of(levels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Levels of an 80 dB scale as amplitudes, 1 at the reference."""
    amplitudes: NDArray[np.float64] = 10.0 ** (4 * (levels.astype(np.float64) - 1))
    return amplitudes


@st.composite
def front_ends(draw: st.DrawFn) -> FrontEndConfig:
    kind = draw(st.sampled_from(KINDS))
    return small(
        kind,
        sample_rate=draw(st.sampled_from([0, 8000, 11025, RATE])),
        fft_size=draw(st.sampled_from([256, 512, 1000])),
        hop_samples=draw(st.sampled_from([100, 128, 333])),
        n_bins=24,
        min_hz=draw(st.sampled_from([0.0, 110.0])),
        max_hz=draw(st.sampled_from([0.0, 3000.0])),
        magnitude_power=draw(st.sampled_from([1.0, 2.0])),
        reference=draw(st.sampled_from(["clip", "absolute"])),
        normalisation=draw(st.sampled_from(["none", "clip"])),
        n_columns=draw(st.sampled_from([0, 7])),
        column_shift_seconds=draw(st.sampled_from([0.0, 0.02])),
        column_span=draw(st.sampled_from([0.5, 1.0])),
    )


@settings(max_examples=60, deadline=None)
@given(config=front_ends(), seed=st.integers(0, 99), seconds=st.sampled_from([0.01, 0.3, 1.0]))
def test_both_front_ends_give_the_same(config: FrontEndConfig, seed: int, seconds: float) -> None:
    """For any settings, levels in numpy equal those in torch."""
    samples = music(2, seconds=seconds, seed=seed)
    in_torch, in_numpy = build_front_end(config), build_array_front_end(config)
    expected, levels = (
        in_torch.levels(samples, RATE).numpy(),
        in_numpy.levels(samples.numpy(), RATE),
    )
    assert levels.dtype == np.float32
    if config.kind in ("mfcc", "waveform"):  # a coefficient is a sum over all rows
        np.testing.assert_allclose(levels, expected, atol=0.02 if config.kind == "mfcc" else 1e-5)
    else:
        amplitudes, expected_amplitudes = amplitudes_of(levels), amplitudes_of(expected)
        np.testing.assert_allclose(amplitudes, expected_amplitudes, rtol=1e-3, atol=ROUNDING)
    normalised = in_torch(samples, RATE).numpy()
    np.testing.assert_allclose(in_numpy(samples.numpy(), RATE), normalised, atol=0.05)


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(44100, 22050), (44100, 16000), (8000, 22050), (48000, 44100)]
)
def test_resampling_equals_that_of_torchaudio(from_rate: int, to_rate: int) -> None:
    """Resampled waveforms are within 1e-5, and equally long."""
    samples = music(2, seconds=0.31, rate=from_rate)
    expected = torchaudio.functional.resample(samples, from_rate, to_rate).numpy()
    np.testing.assert_allclose(resample(samples.numpy(), from_rate, to_rate), expected, atol=1e-5)


def test_running_statistics_normalise_rows() -> None:
    """The stored statistics of training standardise levels as in torch."""
    config = small(normalisation="running")
    front_end = build_front_end(config)
    front_end(music(2, seed=3), RATE)
    front_end.eval()
    learnt = front_end.normalisation
    assert isinstance(learnt, RunningNormalisation)
    statistics = RowStatistics(learnt.mean.numpy(), learnt.variance.numpy())
    samples = music(2)
    expected = front_end(samples, RATE).numpy()
    given_levels = build_array_front_end(config, statistics)(samples.numpy(), RATE)
    np.testing.assert_allclose(given_levels, expected, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_the_same_in_both(kind: str) -> None:
    """Digital silence gives the lowest levels, and no division by zero."""
    silence = np.zeros((1, RATE), dtype=np.float32)
    expected = build_front_end(small(kind))(torch.from_numpy(silence), RATE).numpy()
    np.testing.assert_allclose(
        build_array_front_end(small(kind))(silence, RATE), expected, atol=1e-6
    )


@pytest.mark.parametrize("change", [{"fft_size": 7}, {"floor_db": 1.0}, {"n_bins": 0}])
def test_impossible_settings_are_refused_by_both(change: dict[str, Any]) -> None:
    """Both check their settings in the same way."""
    config = small(**change)
    with pytest.raises(Exception) as in_torch:
        build_front_end(config)
    with pytest.raises(type(in_torch.value)) as in_numpy:
        build_array_front_end(config)
    assert str(in_numpy.value) == str(in_torch.value)
