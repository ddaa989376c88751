"""Facts for a model's card on how to read its distances, learned from held-out tracks.

    card = with_facts(card, facts_from_held_out(vectors, labels, artists=artists, space=space,
                                                generator=generator))

A correction against hubs becomes the model's default only if it clearly raises the share of the
same label among the ten nearest tracks of other artists.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import BadInput
from embedder.metrics.pair_calibration import N_PAIRS, Rows, balanced_curve, balanced_pairs
from index.vectors import calibration, hubness
from index.vectors.calibration import Calibration
from index.vectors.distances import FloatMatrix, Space
from index.vectors.hubness import K_LOCAL, Correction

K = 10
STANDARD_ERRORS = 2.0


def facts_from_held_out(
    vectors: FloatMatrix,
    labels: Sequence[str],
    *,
    artists: Sequence[str] | None = None,
    space: Space,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """For `Card.facts`: the calibration, the correction, and the measured precisions."""
    learned = fit_calibration(vectors, labels, artists=artists, space=space, generator=generator)
    precisions = corrected_precisions(vectors, labels, artists=artists, space=space)
    return {
        calibration.CARD_KEY: learned.to_json(),
        hubness.CARD_KEY: best_correction(precisions),
        "hubness_precision_at_10": {
            name: float(values.mean()) for name, values in precisions.items()
        },
    }


def best_correction(precisions: dict[Correction, NDArray[np.float64]]) -> Correction:
    """The correction that helps most if its gain exceeds chance, otherwise "none"."""
    plain = precisions["none"]
    best: Correction = max(precisions, key=lambda name: float(precisions[name].mean()))
    gains = precisions[best] - plain
    error = float(gains.std()) / max(len(gains), 1) ** 0.5
    return best if gains.mean() > STANDARD_ERRORS * error and gains.mean() > 0 else "none"


def corrected_precisions(
    vectors: FloatMatrix,
    labels: Sequence[str],
    *,
    artists: Sequence[str] | None = None,
    space: Space,
) -> dict[Correction, NDArray[np.float64]]:
    """For each correction, the share of the same label among each track's ten nearest, [n].

    Tracks of the same artist do not count as neighbours.
    """
    units = space.to_unit(vectors)
    distances = np.stack([space.between(unit, units) for unit in units]).astype(np.float64)
    names = np.asarray(labels)
    is_excluded = np.eye(len(units), dtype=bool)
    if artists is not None:
        performers = np.asarray(artists)
        is_excluded |= (performers[:, None] == performers[None]) & (performers != "")[:, None]
    precisions: dict[Correction, NDArray[np.float64]] = {}
    for name, keys in _all_keys(distances).items():
        order = np.argsort(np.where(is_excluded, np.inf, keys), axis=1, kind="stable")[:, :K]
        precisions[name] = (names[order] == names[:, None]).mean(axis=1)
    return precisions


def _all_keys(distances: NDArray[np.float64]) -> dict[Correction, NDArray[np.float64]]:
    """The values that each correction ranks by, for the distances [n, n] of all pairs."""
    from scipy.special import log_ndtr

    n_tracks = len(distances)
    others = distances[~np.eye(n_tracks, dtype=bool)].reshape(n_tracks, n_tracks - 1)
    near = np.partition(others, min(K_LOCAL, n_tracks - 1) - 1, axis=1)[:, :K_LOCAL].mean(axis=1)
    mean, spread = others.mean(axis=1), np.maximum(others.std(axis=1), 1e-9)
    from_query = log_ndtr((mean[:, None] - distances) / spread[:, None])
    from_reference = log_ndtr((mean[None] - distances) / spread[None])
    return {
        "none": distances,
        "csls": distances - near[None] / 2,
        "mutual-proximity": -(from_query + from_reference),
    }


def fit_calibration(
    vectors: FloatMatrix,
    labels: Sequence[str],
    *,
    artists: Sequence[str] | None = None,
    space: Space,
    generator: np.random.Generator,
    n_pairs: int = N_PAIRS,
) -> Calibration:
    """Learn scores from held-out tracks: vectors [n, d], each with a label and maybe an artist.

    An empty label or artist counts as unknown.
    """
    distances, shares = labelled_pairs(
        vectors, labels, artists=artists, space=space, generator=generator, n_pairs=n_pairs
    )
    knots, scores = balanced_curve(distances, shares, is_cosine=space.kind == "cosine")
    return Calibration(tuple(knots.tolist()), tuple(scores.tolist()))


def labelled_pairs(
    vectors: FloatMatrix,
    labels: Sequence[str],
    *,
    artists: Sequence[str] | None = None,
    space: Space,
    generator: np.random.Generator,
    n_pairs: int = N_PAIRS,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """As many pairs that share a label or an artist as pairs that do not: distances, sharing."""
    columns = [np.asarray(column) for column in (labels, artists) if column is not None]
    if any(len(column) != len(vectors) for column in columns):
        raise BadInput(f"{len(vectors)} vectors, but {[len(c) for c in columns]} labels")

    def alike(first: Rows, second: Rows) -> NDArray[np.bool_]:
        shared = [(column[first] == column[second]) & (column[first] != "") for column in columns]
        return np.asarray(np.logical_or.reduce(shared))

    units = space.to_unit(vectors)
    first, second, is_alike = balanced_pairs(
        len(units), alike, generator=generator, n_pairs=n_pairs
    )
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    distances = np.array([space.between(units[a], units[b : b + 1])[0] for a, b in pairs])
    return distances.astype(np.float64), is_alike
