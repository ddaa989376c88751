"""Every metric and its slow loop: rows for the test and for the benchmark."""

from collections.abc import Iterator

import numpy as np

from embedder.geometry import geometry_of
from embedder.metrics.bootstrap import bootstrap_interval
from embedder.metrics.calibration import reliability
from embedder.metrics.neighbourhood import effective_rank, hubness, trustworthiness
from embedder.metrics.ranking import Apart, Ranking, count_relevant, neighbour_ranking
from embedder.metrics.retrieval import (
    average_precision,
    binary_ideal_gains,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    relevance,
    tag_recall_at_k,
)
from embedder.metrics.tagging import tag_scores
from embedder.metrics.voting import neighbour_vote, vote_scores
from tests.embedder.metrics import slow_metrics as slow
from tests.embedder.training.comparisons_of_objectives import Comparison
from tests.embedder.training.slow_objectives import mean, on_geometry

N_TRACKS = 40
K = 6


class Case:
    """Tracks with vectors, labels, artists and tags, and their ranking without the own artist."""

    def __init__(self, kind: str = "cosine", *, seed: int = 1) -> None:
        draw = np.random.default_rng(seed)
        self.draw = draw
        free = draw.normal(size=(N_TRACKS, 5)) * 0.4
        self.kind = kind
        self.vectors = np.stack([on_geometry(kind, row) for row in free])
        self.labels = draw.integers(0, 4, N_TRACKS)
        self.artists = draw.integers(-1, 10, N_TRACKS)
        self.tags = (draw.random((N_TRACKS, 6)) < 0.4).astype(np.float64)
        self.tags[:, 0] = 1
        self.apart = [Apart(self.artists, self.artists)]
        self.ranking: Ranking = neighbour_ranking(
            self.vectors,
            self.vectors,
            geometry=geometry_of(kind),
            k=K,
            apart=self.apart,
            same_set=True,
        )
        artists = self.artists.tolist()
        self.slow_rows = slow.ranking(
            self.vectors, self.vectors, kind=kind, k=K, groups=(artists, artists), same_set=True
        )


def metric_comparisons() -> Iterator[Comparison]:
    """All comparisons of metrics."""
    for kind in ("cosine", "euclidean", "poincare"):
        case = Case(kind)
        apart = float(np.abs(case.ranking.rows - np.array(case.slow_rows)).max())
        total = float(case.ranking.rows.sum())
        yield Comparison(f"ranking, artists apart, {kind}", total, total, apart=apart)
    case = Case()
    for part in (retrieval, votes, tagging, neighbourhood, calibration, intervals):
        yield from part(case)


def retrieval(case: Case) -> Iterator[Comparison]:
    """Precision, recall, MAP, NDCG at k, recall of tags."""
    labels = case.labels
    relevant = relevance(case.ranking, labels, labels)
    n_relevant = count_relevant(labels, labels, apart=case.apart, same_set=True)
    hits = [[labels[j] == labels[i] for j in row] for i, row in enumerate(case.slow_rows)]
    counts = [
        sum(
            labels[i] == labels[j] and (case.artists[i] < 0 or case.artists[i] != case.artists[j])
            for j in range(N_TRACKS)
            if i != j
        )
        for i in range(N_TRACKS)
    ]
    loops = list(zip(hits, counts, strict=True))
    yield _mean_of("precision at 5", precision_at_k(relevant, n_relevant, k=5),
                   [slow.precision(h, 5) for h in hits])  # fmt: skip
    yield _mean_of("recall at 5", recall_at_k(relevant, n_relevant, k=5),
                   [slow.recall(h, c, 5) for h, c in loops])  # fmt: skip
    yield _mean_of("MAP at 6", average_precision(relevant, n_relevant),
                   [slow.average_precision(h, c) for h, c in loops])  # fmt: skip
    ideal = binary_ideal_gains(n_relevant, k=5)
    loop_values = [slow.ndcg(h, [1.0] * min(c, 5), 5) for h, c in loops]
    yield _mean_of("NDCG at 5", ndcg_at_k(relevant.astype(float), ideal, k=5), loop_values)
    for k in (1, 2, 4):
        neighbours = [[case.tags[j].tolist() for j in row[:k]] for row in case.slow_rows]
        loop_values = [
            slow.tag_recall(case.tags[i].tolist(), near) for i, near in enumerate(neighbours)
        ]
        recalls = tag_recall_at_k(case.ranking, case.tags, case.tags, k=k)
        yield _mean_of(f"tag recall at {k}", recalls, loop_values)


