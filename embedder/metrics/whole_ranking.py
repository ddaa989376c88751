"""Average precision over the ranking of everything, without keeping that ranking.

Of each query only its relevant references' places are looked up, so that 7000 tracks against all
others take seconds and no table of 50 million rows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embedder.geometry import Geometry
from embedder.metrics.ranking import Apart, Ids, Vectors, distance_chunks

Values = npt.NDArray[np.float64]


def whole_average_precision(
    queries: Vectors,
    references: Vectors,
    query_tags: npt.NDArray[np.generic],
    reference_tags: npt.NDArray[np.generic],
    *,
    geometry: Geometry,
    apart: Sequence[Apart] = (),
    same_set: bool = False,
) -> Values:
    """One value a query, NaN where nothing could be found; the mean is the MAP.

    tags: [rows, tags], relevant is who has one in common (a label is one tag of its own).
    References at the same distance share the worst of their places, as in scikit-learn's
    `average_precision_score`.
    """
    asked, shown = (
        np.asarray(tags != 0, dtype=np.float32) for tags in (query_tags, reference_tags)
    )
    values = np.full(len(queries), np.nan)
    chunks = distance_chunks(queries, references, geometry=geometry, apart=apart, same_set=same_set)
    for rows, torch_distances in chunks:
        distances = torch_distances.numpy()
        relevant = (asked[rows] @ shown.T > 0) & np.isfinite(distances)
        in_order = np.sort(distances, axis=1)
        for at, row in enumerate(rows.tolist()):
            found = np.sort(distances[at, relevant[at]])
            if len(found):
                places = np.searchsorted(in_order[at], found, side="right")
                values[row] = (np.searchsorted(found, found, side="right") / places).mean()
    return values


def one_hot(labels: Ids, n_labels: int) -> npt.NDArray[np.float32]:
    """Labels as tags [rows, n_labels]; -1 has none."""
    tags = np.zeros((len(labels), n_labels), dtype=np.float32)
    known = np.flatnonzero(labels >= 0)
    tags[known, labels[known]] = 1.0
    return tags
