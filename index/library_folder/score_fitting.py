"""Fit the scores of a library to its own tags, after its tracks or tags have changed.

A bounded number of tracks are queries. Each is paired with its nearest tracks in the whole library
and with some random ones, so that the time hardly grows with the library.
"""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from embedder.metrics.id_sets import share_any
from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.library_scores import SETTING, LabelState, LibraryScores, scores_in
from index.library_folder.model_notes import notes_in
from index.library_folder.score_labels import (
    MIN_LABELLED,
    ScoreLabels,
    alike_sets,
    label_state,
    recordings,
    score_labels,
)
from index.vectors.calibration import Calibration
from index.vectors.distances import FloatMatrix, distances_between
from index.vectors.random_pairs import sampled_ids
from index.vectors.score_curve import DEFAULT_BASE_RATE, expected_curve
from index.vectors.score_fit import ScorePairs, fit_score_curve, octave_weights
from index.vectors.store import NO_TRACK, IdArray, VectorStore
from index.vectors.usual_nearest import UsualNearest

N_QUERIES = 400
N_NEAREST = 33
N_RANDOM = 1000
PRIOR_QUERIES = 5
"""The usual share of alike pairs weighs as much as this many tracks."""


def keep_scores(catalogue: Catalogue, store: VectorStore, *, is_forced: bool = False) -> None:
    """Fit the scores anew if the library has changed enough since, or `is_forced`."""
    model = catalogue.current_model()
    if model is None or not len(store.ids()):
        return
    state = label_state(catalogue, model, len(store.ids()))
    if is_forced or not _is_current(catalogue, state):
        labels = score_labels(catalogue, state, np.sort(store.ids()))
        catalogue.set_setting(SETTING, _fitted(catalogue, store, model, labels).to_text())


def _is_current(catalogue: Catalogue, state: LabelState) -> bool:
    """Whether the stored scores still hold; damaged ones are fitted again."""
    try:
        stored = scores_in(catalogue)
    except CorruptArtefact:
        return False
    return stored is not None and state.is_near(stored.state)


def _fitted(
    catalogue: Catalogue, store: VectorStore, model: ModelRow, labels: ScoreLabels
) -> LibraryScores:
    is_labelled = len(labels.ids) >= MIN_LABELLED
    queries = sampled_ids(labels.ids if is_labelled else store.ids(), n_tracks=N_QUERIES)
    vectors = store.vectors(queries)
    nearest = store.search(vectors, min(N_NEAREST, len(store.ids())))
    usual = UsualNearest.of(_nearest_distances(catalogue, queries, *nearest))
    if not is_labelled:
        return LibraryScores(labels.state, 0, DEFAULT_BASE_RATE, None, usual)
    pairs = _pairs(catalogue, store, labels, queries, vectors=vectors, nearest=nearest)
    share = float(pairs.is_alike[pairs.is_random].mean()) if pairs.is_random.any() else 0.0
    n_queries = len(queries)
    expected_share = (share * n_queries + DEFAULT_BASE_RATE * PRIOR_QUERIES) / (
        n_queries + PRIOR_QUERIES
    )
    random_distances = pairs.distances[pairs.is_random]
    prior = expected_curve(_calibration(catalogue, model), expected_share, random_distances)
    return LibraryScores(labels.state, n_queries, share, fit_score_curve(pairs, prior), usual)


def _calibration(catalogue: Catalogue, model: ModelRow) -> Calibration:
    """The model's own curve; damaged notes, which searches report, are no reason to fail here."""
    notes = None
    with suppress(CorruptArtefact):
        notes = notes_in(catalogue, model)
    calibration = notes.calibration if notes else None
    return calibration or Calibration.uncalibrated(model.space)


def _nearest_distances(
    catalogue: Catalogue, queries: IdArray, distances: FloatMatrix, ids: IdArray
) -> NDArray[np.float64]:
    """The distances of the queries to the nearest other recording, [n]; those that have one."""
    members, rows = np.unique(np.concatenate([queries, ids.ravel()]), return_inverse=True)
    recording_of = recordings(catalogue, members)[rows]
    own, others = recording_of[: len(queries), None], recording_of[len(queries) :]
    is_other = (others.reshape(ids.shape) != own) & (ids != NO_TRACK)
    nearest = np.where(is_other, distances, np.inf).min(axis=1, initial=np.inf)
    return np.asarray(nearest[np.isfinite(nearest)], dtype=np.float64)


def _pairs(
    catalogue: Catalogue,
    store: VectorStore,
    labels: ScoreLabels,
    queries: IdArray,
    *,
    vectors: FloatMatrix,
    nearest: tuple[FloatMatrix, IdArray],
) -> ScorePairs:
    """The pairs of the queries with their nearest tracks and with random ones."""
    near_distances, near_ids = nearest
    others = _others(labels.ids)
    far_distances: FloatMatrix = distances_between(store.space, vectors, store.vectors(others))
    far_ids = np.broadcast_to(others, far_distances.shape)
    is_near_labelled = np.isin(near_ids, labels.ids)
    # The rank among labelled tracks: exact for the nearest, for random tracks an estimate.
    near_ranks = is_near_labelled.cumsum(axis=1)
    n_in_rank = len(labels.ids) / len(others)
    far_ranks = (far_distances.argsort(axis=1).argsort(axis=1) + 0.5) * n_in_rank

    ids = np.concatenate([near_ids, far_ids], axis=1)
    members = np.unique(np.concatenate([queries, ids.ravel()]))
    rows, query_rows = np.searchsorted(members, ids), np.searchsorted(members, queries)
    recording_of = recordings(catalogue, members)
    sets = alike_sets(catalogue, labels, members)
    is_other = recording_of[rows] != recording_of[query_rows][:, None]
    is_random = np.zeros(ids.shape, dtype=bool)
    is_random[:, near_ids.shape[1] :] = True
    # The nearest tracks are complete: a random track among them is no further pair near by.
    is_far = far_distances > near_distances[:, -1:]
    is_counted = is_other & np.concatenate([is_near_labelled, np.ones_like(is_far)], axis=1)
    weighs = np.concatenate([is_near_labelled, is_far], axis=1)[is_counted]
    query_of = np.broadcast_to(np.arange(len(queries))[:, None], ids.shape)[is_counted]
    ranks = np.concatenate([near_ranks, far_ranks], axis=1)[is_counted]
    weights = np.zeros(len(ranks))
    weights[weighs] = octave_weights(query_of[weighs], ranks[weighs])
    return ScorePairs(
        np.concatenate([near_distances, far_distances], axis=1)[is_counted].astype(np.float64),
        share_any(sets.at(query_rows), sets, rows)[is_counted],
        weights,
        is_random[is_counted],
    )


def _others(ids: IdArray) -> IdArray:
    """Random tracks, the same ones for all queries."""
    if len(ids) <= N_RANDOM:
        return ids
    chosen = np.random.default_rng(len(ids)).choice(ids, N_RANDOM, replace=False)
    return np.asarray(np.sort(chosen))
