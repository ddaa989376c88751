"""The soak of `make soak`, for half a minute."""

import pytest

from tests.faults.soak import MOST_GROWTH_BYTES, MOST_NEW_HANDLES, soak

SECONDS = 30.0


@pytest.mark.slow
def test_random_use_gives_right_answers_and_keeps_memory_flat() -> None:
    """Whatever is done to music, library and server, answers are those of a loop over all files."""
    report = soak(seconds=SECONDS, seed=7)
    assert {"index", "search", "served"} <= set(report.steps)
    assert report.growth_bytes < MOST_GROWTH_BYTES
    assert report.new_handles <= MOST_NEW_HANDLES
