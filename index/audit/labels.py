"""Labels that look wrong: one recording with two of them, and tracks among strangers.

The second is a hint to listen, no verdict: it says what all the nearest tracks of other artists
are called, and how far away they are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.dataset import Dataset
from embedder.geometry import Geometry
from embedder.metrics.ranking import Ids, neighbour_ranking
from index.audit.results import Finding
from index.evaluate.material import Material

N_NEIGHBOURS = 10
SHARE_AGREEING = 0.9
"""Of the neighbours, on one label that the track does not have."""


def conflicts(dataset: Dataset, repeats: Sequence[Finding], label_field: str) -> list[Finding]:
    """Repeats whose labels differ: at most one of them is right."""
    labels = {row.key: frozenset(row.values(label_field)) for row in dataset.rows}
    found = []
    for repeat in repeats:
        given = {key: labels[key] for key in repeat.tracks if labels[key]}
        if repeat.kind != "same-title" and len(set(given.values())) > 1:
            words = "; ".join(f"{key}: {', '.join(sorted(v))}" for key, v in given.items())
            found.append(
                Finding(
                    "label-conflict", repeat.tracks, f"{words} ({repeat.kind})", repeat.certainty
                )
            )
    return found


def strangers(
    material: Material,
    vectors: NDArray[np.float32],
    *,
    geometry: Geometry,
    positions: Ids,
) -> list[Finding]:
    """Tracks whose neighbours, artists and copies left out, all but agree on another label.

    vectors: of the tracks at `positions` [tracks]; only labelled tracks are asked and answer.
    """
    known = np.flatnonzero(material.labels[positions] >= 0)
    rows = positions[known]
    ranking = neighbour_ranking(
        vectors[known],
        vectors[known],
        geometry=geometry,
        k=N_NEIGHBOURS,
        apart=material.apart(rows, rows),
        same_set=True,
    )
    found = []
    for at, row in enumerate(rows.tolist()):
        near = rows[ranking.rows[at][ranking.found[at]]]
        if len(near) < N_NEIGHBOURS:
            continue
        tags = material.tags[near]
        counts = np.asarray(tags.sum(axis=0))
        winner = int(counts.argmax())
        own = material.tags[row] > 0
        if own[winner] or counts[own].any() or counts[winner] < SHARE_AGREEING * len(near):
            continue
        found.append(_finding(material, row, near, ranking.distances[at], winner))
    return sorted(found, key=lambda one: float(one.evidence["nearest_distance"]))


def _finding(
    material: Material, row: int, near: Ids, distances: NDArray[np.floating], winner: int
) -> Finding:
    rows, names = material.dataset.rows, material.label_names
    own = ", ".join(name for name, has in zip(names, material.tags[row], strict=True) if has)
    n_agree = int((material.tags[near, winner] > 0).sum())
    return Finding(
        "suspicious-label",
        (rows[row].key,),
        f"called {own}; {n_agree} of {len(near)} neighbours of other artists are {names[winner]}",
        "hint",
        {
            "label": own,
            "neighbours_label": names[winner],
            "neighbours": [rows[i].key for i in near.tolist()],
            "nearest_distance": float(distances[0]),
        },
    )
