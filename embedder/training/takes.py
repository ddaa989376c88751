"""What is wrong with recorded takes that a model learns from: one session alone, or too short."""

from collections import defaultdict

from embedder.datasets.dataset import Dataset

SHORT_SECONDS = 0.3
"""A shorter sound is a click to most front ends."""
FEWEST_TAKES = 2
N_SHOWN = 6


def remarks_on_takes(dataset: Dataset, label_field: str) -> list[str]:
    """Warnings in plain words. Files without a known session or length have none."""
    return [text for text in (_one_session(dataset, label_field), _short(dataset)) if text]


def _one_session(dataset: Dataset, label_field: str) -> str:
    sessions: defaultdict[str, list[str]] = defaultdict(list)
    for row in dataset.rows:
        for label in row.values(label_field)[:1]:
            sessions[label].append(row.session)
    labels = [
        label
        for label, values in sorted(sessions.items())
        if len(values) >= FEWEST_TAKES and values[0] and len(set(values)) == 1
    ]
    if not labels:
        return ""
    return (
        f"All takes of {_listed(labels)} are from one session or one recording: the model may have "
        "learned the room, and no accuracy here shows it. Record each label in several sessions, "
        "on other days and at other distances."
    )


def _short(dataset: Dataset) -> str:
    names = [
        row.key
        for row in dataset.rows
        if row.duration_seconds is not None and row.duration_seconds < SHORT_SECONDS
    ]
    if not names:
        return ""
    return (
        f"{len(names)} of {len(dataset.rows)} takes are shorter than {SHORT_SECONDS} s "
        f"({_listed(names)}): a model learns little from them. Keep some of the sound around them."
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
    return ", ".join(names[:N_SHOWN]) + more
