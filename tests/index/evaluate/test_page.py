"""The charts of an evaluation's page can be read."""

import re

import numpy as np
import pytest

from index.evaluate.charts import heat_table, interval_bars
from index.evaluate.evaluation import evaluate
from index.evaluate.page import MOST_TAGS, page_of
from index.evaluate.settings import EvaluationSettings
from tests.index.evaluation_sets import dataset_of

UNKNOWN = (float("nan"), float("nan"))


def place_of(kind: str, chart: str) -> float:
    """Where the left edge of a part of a bar is, in percent."""
    match = re.search(rf'class="{kind}" style="left:([\d.]+)%', chart)
    assert match is not None
    return float(match[1])


@pytest.mark.parametrize(
    ("interval", "mark"), [((0.02, 0.3), None), (UNKNOWN, 0.75), (UNKNOWN, 0.0)]
)
def test_no_line_or_ring_hides_a_number(interval: tuple[float, float], mark: float | None) -> None:
    """The number stands to the right of bar, line and ring."""
    chart = interval_bars(["a"], [0.25], [interval], marks=[mark], title="crowded")
    drawn = [x for x in (0.25, *interval, mark) if x is not None and not np.isnan(x)]
    assert place_of("value", chart) == pytest.approx(100 * max(drawn))
    assert ">0.250<" in chart


def test_text_on_the_fullest_cell_can_be_read() -> None:
    """A cell of all tracks has little more than half of the colour; an empty one has none."""
    chart = heat_table(["a", "b"], np.array([[4, 0], [2, 2]]), title="confusion")
    assert chart.count("--share:55%") == 1
    assert chart.count("--share:0%") == 1
    assert chart.count("--share:28%") == 2


def test_the_chart_of_many_tags_shows_the_frequent_ones() -> None:
    """The best of all would be those that a single track has."""
    generator = np.random.default_rng(0)
    n_tracks = 120
    labels = [("often", f"rare {i:03d}") if i % 2 else (f"rare {i:03d}",) for i in range(n_tracks)]
    dataset = dataset_of(labels, [""] * n_tracks, generator.standard_normal((n_tracks, 4)))
    page = page_of(evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, n_draws=20)))
    assert f"{MOST_TAGS} most frequent of {n_tracks + 1}" in page
    assert ">often (60)<" in page
