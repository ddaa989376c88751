"""The neighbours' vote in a round of an evaluation, counted as `label` counts it.

The calibration is fitted on a sample of the round's reference tracks, each a query against the
others.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.records import TrackRow
from embedder.metrics.calibration import Reliability, reliability
from embedder.metrics.ranking import Ids, neighbour_ranking
from index.evaluate.material import Material
from index.evaluate.rounds import Round
from index.evaluate.vector_set import VectorSet
from index.labels.kinship import Kinship
from index.labels.neighbour_vote import NeighbourVote, calibration_sample
from index.labels.probabilities import VoteCalibration
from index.labels.table import LabelTable

N_BINS = 10

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """probabilities, shares: float64 [queries, labels], all zero for a query without voters.

    shares: the share of the voters for each label, without weights and calibration.
    """

    probabilities: Probabilities
    shares: Probabilities
    calibration: VoteCalibration


def vote_in(
    vector_set: VectorSet,
    material: Material,
    voting_round: Round,
    *,
    k: int,
    is_leaky: bool = False,
) -> Votes:
    """The vote on the queries of a round; a leaky round leaves out only the query itself."""
    vectors = vector_set.scaled_by(voting_round.references)
    table = material.table.subset(voting_round.references)
    kinship = _itself(material) if is_leaky else _kinship(material)

    def search(queries: NDArray[np.float32], n: int) -> tuple[NDArray[np.float32], Ids]:
        ranking = neighbour_ranking(
            queries, vectors[voting_round.references], geometry=vector_set.geometry, k=n
        )
        ids = np.where(ranking.is_filled, ranking.take(voting_round.references), -1)
        return np.asarray(ranking.distances, dtype=np.float32), ids

    vote = NeighbourVote(table, search, kinship.at(voting_round.references), k)
    sample = _sample(table, material, vector_set)
    calibration = vote.fitted(sample, vectors[voting_round.references[sample]])
    ballots = vote.ballots(vectors[voting_round.queries], kinship.at(voting_round.queries))
    places = table.tally(ballots.positions, ballots.places)
    totals = places.sum(axis=1, keepdims=True)
    has_voters = totals > 0
    probabilities = np.where(has_voters, vote.probabilities(ballots, calibration), 0.0)
    shares = places / np.where(has_voters, totals, 1.0)
    return Votes(
        _in_columns_of(material, table, probabilities),
        _in_columns_of(material, table, shares),
        calibration,
    )


def correct_votes(material: Material, probabilities: Probabilities) -> NDArray[np.float64]:
    """1 if the most probable label is one of the track's, NaN without voters or label."""
    guessed = probabilities.argmax(axis=1)
    is_right = material.tags[np.arange(len(guessed)), guessed] > 0
    counts = (probabilities.sum(axis=1) > 0) & (material.labels >= 0)
    return np.where(counts, is_right, np.nan)


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """Reliability of the voters' shares and of the calibrated probabilities."""

    shares: Reliability
    probabilities: Reliability
    parameters: tuple[VoteCalibration, ...]
    """One per round."""
    largest: Probabilities
    """The probability of the most probable label of each query that has voters, [n]."""
    is_right: NDArray[np.bool_]
    queries: Ids


def score_calibration(
    vector_set: VectorSet, material: Material, rounds: tuple[Round, ...], *, k: int
) -> CalibrationScores | None:
    """The reliability of rounds in which no query is a reference; None without such rounds."""
    if not rounds or material.is_multi_label:
        return None
    votes = [vote_in(vector_set, material, voting_round, k=k) for voting_round in rounds]
    queries = np.concatenate([voting_round.queries for voting_round in rounds])
    labels = material.labels[queries]
    shares = np.concatenate([round_votes.shares for round_votes in votes])
    probabilities = np.concatenate([round_votes.probabilities for round_votes in votes])
    has_voters = shares.sum(axis=1) > 0
    if not has_voters.any():
        return None
    return CalibrationScores(
        shares=reliability(shares[has_voters], labels[has_voters], n_bins=N_BINS),
        probabilities=reliability(probabilities[has_voters], labels[has_voters], n_bins=N_BINS),
        parameters=tuple(round_votes.calibration for round_votes in votes),
        largest=probabilities[has_voters].max(axis=1),
        is_right=probabilities[has_voters].argmax(axis=1) == labels[has_voters],
        queries=queries[has_voters],
    )


def _kinship(material: Material) -> Kinship:
    """The kinship by which `label` decides who may vote."""
    return Kinship(material.repeats[None], material.kin)


def _itself(material: Material) -> Kinship:
    return Kinship(np.arange(len(material.repeats), dtype=np.int64)[None])


def _sample(table: LabelTable, material: Material, vector_set: VectorSet) -> Ids:
    rows = material.dataset.rows
    return calibration_sample(
        table,
        [_key_of(rows[position]) for position in table.track_ids.tolist()],
        space_kind=vector_set.geometry.kind,
        embedding_size=vector_set.vectors.shape[1],
    )


def _key_of(row: TrackRow) -> bytes:
    """The recording's digest as in a library, otherwise a digest of the track's key."""
    if row.audio_digest:
        return bytes.fromhex(row.audio_digest)
    return hashlib.blake2b(row.key.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _in_columns_of(material: Material, table: LabelTable, values: Probabilities) -> Probabilities:
    """Values [queries, labels of the table] in the columns of all labels."""
    columns = np.searchsorted(np.asarray(material.label_names), np.asarray(table.labels))
    widened = np.zeros((len(values), len(material.label_names)))
    widened[:, columns] = values
    return widened
