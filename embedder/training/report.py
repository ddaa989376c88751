"""The page at the end of a run."""

from embedder.training.run import TrainingRun
from embedder.training.run_folder import TrainingResult


def write_report(run: TrainingRun, result: TrainingResult) -> None:
    """Nothing yet."""
