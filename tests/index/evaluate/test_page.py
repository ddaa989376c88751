"""The charts of an evaluation's page can be read."""

import re

import numpy as np
import pytest

from index.evaluate.charts import LABEL_WIDTH, counted, interval_bars, shortened
from index.evaluate.evaluation import evaluate
from index.evaluate.page import MOST_TAGS, page_of
from index.evaluate.settings import EvaluationSettings
from tests.index.evaluation_sets import dataset_of

UNKNOWN = (float("nan"), float("nan"))


def place_of(number: str, chart: str) -> float:
    """Where a number is written, in pixels from the left."""
    match = re.search(rf'x="([\d.]+)" y="[\d.]+">{number}<', chart)
    assert match is not None
    return float(match[1])


@pytest.mark.parametrize(
    ("interval", "mark"), [((0.02, 0.3), None), (UNKNOWN, 0.05), (UNKNOWN, 0.0)]
)
def test_no_line_or_ring_hides_a_number(interval: tuple[float, float], mark: float | None) -> None:
    """The number stands behind bar, line and ring where one would run through it."""
    plain = interval_bars(["a"], [0.25], [(0.2, 0.3)], title="plain")
    crowded = interval_bars(["a"], [0.25], [interval], marks=[mark], title="crowded")
    end_of_bar = LABEL_WIDTH + 0.25 * 430
    assert place_of("0.250", plain) < end_of_bar
    assert place_of("0.250", crowded) > end_of_bar


def test_long_labels_are_cut_and_keep_their_count() -> None:
    """Letters that are wide take more room, and nothing is written left of the picture."""
    assert shortened("rock", 100) == "rock"
    assert len(shortened("b" * 60, 100)) == 13
    assert len(shortened("\N{KATAKANA LETTER ZI}" * 60, 100)) == 7
    assert counted("b" * 60, 12345).endswith("\N{HORIZONTAL ELLIPSIS} (12345)")
    assert counted("rock", 3) == "rock (3)"


def test_the_chart_of_many_tags_shows_the_frequent_ones() -> None:
    """The best of all would be those that a single track has."""
    generator = np.random.default_rng(0)
    n_tracks = 120
    labels = [("often", f"rare {i:03d}") if i % 2 else (f"rare {i:03d}",) for i in range(n_tracks)]
    dataset = dataset_of(labels, [""] * n_tracks, generator.standard_normal((n_tracks, 4)))
    page = page_of(evaluate(dataset, ["given"], settings=EvaluationSettings(k=3)))
    assert f"{MOST_TAGS} most frequent of {n_tracks + 1}" in page
    assert ">often (60)<" in page
