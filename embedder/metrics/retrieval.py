"""How good a ranking is: precision, recall, average precision, NDCG at k, and recall of tags.

Every function returns one value for each query, float64 [queries]; NaN for a query without a
relevant reference. `np.nanmean` of them is the figure to report; the bootstrap takes them too.
"""

import numpy as np
import numpy.typing as npt

from embedder.metrics.ranking import Flags, Ids, Ranking

Values = npt.NDArray[np.float64]


def relevance(ranking: Ranking, query_labels: Ids, reference_labels: Ids) -> Flags:
    """Which places have a reference with the query's label, bool [queries, k]."""
    labels = query_labels[:, None]
    is_same = ranking.take(reference_labels) == labels
    return np.asarray(ranking.is_filled & is_same & (labels >= 0))


def tag_relevance(
    ranking: Ranking, query_tags: npt.NDArray[np.generic], reference_tags: npt.NDArray[np.generic]
) -> Flags:
    """Which places have a reference with at least one of the query's tags. tags: [rows, tags]."""
    has_tag = (np.asarray(query_tags) != 0)[:, None, :]
    has_common = ((ranking.take(reference_tags) != 0) & has_tag).any(axis=2)
    return np.asarray(ranking.is_filled & has_common)


def precision_at_k(relevant: Flags, n_relevant: Ids, *, k: int) -> Values:
    """Relevant places among the first k, over k."""
    return _where_findable(relevant[:, :k].sum(axis=1) / k, n_relevant)


def recall_at_k(relevant: Flags, n_relevant: Ids, *, k: int) -> Values:
    """Relevant places among the first k, over all relevant references."""
    return _where_findable(relevant[:, :k].sum(axis=1) / np.maximum(n_relevant, 1), n_relevant)


def hit_at_k(relevant: Flags, n_relevant: Ids, *, k: int) -> Values:
    """1 if any of the first k places is relevant, else 0 (metric learning's "recall@k")."""
    return _where_findable(relevant[:, :k].any(axis=1).astype(np.float64), n_relevant)


def average_precision(relevant: Flags, n_relevant: Ids) -> Values:
    """Precision summed over the relevant places, over the most that k places can have.

    With a ranking of all references it is the usual average precision. Its mean is the MAP.
    """
    k = relevant.shape[1]
    precision = relevant.cumsum(axis=1) / np.arange(1, k + 1)
    most_relevant = np.maximum(np.minimum(n_relevant, k), 1)
    return _where_findable((precision * relevant).sum(axis=1) / most_relevant, n_relevant)


def ndcg_at_k(gains: npt.NDArray[np.floating], ideal_gains: Values, *, k: int) -> Values:
    """Discounted gain over the best possible (Järvelin and Kekäläinen 2002, with log2).

    gains: of the places, [queries, k or more]; ideal_gains: of all references that the query can
    find, largest first, padded with zeros, [queries, k or more].
    """
    gain, ideal = _discounted(gains, k), _discounted(ideal_gains, k)
    return np.where(ideal > 0, gain / np.where(ideal > 0, ideal, 1.0), np.nan)


def binary_ideal_gains(n_relevant: Ids, *, k: int) -> Values:
    """The `ideal_gains` of `ndcg_at_k` if a reference is either relevant or not."""
    return (np.arange(k)[None, :] < n_relevant[:, None]).astype(np.float64)


def tag_recall_at_k(
    ranking: Ranking,
    query_tags: npt.NDArray[np.generic],
    reference_tags: npt.NDArray[np.generic],
    *,
    k: int,
) -> Values:
    """The share of a query's tags that any of its first k neighbours has (Lee et al. 2020,
    "Metric learning vs classification for disentangled music representation learning").
    """
    top = ranking.top(k)
    neighbours_have = ((top.take(reference_tags) != 0) & top.is_filled[:, :, None]).any(axis=1)
    query_has = np.asarray(query_tags) != 0
    n_tags = query_has.sum(axis=1)
    n_common = (neighbours_have & query_has).sum(axis=1)
    return _where_findable(n_common / np.maximum(n_tags, 1), n_tags)


def _discounted(gains: npt.NDArray[np.floating], k: int) -> Values:
    first = np.asarray(gains[:, :k], dtype=np.float64)
    return np.asarray((first / np.log2(np.arange(2, first.shape[1] + 2))).sum(axis=1))


def _where_findable(values: npt.ArrayLike, n_findable: Ids) -> Values:
    return np.where(n_findable > 0, np.asarray(values, dtype=np.float64), np.nan)
