"""The record of a run: the log is complete after a resume, and the report has its parts."""

import csv
import dataclasses
import html.parser
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from embedder.config.training import TrainingConfig
from embedder.training.folder.record import log_table
from embedder.training.report.advice import RunFacts, what_to_try
from embedder.training.report.charts import histogram_chart, line_chart, ticks
from embedder.training.train import train
from tests.embedder.small_sets import small_config


def epochs_in(folder: Path) -> list[int]:
    with (folder / "log.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def test_the_log_has_each_epoch_once_after_a_resume(data: Path, tmp_path: Path) -> None:
    """A run that was stopped in its second epoch and resumed has each epoch once."""

    class Stop:
        def after_step(self, step: int, *_: object) -> None:
            if step == 6:
                raise KeyboardInterrupt

        def after_epoch(self, record: dict[str, Any]) -> None:
            """Nothing to do."""

    folder = tmp_path / "run"
    config = small_config(epochs=3)
    with pytest.raises(KeyboardInterrupt):
        train(data, config, folder, make_observers=lambda _: [Stop()])
    (folder / "log.csv").write_text("epoch\n1\n1\n7\n")  # whatever stood there
    result = train(data, config, folder, resume=True)
    assert epochs_in(folder) == [1, 2, 3]
    assert (folder / "log.csv").read_text() == log_table(list(result.history))
    events = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in events.Scalars("held-out/accuracy")] == [4, 8, 12]


class Reader(html.parser.HTMLParser):
    """Checks that HTML tags are closed in order; collects headings and external resources."""

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.headings: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Such a tag needs no end tag."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, text: str) -> None:
        if self.open_tags and self.open_tags[-1] == "h2":
            self.headings.append(text)


@pytest.mark.usefixtures("drawing")
def test_the_report_is_one_complete_page(data: Path, tmp_path: Path) -> None:
    """It loads nothing, its tags match, and it has labels, neighbours and advice."""
    train(data, small_config(epochs=2), tmp_path / "<run> & co")
    page = (tmp_path / "<run> & co" / "report.html").read_text()
    reader = Reader()
    reader.feed(page)
    assert reader.open_tags == []
    assert reader.loads == []
    assert len(page) < 1_000_000
    assert reader.headings == [
        "What to try next",
        "Curves",
        "Confusion on held-out tracks",
        "Neighbours of held-out tracks",
        "The doctor",
        "Data",
    ]
    assert "jazz artist 2" in page
    assert "&lt;run&gt; &amp; co" in page
    assert "<run>" not in page
    assert (tmp_path / "<run> & co" / "curves.png").read_bytes().startswith(b"\x89PNG")


def facts(**changes: object) -> RunFacts:
    """The facts of a good run with two labels."""
    good = RunFacts(
        config=TrainingConfig(),
        history=[{"active_share": 0.1, "score": 0.95}],
        notes=(),
        accuracy=0.95,
        n_queries=200,
        labels=("folk", "rock"),
        tracks_of_label={"folk": 90, "rock": 80},
        confusion=np.array([[95, 5], [5, 95]]),
    )
    return dataclasses.replace(good, **changes)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Nothing stands out"),
        ({"notes": ("step 3: …",)}, "The doctor gave a warning"),
        ({"tracks_of_label": {"folk": 3, "rock": 80}}, r"Few training tracks of folk \(3\)"),
        ({"n_queries": 0, "accuracy": float("nan")}, "Nothing was held out"),
        ({"n_queries": 20}, "Only 20 tracks were held out"),
        ({"history": [{"active_share": 0.001}], "accuracy": 0.5}, "more augmentation"),
        ({"history": [{"active_share": 0.8}], "accuracy": 0.5}, "does not even separate"),
        ({"history": [{"score": s / 10} for s in range(8)], "accuracy": 0.7}, "still rising"),
        (
            {"confusion": np.array([[50, 50], [5, 95]]), "accuracy": 0.7},
            "folk is most often mistaken for rock",
        ),
    ],
)
def test_advice_follows_from_the_numbers(changes: dict[str, object], expected: str) -> None:
    """Each rule gives its advice for its numbers, and none for a good run."""
    advice = what_to_try(facts(**changes))
    assert any(re.search(expected, text) for text in advice), advice
    if not changes:
        assert len(advice) == 1


def test_charts_hold_any_numbers() -> None:
    """Constant, empty and single values give a chart; names are escaped."""
    assert "not measured" in line_chart("nothing", {"a": []})
    for points in ([(1.0, 0.0)], [(1.0, 5.0), (2.0, 5.0)], [(1.0, -3.0), (9.0, 1e-9)]):
        assert "nan" not in line_chart("<x>", {"<a>": points, "b": points})
        assert "<x>" not in line_chart("<x>", {"<a>": points})
    assert "<rect" not in histogram_chart("none", {"a": [0, 0]}, reach=1.0)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.0003), (1, 2), (1, 60), (-5, 1234)])
def test_ticks_are_few_and_within(low: float, high: float) -> None:
    """There are two to seven round numbers within the range."""
    values = ticks(low, high)
    assert 2 <= len(values) <= 7
    assert low - 1e-9 <= values[0] <= values[-1] <= high + 1e-9