def votes(case: Case) -> Iterator[Comparison]:
    """Shares, accuracy and macro F1, both weightings."""
    for weighting in ("uniform", "distance"):
        shares = neighbour_vote(
            case.ranking,
            case.labels,
            n_labels=4,
            weighting="distance" if weighting == "distance" else "uniform",
        )
        loop = [
            slow.vote(
                [int(case.labels[j]) for j in row],
                [1.0] * K if weighting == "uniform" else [1 / float(d) for d in distances],
                4,
            )
            for row, distances in zip(case.slow_rows, case.ranking.distances, strict=True)
        ]
        apart = float(np.abs(shares - np.array(loop)).max())
        yield Comparison(f"vote shares, {weighting}", shares.sum(), N_TRACKS, apart=apart)
        guessed = [max(range(4), key=lambda label, row=row: row[label]) for row in loop]  # type: ignore[misc]  # a default argument
        scores = vote_scores(shares, case.labels)
        right = mean([float(g == t) for g, t in zip(guessed, case.labels, strict=True)])
        yield Comparison(f"vote accuracy, {weighting}", scores.accuracy, right)
        loop_value = slow.macro_f1(case.labels.tolist(), guessed)
        yield Comparison(f"vote macro F1, {weighting}", scores.macro_f1, loop_value)


def tagging(case: Case) -> Iterator[Comparison]:
    """Areas under both curves, averaged over the tags with scores."""
    chances = case.draw.random(case.tags.shape)
    scores = tag_scores(chances, case.tags)
    columns = [(chances[:, t].tolist(), (case.tags[:, t] > 0).tolist()) for t in range(1, 6)]
    roc = mean([slow.roc_auc(s, t) for s, t in columns])
    pr = mean([slow.pr_auc(s, t) for s, t in columns])
    yield Comparison("ROC-AUC, macro", scores.macro_roc_auc, roc)
    yield Comparison("PR-AUC, macro", scores.macro_pr_auc, pr)


def neighbourhood(case: Case) -> Iterator[Comparison]:
    """Hubness, effective rank, trustworthiness."""
    measured = hubness(case.ranking, n_references=N_TRACKS)
    counts = [sum(row.count(j) for row in case.slow_rows) for j in range(N_TRACKS)]
    places = sum(counts)
    hubs = sum(c for c in counts if c > 5 * places / N_TRACKS) / places
    yield Comparison("hubness, skewness", measured.skewness, slow.skewness(counts))
    yield Comparison("hubness, hubs", measured.hub_share, hubs)
    orphans = mean([float(c == 0) for c in counts])
    yield Comparison("hubness, orphans", measured.orphan_share, orphans)
    rank = slow.effective_rank(case.vectors)
    yield Comparison("effective rank", effective_rank(case.vectors), rank)
    mapped = case.vectors[:, :2]
    value = trustworthiness(case.vectors, mapped, k=5)
    yield Comparison("trustworthiness", value, slow.trustworthiness(case.vectors, mapped, 5))


def calibration(case: Case) -> Iterator[Comparison]:
    """Expected calibration error."""
    chances = case.draw.dirichlet(np.ones(4), size=N_TRACKS)
    error = reliability(chances, case.labels, n_bins=10).expected_error
    sure = chances.max(axis=1).tolist()
    right = (chances.argmax(axis=1) == case.labels).tolist()
    yield Comparison("calibration error", error, slow.expected_calibration_error(sure, right, 10))


def intervals(case: Case) -> Iterator[Comparison]:
    """Bounds of the group bootstrap, from the same draws."""
    values = case.draw.random(N_TRACKS)
    groups = case.draw.integers(0, 9, N_TRACKS)
    interval = bootstrap_interval(
        values, groups=groups, generator=np.random.default_rng(5), n_draws=200
    )
    names = np.unique(groups)
    counts = np.random.default_rng(5).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=200
    )
    draws = [np.repeat(names, row).tolist() for row in counts]
    means = slow.group_means(values.tolist(), groups.tolist(), draws)
    low, high = np.quantile(means, [0.025, 0.975])
    yield Comparison("group bootstrap, low", interval.low, low)
    yield Comparison("group bootstrap, high", interval.high, high)


def _mean_of(name: str, values: np.ndarray, loop: list[float]) -> Comparison:
    gaps = np.abs(values - np.array(loop))
    return Comparison(name, float(np.nanmean(values)), mean(loop), apart=float(np.nanmax(gaps)))
