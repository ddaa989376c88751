"""Ablations: every cell is trained once, and the table has the runs' scores."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from embedder.errors import ConfigError
from embedder.training.grid.cells import Cell
from embedder.training.grid.grid import read_grid, run_grid
from embedder.training.grid.grid_table import best_first, grid_row, seed_mean
from embedder.training.train import MakeObservers
from tests.embedder.small_sets import small_config

GRID = """
seeds = [0, 1]

[grid]
"objectives.0.kind" = ["triplet", "softmax"]

[[variant]]
name = "as it is"
set = []
"""


def cells_of(tmp_path: Path, text: str, data: Path) -> list[Cell]:
    path = tmp_path / "grid.toml"
    path.write_text(text)
    return read_grid(path, small_config(epochs=1), tmp_path / "out", data=data)


def test_a_grid_ends_in_one_table_and_is_not_trained_twice(data: Path, tmp_path: Path) -> None:
    """Four cells give two rows with means over seeds; another call trains only new cells."""
    cells = cells_of(tmp_path, GRID, data)
    assert [(cell.variant, cell.seed) for cell in cells] == [
        ("as it is, kind=triplet", 0),
        ("as it is, kind=triplet", 1),
        ("as it is, kind=softmax", 0),
        ("as it is, kind=softmax", 1),
    ]
    trained: list[str] = []

    def remember(cell: Cell, number: int) -> MakeObservers:
        trained.append(cell.folder.name)
        return lambda _: []

    result = run_grid(data, cells, tmp_path / "out", on_cell=remember)
    assert len(trained) == 4
    assert (result.n_cells, result.n_left) == (4, 0)
    with (tmp_path / "out" / "grid.csv").open(newline="") as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    for variant in ("as it is, kind=triplet", "as it is, kind=softmax"):
        results = [cell.folder / "run.json" for cell in cells if cell.variant == variant]
        scores = [json.loads(path.read_text())["scores"]["map"] for path in results]
        assert float(rows[variant]["map"]) == pytest.approx(np.mean(scores), rel=1e-5)
        assert rows[variant]["seeds"] == "2"
    assert "| as it is, kind=softmax | 2 |" in (tmp_path / "out" / "grid.md").read_text()
    assert "as it is, kind=triplet" in (tmp_path / "out" / "grid.html").read_text()
    more = cells_of(tmp_path, GRID.replace("[0, 1]", "[0, 1, 2]").replace(', "softmax"', ""), data)
    run_grid(data, more, tmp_path / "out", on_cell=remember)
    assert trained[4:] == [more[2].folder.name]


def test_a_run_that_diverges_does_not_end_the_grid(data: Path, tmp_path: Path) -> None:
    """It is counted in its row and not tried again."""
    text = """
    [[variant]]
    name = "absurd"
    set = ["optimiser.learning_rate=1e30", "optimiser.kind=sgd", "loop.gradient_clip=0.0",
           "objectives.0.kind=softmax", "loop.epochs=9"]
    [[variant]]
    name = "sane"
    set = []
    """
    cells = cells_of(tmp_path, text, data)
    result = run_grid(data, cells, tmp_path / "out")
    assert [(row.variant, row.n_seeds, row.n_failed) for row in result.rows] == [
        ("absurd", 0, 1),
        ("sane", 1, 0),
    ]
    assert result.n_left == 0
    assert "1 diverged" in (tmp_path / "out" / "grid.md").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = [1]", "unknown 'seed'"),
        ("seeds = ['a']", "expected whole numbers"),
        ("[grid]\n'loop.epochs' = 3", "give a list"),
        ("[[variant]]\nset = []", "has a name"),
        ("[grid]\n'loop.epoch' = [3]", "Did you mean epochs"),
        ("[[variant]]\nname='a'\n[[variant]]\nname='a'", "have the same name"),
        ("[grid]\n'objectives.1.kind' = ['softmax']", "there are 1 of them"),
    ],
)
def test_a_bad_grid_is_refused_before_anything_is_trained(
    data: Path, tmp_path: Path, text: str, message: str
) -> None:
    """The message names the mistake."""
    with pytest.raises(ConfigError, match=message):
        cells_of(tmp_path, text, data)


def test_intervals_are_student_s() -> None:
    """They equal scipy's; a single seed has none."""
    values = [0.5, 0.6, 0.64]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    interval = seed_mean(values)
    assert interval.half_width is not None
    assert (
        interval.mean - interval.half_width,
        interval.mean + interval.half_width,
    ) == pytest.approx((low, high))
    assert seed_mean([0.5]).half_width is None


def test_test_scores_stand_beside_those_that_rank() -> None:
    """The validation side ranks the variants; the test side has columns of its own."""
    runs = {"good": (0.8, 0.5), "better on the test side": (0.7, 0.6)}
    rows = [
        grid_row(
            name,
            [{"scores": {"map": valid}, "test": {"map": test}, "seconds": 1.0}],
            n_failed=0,
        )
        for name, (valid, test) in runs.items()
    ]
    ranked = best_first(rows)
    assert [row.variant for row in ranked] == list(runs)
    shown = {name: score.mean for name, score in ranked[0].scores.items()}
    assert shown == {"map": 0.8, "test_map": 0.5}
    unmeasured = grid_row("old", [{"scores": {"map": 0.1}, "seconds": 1.0}], n_failed=0)
    assert list(unmeasured.scores) == ["map"]
