"""One model's figures, from its vectors and a protocol."""

import warnings
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.bootstrap import Interval, bootstrap_interval, paired_interval
from embedder.metrics.calibration import expected_error_interval
from embedder.metrics.ranking import Ids
from embedder.metrics.tagging import TagScores
from embedder.metrics.voting import VoteScores, vote_scores
from index.evaluate.head import HeadScores, score_head
from index.evaluate.material import Material
from index.evaluate.neighbours import Retrieval, retrieve
from index.evaluate.probe import ProbeScores, probe
from index.evaluate.results import Json, LabelScores, ModelScores
from index.evaluate.rounds import Round, Rounds
from index.evaluate.score_errors import measure_scores, score_errors_json
from index.evaluate.settings import EvaluationSettings
from index.evaluate.vector_set import VectorSet
from index.evaluate.votes import CalibrationScores, correct_votes, score_calibration, vote_in
from index.evaluate.whole_set import N_OCCURRENCES, WholeSetScores, score_whole_set

NO_INTERVAL = Interval(float("nan"), float("nan"), float("nan"), 0.95)
N_HUBS_NAMED = 10


def score(
    vector_set: VectorSet, material: Material, rounds: Rounds, settings: EvaluationSettings
) -> ModelScores:
    """All figures of one model; vector i is that of track i of the material."""
    retrieval = retrieve(vector_set, material, rounds.clean, settings)
    correct = correct_votes(material, retrieval.probabilities)
    queries = rounds.queries
    votes = None
    if not material.is_multi_label:
        votes = vote_scores(retrieval.probabilities[queries], material.labels[queries])
    calibration = score_calibration(vector_set, material, rounds.learning, k=settings.k)
    whole = score_whole_set(
        vector_set,
        material,
        queries=queries,
        references=rounds.clean[0].references,
        with_map=settings.with_map,
        seed=settings.seed,
    )
    learned = probe(vector_set, material, rounds.learning)
    answers = vector_set.heads.get(settings.field)
    head = score_head(answers, material, queries) if answers is not None else None
    return ModelScores(
        name=vector_set.name,
        kind=vector_set.kind,
        fingerprint=vector_set.fingerprint,
        geometry=vector_set.geometry.kind,
        n_queries=len(queries),
        accuracy=interval(correct, material.artists, settings),
        leaky_accuracy=_leaky_accuracy(vector_set, material, rounds.leaky, settings),
        at_k={
            name: {k: _mean(values) for k, values in of_measure.items()}
            for name, of_measure in retrieval.at_k.items()
        },
        mean_average_precision=interval(retrieval.average_precision, material.artists, settings),
        macro_f1=None if votes is None else votes.macro_f1,
        label_names=material.label_names,
        confusion=None if votes is None else votes.confusion,
        per_label=() if votes is None else _per_label(votes, material.label_names),
        hubness=_hubness_json(whole, material),
        same_artist=_same_artist_json(whole, material, settings),
        probe=_probe_json(learned),
        tagging=_tagging_json(learned, retrieval, material, queries),
        calibration=_calibration_json(calibration, material, settings),
        score_errors=score_errors_json(
            measure_scores(vector_set, material, rounds.learning, seed=settings.seed),
            material,
            settings,
        ),
        reliability=None if calibration is None else calibration.probabilities,
        map_quality=whole.map_trustworthiness,
        correct=correct,
        artist_hits=whole.same_artist_hits,
        n_without_vote=int(np.isnan(correct[queries]).sum()),
        n_without_match=int(
            (np.isnan(retrieval.average_precision) & ~np.isnan(correct))[queries].sum()
        ),
        n_failed=len(vector_set.failed),
        head=None if head is None else _head_json(head, material, queries, settings),
    )


def accuracy_alone(
    vector_set: VectorSet, material: Material, rounds: Rounds, settings: EvaluationSettings
) -> float:
    """The accuracy of the vote and nothing else, for further seeds."""
    right = []
    for clean in rounds.clean:
        votes = vote_in(vector_set, material, clean, k=settings.k)
        probabilities = np.zeros((len(material.labels), len(material.label_names)))
        probabilities[clean.queries] = votes.probabilities
        right.append(correct_votes(material, probabilities)[clean.queries])
    return _mean(np.concatenate(right))


def interval(values: NDArray[np.float64], groups: Ids, settings: EvaluationSettings) -> Interval:
    """The 95 % bootstrap interval over groups; NaN if there are no values."""
    if np.isnan(values).all():
        return NO_INTERVAL
    generator = np.random.default_rng([settings.seed, 23])
    return bootstrap_interval(values, generator=generator, groups=groups, n_draws=settings.n_draws)


def gain(
    first: NDArray[np.float64],
    other: NDArray[np.float64],
    groups: Ids,
    settings: EvaluationSettings,
    *,
    stream: int,
) -> Interval:
    """The same for the difference of two models, first minus other, track by track."""
    if np.isnan(first - other).all():
        return NO_INTERVAL
    return paired_interval(
        first,
        other,
        generator=np.random.default_rng([settings.seed, stream]),
        groups=groups,
        n_draws=settings.n_draws,
    )


def _leaky_accuracy(
    vector_set: VectorSet,
    material: Material,
    rounds: tuple[Round, ...],
    settings: EvaluationSettings,
) -> float:
    probabilities = np.zeros((len(material.labels), len(material.label_names)))
    for leaky in rounds:
        votes = vote_in(vector_set, material, leaky, k=settings.k, is_leaky=True)
        probabilities[leaky.queries] = votes.probabilities
    return _mean(correct_votes(material, probabilities))


