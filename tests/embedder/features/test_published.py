"""The presets against published pictures, if the data folder exists."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.front_ends import MAX_DIFFERENCE, MAX_ROW_CHANGE, compare, row_changes

DATA = Path(
    os.environ.get("SOUNDALIKE_DATA") or Path(__file__).parents[3].parent / "shared" / "data"
)


def folders(*names: str) -> tuple[Path, ...]:
    """The folders of the data; skips if one is missing."""
    paths = tuple(DATA / name for name in names)
    absent = [str(path) for path in paths if not path.is_dir()]
    if absent:
        pytest.skip(f"no {', '.join(absent)}; set SOUNDALIKE_DATA to the folder above")
    return paths


def test_fma_mel_is_within_half_a_step_of_every_picture() -> None:
    """Mean absolute difference at most 0.5 of 255, for each clip."""
    clips, pictures = folders("fma-clips", "fma-small")
    differences = {c.name: c.difference for c in compare(clips, pictures, preset="fma-mel")}
    assert len(differences) >= 20
    assert max(differences.values()) <= MAX_DIFFERENCE


def test_gtzan_log_has_the_statistics_of_the_pictures_and_their_pixels() -> None:
    """Mean and deviation of each row within 10 %, and a correlation above 0.99.

    Two clips are other recordings than their pictures; they correlate by less than 0.2.
    """
    clips, pictures = folders("gtzan-clips", "gtzan-spectrograms")
    comparisons = list(compare(clips, pictures, preset="gtzan-log"))
    same = [c for c in comparisons if c.correlation > 0.5]
    assert len(same) >= 17
    assert min(c.correlation for c in same) > 0.99
    assert np.median([c.difference for c in same]) < 0.5
    for changes in row_changes(same):
        assert changes.max() <= MAX_ROW_CHANGE
