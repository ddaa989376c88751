"""The curve from distance to probability of a trained model, from its held-out tracks.

It goes into the model's card, where libraries read it. Too few held-out tracks give none.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from embedder.errors import BadInput
from embedder.geometry import Geometry
from embedder.metrics.pair_calibration import Rows, balanced_curve, balanced_pairs
from embedder.models.card import CALIBRATION_KEY, read_card, with_facts, write_card
from embedder.training.feeding.known_tracks import KnownTracks
from embedder.training.validation import EncodedExcerpts, track_means

MAX_TRACKS = 2000


def calibrate_card(
    folder: Path, known: KnownTracks, encoded: EncodedExcerpts, geometry: Geometry
) -> None:
    """Write the curve of the encoded held-out tracks into the card of the model in a folder."""
    facts = calibration_facts(known, encoded, geometry)
    if facts:
        write_card(folder, with_facts(read_card(folder), facts))


def calibration_facts(
    known: KnownTracks, encoded: EncodedExcerpts, geometry: Geometry
) -> dict[str, Any]:
    """The curve under its key; empty if too few pairs of tracks are alike, or too few are not."""
    generator = np.random.default_rng(43)
    rows = np.unique(encoded[0])
    vectors = torch.from_numpy(track_means(*encoded, rows, geometry=geometry))
    if len(rows) > MAX_TRACKS:
        chosen = np.sort(generator.choice(len(rows), MAX_TRACKS, replace=False))
        rows, vectors = rows[chosen], vectors[torch.from_numpy(chosen)]
    labels, artists = known.labels[rows], known.artists[rows]
    tags = None if known.label_names or known.tags is None else known.tags[rows] > 0

    def alike(first: Rows, second: Rows) -> np.ndarray[Any, np.dtype[np.bool_]]:
        is_alike = (artists[first] == artists[second]) & (artists[first] >= 0)
        if tags is not None:
            return np.asarray(is_alike | (tags[first] & tags[second]).any(axis=1))
        return np.asarray(is_alike | ((labels[first] == labels[second]) & (labels[first] >= 0)))

    try:
        first, second, is_alike = balanced_pairs(len(rows), alike, generator=generator)
        distances = geometry.pairwise(vectors, vectors).double().numpy()[first, second]
        knots, scores = balanced_curve(distances, is_alike, is_cosine=geometry.kind == "cosine")
    except BadInput:
        return {}
    return {CALIBRATION_KEY: {"distances": knots.tolist(), "scores": scores.tolist()}}