def _per_label(votes: VoteScores, names: tuple[str, ...]) -> tuple[LabelScores, ...]:
    hits = votes.confusion.diagonal()
    n_true, n_guessed = votes.confusion.sum(axis=1), votes.confusion.sum(axis=0)
    return tuple(
        LabelScores(
            label=name,
            n_tracks=int(n_true[i]),
            precision=float(hits[i] / max(n_guessed[i], 1)),
            recall=float(hits[i] / max(n_true[i], 1)),
            f1=float(2 * hits[i] / max(n_true[i] + n_guessed[i], 1)),
        )
        for i, name in enumerate(names)
    )


def _hubness_json(whole: WholeSetScores, material: Material) -> Json:
    counts = whole.hubness.occurrences
    largest = np.argsort(-counts, kind="stable")[:N_HUBS_NAMED]
    return {
        "k": N_OCCURRENCES,
        "skewness": whole.hubness.skewness,
        "skewness_csls": whole.corrected_skewness,
        "hub_share": whole.hubness.hub_share,
        "orphan_share": whole.hubness.orphan_share,
        "hubs": [
            {
                "track": material.dataset.rows[i].key,
                "title": material.dataset.rows[i].title,
                "artist": material.dataset.rows[i].artist,
                "occurrences": int(counts[i]),
            }
            for i in largest
        ],
    }


def _same_artist_json(
    whole: WholeSetScores, material: Material, settings: EvaluationSettings
) -> Json | None:
    hits = whole.same_artist_hits
    if np.isnan(hits).all():
        return None
    hit_rate = interval(hits, material.artists, settings)
    return {
        "k": N_OCCURRENCES,
        "n_queries": int((~np.isnan(hits)).sum()),
        "hit_rate": hit_rate.mean,
        "hit_rate_ci95": [hit_rate.low, hit_rate.high],
        "precision": _mean(whole.same_artist_precision),
    }


def _probe_json(learned: ProbeScores | None) -> Json | None:
    if learned is None or learned.vote is None:
        return None
    return {"accuracy": learned.vote.accuracy, "macro_f1": learned.vote.macro_f1}


def _tagging_json(
    learned: ProbeScores | None, retrieval: Retrieval, material: Material, queries: Ids
) -> Json | None:
    from embedder.metrics.tagging import tag_scores

    if not material.is_multi_label:
        return None
    by_vote = tag_scores(retrieval.probabilities[queries], material.tags[queries])
    tagging = {"neighbours": _tags_json(by_vote, material, queries)}
    if learned is not None and learned.tags is not None:
        tagging["probe"] = _tags_json(learned.tags, material, queries)
    return tagging


def _tags_json(scores: TagScores, material: Material, queries: Ids) -> Json:
    counts = (material.tags[queries] > 0).sum(axis=0)
    return {
        "roc_auc": scores.macro_roc_auc,
        "pr_auc": scores.macro_pr_auc,
        "n_tags_scored": scores.n_tags_scored,
        "per_tag": [
            {"tag": name, "n_tracks": int(n), "roc_auc": float(roc), "pr_auc": float(pr)}
            for name, n, roc, pr in zip(
                material.label_names, counts, scores.roc_auc, scores.pr_auc, strict=True
            )
        ],
    }


def _head_json(
    head: HeadScores, material: Material, queries: Ids, settings: EvaluationSettings
) -> Json:
    about: Json = {
        "origin": head.origin,
        "calibrated_on": head.n_calibration,
        "n_unknown_labels": head.n_unknown,
    }
    if head.tags is not None:
        return about | {"tagging": _tags_json(head.tags, material, queries)}
    if head.vote is None:
        return about
    bounds = interval(head.correct, material.artists, settings)
    return about | {
        "accuracy": bounds.mean,
        "accuracy_ci95": [bounds.low, bounds.high],
        "macro_f1": head.vote.macro_f1,
        "labels": list(head.labels),
        "confusion": head.vote.confusion.tolist(),
        "per_label": [asdict(scores) for scores in _per_label(head.vote, head.labels)],
        "expected_error": head.expected_error,
    }


def _calibration_json(
    scores: CalibrationScores | None, material: Material, settings: EvaluationSettings
) -> Json | None:
    if scores is None:
        return None
    curve = scores.probabilities
    error = expected_error_interval(
        scores.largest,
        scores.is_right,
        groups=material.artists[scores.queries],
        owners=scores.queries,
        generator=np.random.default_rng([settings.seed, 41]),
        n_bins=len(curve.counts),
        n_draws=settings.n_draws,
    )
    return {
        "expected_error": curve.expected_error,
        "expected_error_ci95": [error.low, error.high],
        "expected_error_of_shares": scores.shares.expected_error,
        "edges": curve.edges.tolist(),
        "counts": curve.counts.tolist(),
        "probability": curve.probability.tolist(),
        "confidence": curve.probability.tolist(),  # its first name, which scripts may read
        "accuracy": curve.accuracy.tolist(),
        "fitted": [
            {
                "scale": fitted.scale,
                "sharpness": fitted.sharpness,
                "prior_votes": fitted.prior_votes,
                "temperature": fitted.temperature,
                "n_tracks": fitted.n_fitted,
            }
            for fitted in scores.parameters
        ],
    }


def _mean(values: NDArray[np.float64]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no value is NaN
        return float(np.nanmean(values)) if values.size else float("nan")
