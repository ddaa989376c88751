"""Folds and learning curves: what is trained, measured, drawn and kept."""

import csv
import json
import statistics
from pathlib import Path

import pytest

from embedder.errors import ConfigError
from embedder.training.grid.cells import Cell
from embedder.training.grid.curve import curve_cells, parse_numbers, run_curve
from embedder.training.grid.folds import fold_cells, run_folds
from embedder.training.train import MakeObservers
from tests.embedder.small_sets import small_config, write_array_set


def test_folds_stop_and_go_on_with_the_finished_ones_kept(data: Path, tmp_path: Path) -> None:
    """Every track is measured once, in the fold that holds it out; a finished fold stays."""
    folder = tmp_path / "folds"

    def stop_at_the_second(cell: Cell, number: int) -> MakeObservers:
        if number == 1:
            raise KeyboardInterrupt
        return lambda _: []

    with pytest.raises(KeyboardInterrupt):
        cells = fold_cells(small_config(epochs=1), folder, n_folds=2, data=data)
        run_folds(data, cells, folder, on_cell=stop_at_the_second)
    first = (folder / "fold-0" / "run.json").stat().st_mtime_ns
    cells = fold_cells(small_config(epochs=1), folder, n_folds=2, data=data)
    result = run_folds(data, cells, folder)
    assert (folder / "fold-0" / "run.json").stat().st_mtime_ns == first
    assert (result.n_left, sum(row.n_tracks for row in result.folds)) == (0, 96)
    scores = [
        json.loads((folder / f"fold-{fold}" / "run.json").read_text())["test"]["map"]
        for fold in (0, 1)
    ]
    assert result.mean["map"] == pytest.approx(statistics.mean(scores))
    assert result.deviation["map"] == pytest.approx(statistics.stdev(scores))
    with (folder / "folds.csv").open(newline="") as file:
        assert [row["fold"] for row in csv.DictReader(file)] == ["0", "1", "mean", "deviation"]
    with pytest.raises(ConfigError, match="folds of other settings"):
        fold_cells(small_config(epochs=2), folder, n_folds=2, data=data)


def test_a_learning_curve_grows_by_numbers(data: Path, tmp_path: Path) -> None:
    """Each number has its tracks and scores; another call trains only new numbers."""
    folder = tmp_path / "curve"
    trained: list[str] = []

    def remember(cell: Cell, number: int) -> MakeObservers:
        trained.append(f"{cell.variant} {cell.seed}")
        return lambda _: []

    for numbers in ((2,), (2, 0)):
        cells = curve_cells(small_config(epochs=1), folder, numbers=numbers, n_seeds=1, data=data)
        result = run_curve(data, cells, folder, on_cell=remember)
    assert trained == ["2 a label 0", "all a label 0"]
    assert [(point.per_label, point.n_tracks) for point in result.points] == [(2, 8), (0, 64)]
    assert {point.side for point in result.points} == {"validation"}  # the set has no test side
    with (folder / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["per_label"], row["seeds"]) for row in rows] == [("2", "1"), ("all", "1")]
    assert float(rows[0]["map"]) == pytest.approx(result.points[0].scores["map"].mean, rel=1e-5)
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "curve.svg").read_text()


def test_a_curve_measures_the_test_side(tmp_path: Path) -> None:
    """With a test side, its tracks are measured, and not those that chose the best epoch."""
    data = write_array_set(tmp_path / "set", tracks_per_genre=12)
    table = (data / "tracks.csv").read_text()
    (data / "tracks.csv").write_text(table.replace("validation", "test"))
    cells = curve_cells(
        small_config(epochs=1), tmp_path / "out", numbers=(2,), n_seeds=1, data=data
    )
    result = run_curve(data, cells, tmp_path / "out")
    content = json.loads((cells[0].folder / "run.json").read_text())
    assert content["n_tracks"]["test"] == 16
    assert result.points[0].side == "test"
    assert result.points[0].scores["map"].mean == content["test"]["map"]
    assert result.points[0].scores["head_accuracy"].mean == content["test"]["head_accuracy"]


def test_numbers_of_a_curve_are_sorted_with_all_last() -> None:
    """Repeats count once; anything else is refused."""
    assert parse_numbers("all, 10,5,10") == (5, 10, 0)
    for text in ("", "5,-1", "0", "five"):
        with pytest.raises(ConfigError, match="give numbers of tracks"):
            parse_numbers(text)
