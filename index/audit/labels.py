"""Labels that look wrong: two labels on one recording, or neighbours that agree on another label.

The second is a hint to check by ear: it names the label of the nearest tracks of other artists, and
their distances.
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
"""The share of neighbours that must agree on a label that the track does not have."""


def conflicts(dataset: Dataset, repeats: Sequence[Finding], label_field: str) -> list[Finding]:
    """Repeats with different labels: at most one of them is right."""
    labels = {row.key: frozenset(row.values(label_field)) for row in dataset.rows}
    findings = []
    for repeat in repeats:
        labels_of = {key: labels[key] for key in repeat.tracks if labels[key]}
        if repeat.kind != "same-title" and len(set(labels_of.values())) > 1:
            listed = "; ".join(f"{key}: {', '.join(sorted(v))}" for key, v in labels_of.items())
            why = f"{listed} ({repeat.kind})"
            findings.append(Finding("label-conflict", repeat.tracks, why, repeat.certainty))
    return findings


def suspicious_labels(
    material: Material,
    vectors: NDArray[np.float32],
    *,
    geometry: Geometry,
    positions: Ids,
) -> list[Finding]:
    """Tracks whose neighbours, without their artist and copies, nearly all share another label.

    vectors: of the tracks at `positions` [tracks]; tracks without a label are left out.
    """
    labelled = np.flatnonzero(material.labels[positions] >= 0)
    rows = positions[labelled]
    ranking = neighbour_ranking(
        vectors[labelled],
        vectors[labelled],
        geometry=geometry,
        k=N_NEIGHBOURS,
        apart=material.apart(rows, rows),
        same_set=True,
    )
    findings = []
    for query, row in enumerate(rows.tolist()):
        near = rows[ranking.rows[query][ranking.is_filled[query]]]
        if len(near) < N_NEIGHBOURS:
            continue
        tags = material.tags[near]
        counts = np.asarray(tags.sum(axis=0))
        winner = int(counts.argmax())
        own = material.tags[row] > 0
        if own[winner] or counts[own].any() or counts[winner] < SHARE_AGREEING * len(near):
            continue
        findings.append(_finding(material, row, near, ranking.distances[query], winner))
    return sorted(findings, key=lambda finding: float(finding.evidence["nearest_distance"]))


def _finding(
    material: Material, row: int, near: Ids, distances: NDArray[np.floating], winner: int
) -> Finding:
    rows, names = material.dataset.rows, material.label_names
    own = ", ".join(name for name, has in zip(names, material.tags[row], strict=True) if has)
    n_agree = int((material.tags[near, winner] > 0).sum())
    return Finding(
        "suspicious-label",
        (rows[row].key,),
        f"labelled {own}; {n_agree} of {len(near)} neighbours of other artists are {names[winner]}",
        "hint",
        {
            "label": own,
            "neighbours_label": names[winner],
            "neighbours": [rows[i].key for i in near.tolist()],
            "nearest_distance": float(distances[0]),
        },
    )
