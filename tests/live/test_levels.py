"""Levels in decibels, and where sound begins and ends."""

import numpy as np
import pytest

from soundalike.live.levels import LOWEST_DB, audible_part, level_db, part_levels, widened
from tests.live.sounds import RATE, noise


def test_a_sine_at_full_scale_has_minus_three_decibels() -> None:
    """The level is that of the root mean square; silence has the lowest."""
    sine = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE).astype(np.float32)
    assert level_db(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_db(np.zeros(10, dtype=np.float32)) == LOWEST_DB


def test_the_last_part_counts_only_its_own_samples() -> None:
    """A shorter last part is no quieter than the others."""
    levels = part_levels(np.full(250, 0.5, dtype=np.float32), RATE)
    np.testing.assert_allclose(levels, -6.02, atol=0.01)
    assert len(levels) == 2


def test_silence_at_both_ends_is_cut() -> None:
    """The audible part reaches a little beyond the sound; silence inside it stays."""
    samples = np.zeros(2 * RATE, dtype=np.float32)
    samples[4000:4800], samples[8000:8800] = noise(0.1), noise(0.1)
    part = audible_part(samples, RATE, silence_db=-60)
    assert part is not None
    assert 4000 - 0.06 * RATE <= part.start <= 4000 - 0.03 * RATE
    assert 8800 + 0.03 * RATE <= part.stop <= 8800 + 0.06 * RATE
    assert audible_part(samples * 1e-4, RATE, silence_db=-60) is None


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (slice(50, 60), slice(40, 60)),
        (slice(5, 10), slice(0, 20)),
        (slice(0, 30), slice(0, 30)),
        (slice(95, 100), slice(80, 100)),
    ],
)
def test_a_part_is_widened_to_its_left_first(part: slice, expected: slice) -> None:
    """It has at least 20 samples of the 100, and never loses one."""
    assert widened(part, 20, n_samples=100) == expected
