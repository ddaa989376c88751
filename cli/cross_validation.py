"""The cross-validation of a training run on the terminal: confusion, and the wrong tracks."""

from typing import TYPE_CHECKING

from cli.options import Globals
from cli.output import emit, emit_text

if TYPE_CHECKING:
    from embedder.training.folder.run_folder import TrainingResult

MAX_LABELS = 12
"""Wider tables do not fit; report.html has them."""
MAX_WRONG = 10


def show_cross_validation(settings: Globals, result: "TrainingResult") -> None:
    """Print it for a person; the machine forms have it as the field `cross_validation`."""
    facts = result.cross_validation
    if not facts:
        return
    wrong, names = facts["wrong"], facts["labels"]
    n_tracks = facts["n_tracks"]
    emit_text(
        settings,
        f"\nCross-validation: {n_tracks - len(wrong)} of {n_tracks} tracks are right, each held "
        f"out once ({facts['n_folds']} folds by {facts['apart_by']})",
    )
    if len(names) <= MAX_LABELS:
        rows = [
            {"label": name, **dict(zip(names, counts, strict=True))}
            for name, counts in zip(names, facts["confusion"], strict=True)
        ]
        emit(settings, rows=rows, columns=("label", *names))
    for track in wrong[:MAX_WRONG]:
        emit_text(
            settings,
            f"wrong: {track['track']}: {track['answer']} ({track['probability']:.2f}), "
            f"not {track['label']}",
        )
    if len(wrong) > MAX_WRONG:
        emit_text(settings, f"and {len(wrong) - MAX_WRONG} more: see report.html")
