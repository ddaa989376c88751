"""How good a ranking is: precision, recall, MAP, NDCG at k, and recall of tags.

Every function gives one value a query, float64 [queries], NaN for a query that has nothing to
find; `np.nanmean` is the figure to report, and the values go to the bootstrap as they are.
"""

import numpy as np
import numpy.typing as npt

from embedder.metrics.ranking import Flags, Ids, Ranking

Values = npt.NDArray[np.float64]


def relevance(ranking: Ranking, query_labels: Ids, reference_labels: Ids) -> Flags:
    """Which places hold a reference of the query's label, bool [queries, k]."""
    asked = query_labels[:, None]
    same = ranking.take(reference_labels) == asked
    return np.asarray(ranking.found & same & (asked >= 0))


def tag_relevance(
    ranking: Ranking, query_tags: npt.NDArray[np.generic], reference_tags: npt.NDArray[np.generic]
) -> Flags:
    """Which places hold a reference with at least one of the query's tags. tags: [rows, tags]."""
    asked = (np.asarray(query_tags) != 0)[:, None, :]
    common = ((ranking.take(reference_tags) != 0) & asked).any(axis=2)
    return np.asarray(ranking.found & common)


def precision_at_k(relevant: Flags, n_relevant: Ids, *, k: int) -> Values:
    """Relevant places among the first k, over k."""
    return _where_findable(relevant[:, :k].sum(axis=1) / k, n_relevant)


def recall_at_k(relevant: Flags, n_relevant: Ids, *, k: int) -> Values:
    """Relevant places among the first k, over all that could be found."""
    return _where_findable(relevant[:, :k].sum(axis=1) / np.maximum(n_relevant, 1), n_relevant)


def hit_at_k(relevant: Flags, n_relevant: Ids, *, k: int) -> Values:
    """1 where any of the first k places is relevant (metric learning's "recall@k")."""
    return _where_findable(relevant[:, :k].any(axis=1).astype(np.float64), n_relevant)


def average_precision(relevant: Flags, n_relevant: Ids) -> Values:
    """Mean precision at the relevant places, over as many as k places could hold; with a ranking
    of everything, the usual average precision. Its mean over queries is the MAP.
    """
    k = relevant.shape[1]
    precision = relevant.cumsum(axis=1) / np.arange(1, k + 1)
    holdable = np.maximum(np.minimum(n_relevant, k), 1)
    return _where_findable((precision * relevant).sum(axis=1) / holdable, n_relevant)


def ndcg_at_k(gains: npt.NDArray[np.floating], ideal_gains: Values, *, k: int) -> Values:
    """Discounted gain over the best possible (Järvelin and Kekäläinen 2002, with log2).

    gains: those of the places, [queries, k or more]; ideal_gains: [queries, k or more], the gains
    of all findable references, largest first, filled up with zeros.
    """
    found, ideal = _discounted(gains, k), _discounted(ideal_gains, k)
    return np.where(ideal > 0, found / np.where(ideal > 0, ideal, 1.0), np.nan)


def binary_ideal_gains(n_relevant: Ids, *, k: int) -> Values:
    """The ideal of `ndcg_at_k` where a reference is relevant or not."""
    return (np.arange(k)[None, :] < n_relevant[:, None]).astype(np.float64)


def tag_recall_at_k(
    ranking: Ranking,
    query_tags: npt.NDArray[np.generic],
    reference_tags: npt.NDArray[np.generic],
    *,
    k: int,
) -> Values:
    """The share of a query's tags that its first k neighbours have between them (Lee et al. 2020,
    "Metric learning vs classification for disentangled music representation learning").
    """
    top = ranking.top(k)
    shown = ((top.take(reference_tags) != 0) & top.found[:, :, None]).any(axis=1)
    asked = np.asarray(query_tags) != 0
    n_tags = asked.sum(axis=1)
    return _where_findable((shown & asked).sum(axis=1) / np.maximum(n_tags, 1), n_tags)


def _discounted(gains: npt.NDArray[np.floating], k: int) -> Values:
    first = np.asarray(gains[:, :k], dtype=np.float64)
    return np.asarray((first / np.log2(np.arange(2, first.shape[1] + 2))).sum(axis=1))


def _where_findable(values: npt.ArrayLike, n_findable: Ids) -> Values:
    return np.where(n_findable > 0, np.asarray(values, dtype=np.float64), np.nan)
