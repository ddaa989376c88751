"""Votes and tag changes as rows of tables, and votes as CSV. Pure: it writes nothing."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from soundalike.documents import Json

if TYPE_CHECKING:
    from index.labels.files.writing import TagChange
    from index.labels.results import LabelReport, LabelVote
    from index.vectors.usual_nearest import Closeness

VOTE_COLUMNS = ("label", "probability", "then", "voters", "nearest", "title", "artist", "path")
PROBABILITY_COLUMNS = ("label", "probability", "voters")
VOTER_COLUMNS = ("rank", "labels", "weight", "score", "title", "artist", "path")
CHANGE_COLUMNS = ("path", "field", "old", "new", "action", "reason")
PLAN_COLUMNS = ("path", "field", "old", "new", "probability", "action", "reason")
N_SHOWN = 12
LEAST_SHOWN = 0.001
CSV_COLUMNS = ("id", "path", "title", "artist", "album", "field", "label", "probability", "reason")


def vote_rows(votes: Sequence["LabelVote"]) -> list[dict[str, Json]]:
    """A row a track: its label, the next labels, and how many neighbours voted for each."""
    return [
        {
            "label": "; ".join(vote.labels) or "(none)",
            "probability": vote.probability,
            "then": _listed(dict(list(vote.probabilities.items())[1:4])),
            "voters": ", ".join(f"{n} {label}" for label, n in _n_voters(vote).most_common(3)),
            "nearest": vote.closeness.word.partition(":")[0] if vote.closeness else None,
            "title": vote.track.title,
            "artist": vote.track.artist,
            "path": vote.track.path,
        }
        for vote in votes
    ]


def probability_rows(vote: "LabelVote") -> list[dict[str, Json]]:
    """A row a label: the most probable labels of one track."""
    counts = _n_voters(vote)
    return [
        {"label": label, "probability": _rounded(chance), "voters": counts[label]}
        for label, chance in list(vote.probabilities.items())[:N_SHOWN]
    ]


def change_rows(changes: Sequence["TagChange"]) -> list[dict[str, Json]]:
    """A row a file: its old and new labels."""
    return [
        {
            "path": change.path,
            "field": change.field,
            "old": "; ".join(change.old),
            "new": "; ".join(change.new),
            "probability": None if change.probability is None else _rounded(change.probability),
            "action": change.action,
            "reason": change.reason,
        }
        for change in changes
    ]


def closeness_line(closeness: "Closeness") -> str:
    """How near the nearest track is, in one line above a list."""
    return (
        f"nearest track: {closeness.word} "
        f"(farther than the nearest of {closeness.percentile:.0%} of the library's tracks)"
    )


def as_csv(report: "LabelReport") -> str:
    """A row a track, with a column for each label; then the tracks that failed."""
    from embedder.datasets.csv_cells import plain_row

    labels = sorted({label for vote in report.votes for label in vote.probabilities})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*CSV_COLUMNS, *(f"p({label})" for label in labels)])
    for vote in report.votes:
        track = vote.track
        about = (track.id or "", track.path, track.title, track.artist, track.album)
        named = ("; ".join(vote.labels), f"{vote.probability:.6f}", vote.abstained or "")
        chances = (f"{vote.probabilities[label]:.6f}" for label in labels)
        writer.writerow(plain_row([*about, vote.field, *named, *chances]))
    for failure in report.failed:
        writer.writerow(plain_row(["", failure.path, "", "", "", "", "", "", failure.reason]))
    return text.getvalue()


def _rounded(chance: float) -> str:
    """Three digits, but never 0 or 1 for what is not certain."""
    if 0 < chance < LEAST_SHOWN:
        return f"<{LEAST_SHOWN}"
    if 1 - LEAST_SHOWN < chance < 1:
        return f">{1 - LEAST_SHOWN}"
    return f"{chance:.3f}"


def _n_voters(vote: "LabelVote") -> Counter[str]:
    return Counter(label for voter in vote.voters for label in voter.labels)


def _listed(probabilities: dict[str, float]) -> str:
    return ", ".join(f"{label} {_rounded(chance)}" for label, chance in probabilities.items())
