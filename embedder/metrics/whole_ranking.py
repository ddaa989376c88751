"""Average precision over the ranking of all references, without keeping that ranking.

Only the places of the relevant references are computed, so that 7000 tracks against all others
take seconds, and no table of 50 million rows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embedder.geometry import Geometry
from embedder.metrics.ranking import Exclusion, Ids, Vectors, distance_chunks

Values = npt.NDArray[np.float64]


def whole_average_precision(
    queries: Vectors,
    references: Vectors,
    query_tags: npt.NDArray[np.generic],
    reference_tags: npt.NDArray[np.generic],
    *,
    geometry: Geometry,
    apart: Sequence[Exclusion] = (),
    same_set: bool = False,
) -> Values:
    """One value for each query, NaN if it has no relevant reference; their mean is the MAP.

    tags: [rows, tags]. A reference is relevant if it shares a tag (a label is a tag of its own).
    References at the same distance share the worst of their places, as in scikit-learn's
    `average_precision_score`.
    """
    of_queries, of_references = (
        np.asarray(tags != 0, dtype=np.float32) for tags in (query_tags, reference_tags)
    )
    values = np.full(len(queries), np.nan)
    chunks = distance_chunks(queries, references, geometry=geometry, apart=apart, same_set=same_set)
    for rows, torch_distances in chunks:
        distances = torch_distances.numpy()
        is_relevant = (of_queries[rows] @ of_references.T > 0) & np.isfinite(distances)
        for row, all_distances, is_row_relevant in zip(rows, distances, is_relevant, strict=True):
            relevant = np.sort(all_distances[is_row_relevant])
            if len(relevant):
                places = np.searchsorted(np.sort(all_distances), relevant, side="right")
                n_relevant = np.searchsorted(relevant, relevant, side="right")
                values[row] = (n_relevant / places).mean()
    return values


def one_hot(labels: Ids, n_labels: int) -> npt.NDArray[np.float32]:
    """Labels as tags [rows, n_labels]; label -1 has no tag."""
    tags = np.zeros((len(labels), n_labels), dtype=np.float32)
    labelled = np.flatnonzero(labels >= 0)
    tags[labelled, labels[labelled]] = 1.0
    return tags
