"""Another sample rate by matrix products: the samples that libswresample gives."""

import numpy as np
import pytest

from embedder.audio import polyphase
from embedder.audio.polyphase import converted
from embedder.audio.resampling import margin_samples, resampled

PAIRS = (
    (44100, 16000),
    (44100, 22050),
    (48000, 44100),
    (16000, 44100),
    (192000, 16000),
    (37000, 16000),
)


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS, ids=str)
def test_the_samples_are_those_of_libswresample(from_rate: int, to_rate: int) -> None:
    """Apart from the margin at both ends, they differ by the rounding of 32 bits."""
    samples = np.random.default_rng(1).uniform(-1, 1, 2 * from_rate + 7).astype(np.float32)
    expected = resampled(samples, from_rate=from_rate, to_rate=to_rate)
    result = converted(samples, from_rate=from_rate, to_rate=to_rate)
    assert len(result) == len(expected)
    margin = margin_samples(from_rate=from_rate, to_rate=to_rate) * to_rate // from_rate
    inner = slice(margin, len(expected) - margin)
    assert result[inner] == pytest.approx(expected[inner], abs=2e-6)


@pytest.mark.parametrize("n_samples", [0, 1, 100, 441, 442])
def test_a_short_sound(n_samples: int) -> None:
    """Fewer samples than a filter or a period are surrounded by silence."""
    ones = np.ones(n_samples, dtype=np.float32)
    result = converted(ones, from_rate=44100, to_rate=16000)
    padded = np.pad(ones, (4410, 4410))
    expected = resampled(padded, from_rate=44100, to_rate=16000)[1600 : 1600 + len(result)]
    assert len(result) == round(n_samples * 16000 / 44100)
    assert result == pytest.approx(expected, abs=2e-6)


def test_the_same_rate_changes_nothing() -> None:
    """The samples are given back as they are."""
    samples = np.ones(10, dtype=np.float32)
    assert converted(samples, from_rate=8000, to_rate=8000) is samples


def test_odd_rates_are_left_to_libswresample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates with a long common period would need many weights."""
    monkeypatch.setattr(polyphase, "_weights", None)
    samples = np.ones(1000, dtype=np.float32)
    expected = resampled(samples, from_rate=44101, to_rate=16000)
    assert np.array_equal(converted(samples, from_rate=44101, to_rate=16000), expected)
