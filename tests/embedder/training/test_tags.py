"""Runs with a tagging head: it learns, is measured for each tag, and is saved."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import TrainingConfig
from embedder.metrics.tagging import TagScores, tag_scores
from embedder.models.card import read_card
from embedder.models.heads import HEAD_NAME, read_tag_head
from embedder.training.report.tag_report import (
    draw_tags,
    ranked_tags,
    tag_section,
    write_tag_report,
)
from embedder.training.run import TrainingRun
from embedder.training.train import open_run
from embedder.training.validation import encode_excerpts
from tests.embedder.rich_sets import TAGS, write_rich_set
from tests.embedder.small_sets import small_config


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_set(tmp_path_factory.mktemp("set"))


def tagging_config(epochs: int = 12, **dataset: object) -> TrainingConfig:
    """A configuration with tags alone."""
    config = small_config(epochs=epochs)
    return dataclasses.replace(
        config,
        dataset=DatasetConfig(**{"label_field": "", "tag_field": "tag", **dataset}),  # type: ignore[arg-type]  # plain words
        objectives=(ObjectiveConfig(kind="tagging"),),
        sampler=SamplerConfig(kind="plain", batch_size=16),
        optimiser=dataclasses.replace(config.optimiser, head_learning_rate_factor=5.0),
    )


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    run = open_run(data, tagging_config(), tmp_path_factory.mktemp("run"))
    run.run()
    return run


def test_tags_of_held_out_tracks_are_learnt(finished: TrainingRun) -> None:
    """Scores are well above chance: a ROC-AUC of 0.5 and a PR-AUC of a third."""
    assert finished.measured is not None
    assert finished.measured.scores["roc_auc"] >= 0.7
    assert finished.measured.scores["pr_auc"] >= 0.5


def test_the_best_is_chosen_by_the_tags(finished: TrainingRun) -> None:
    """The score of an epoch is its macro PR-AUC, and the best epoch has the highest."""
    history = finished.loop.state.history
    assert all(record["score"] == record["pr_auc"] for record in history)
    best = max(history, key=lambda record: record["score"])
    assert finished.loop.state.best_epoch == best["epoch"]
    assert "accuracy" not in best  # no labels, no vote


def test_the_head_of_the_best_epoch_is_kept(finished: TrainingRun) -> None:
    """The saved model and head give the measured scores."""
    folder = finished.folder / "best"
    head = read_tag_head(folder, read_card(folder))
    assert head.labels == tuple(sorted(TAGS))
    rows = finished.dataset.positions("validation")
    owners, outputs = encode_excerpts(
        finished.source,
        rows,
        finished.start.load(folder),
        finished.start.front_end,
        device=finished.fabric.device,
    )
    assert list(owners) == list(rows)  # one excerpt a track
    tags = finished.known.tags
    assert tags is not None
    scores = tag_scores(head.probabilities(outputs.numpy()), tags[rows])
    assert finished.measured is not None
    assert scores.macro_pr_auc == pytest.approx(finished.measured.scores["pr_auc"])
    assert read_card(folder).scores["pr_auc"] == pytest.approx(scores.macro_pr_auc, abs=1e-4)


def test_a_run_writes_a_line_and_a_bar_a_tag(finished: TrainingRun) -> None:
    """`tags.csv` has both scores of every tag, `tags.png` is a picture, and a page shows both."""
    with (finished.folder / "tags.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["tag"] for row in rows} == set(TAGS)
    assert [float(row["pr_auc"]) for row in rows] == sorted(
        (float(row["pr_auc"]) for row in rows), reverse=True
    )
    assert (finished.folder / "tags.png").read_bytes().startswith(b"\x89PNG")
    page = tag_section(finished.folder)
    assert all(f"<td>{tag}</td>" in page for tag in TAGS)


def test_only_the_most_frequent_tags_are_trained(data: Path, tmp_path: Path) -> None:
    """The head has the `dataset.n_tags` most frequent tags and no others."""
    (tmp_path / "run").mkdir()
    run = open_run(data, tagging_config(epochs=1, n_tags=3), tmp_path / "run")
    run.run()
    assert len(read_card(tmp_path / "run" / "last").tag_head.tags) == 3


def test_a_run_without_tagging_has_no_head(data: Path, tmp_path: Path) -> None:
    """Neither card nor folder has one."""
    (tmp_path / "run").mkdir()
    open_run(data, small_config(epochs=1), tmp_path / "run").run()
    assert read_card(tmp_path / "run" / "best").tag_head.tags == ()
    assert not (tmp_path / "run" / "best" / HEAD_NAME).exists()
    assert tag_section(tmp_path / "run") == ""


def test_labels_decide_where_tagging_comes_second(data: Path, tmp_path: Path) -> None:
    """In a multi-task run the first objective decides which score counts."""
    config = tagging_config(epochs=1, label_field="genre")
    objectives = (ObjectiveConfig(kind="softmax"), ObjectiveConfig(kind="tagging"))
    (tmp_path / "run").mkdir()
    result = open_run(
        data, dataclasses.replace(config, objectives=objectives), tmp_path / "run"
    ).run()
    assert result.scores["score"] == result.scores["map"]
    assert "pr_auc" in result.scores


def scores_of(pr_auc: list[float]) -> TagScores:
    values = np.array(pr_auc)
    return TagScores(values, values / 2 + 0.5, 0.0, 0.0, len(values))


def test_tags_without_scores_are_left_out() -> None:
    """A tag that no held-out track has is not in the chart."""
    rows = ranked_tags(("a", "b", "c"), scores_of([0.2, float("nan"), 0.9]))
    assert [row[0] for row in rows] == ["c", "a"]
    assert draw_tags(rows).startswith(b"\x89PNG")


def test_a_tag_cannot_break_the_page(tmp_path: Path) -> None:
    """Names are escaped, and a dollar sign is not a formula."""
    write_tag_report(tmp_path, ("<b>$x^$", "50 % off"), scores_of([0.5, 0.4]))
    page = tag_section(tmp_path)
    assert "&lt;b&gt;$x^$" in page
    assert "<b>$" not in page
