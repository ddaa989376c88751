"""The test side of a run: measured once, after training, with the best model."""

import dataclasses
import logging
from functools import cache

import torch

from embedder.datasets.records import SIDES
from embedder.training.folder.run_folder import TEST_TAG_FILES, TrainingResult
from embedder.training.heads import saved_head_scores
from embedder.training.report.tag_report import write_tag_report
from embedder.training.run import TrainingRun

_logger = logging.getLogger(__name__)


def with_test_side(run: TrainingRun, result: TrainingResult) -> TrainingResult:
    """The result with the tracks of each side and, if the settings say so, the test scores."""
    counts = {side: len(run.dataset.positions(side)) for side in SIDES}
    result = dataclasses.replace(
        result, n_tracks={side: count for side, count in counts.items() if count}
    )
    if not run.config.stopping.measure_test:
        return result
    if not counts["test"]:
        _warn_of_no_test_side(run.dataset.root.name)
        return result
    held_out = dataclasses.replace(
        run.held_out,
        queries=run.dataset.positions("test"),
        references=run.dataset.positions("train"),
        device=torch.device("cpu"),
    )
    network = run.start.load(run.folder / "best")
    measured = held_out.measure(network, run.start.front_end.cpu())
    if measured.tags is not None:
        write_tag_report(run.folder, run.known.tag_names, measured.tags, names=TEST_TAG_FILES)
    scores = {name: score for name, score in measured.scores.items() if name != "score"}
    if measured.encoded is not None:
        scores |= saved_head_scores(run.folder / "best", run.known, measured.encoded[0])
    return dataclasses.replace(result, test=scores)


@cache
def _warn_of_no_test_side(name: str) -> None:
    """Once for all runs of a learning curve."""
    _logger.warning("%s: no test side, so stopping.measure_test measures nothing", name)
