"""Average precision over the whole ranking, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from embedder.geometry import Cosine, Euclidean
from embedder.metrics.ranking import Apart
from embedder.metrics.whole_ranking import one_hot, whole_average_precision


@pytest.mark.parametrize("geometry", [Cosine(), Euclidean()], ids=lambda g: str(g.kind))
def test_whole_average_precision_equals_scikit_learn(
    geometry: Cosine | Euclidean,
) -> None:
    """Ranks hold with many ties, and excluded pairs are not in the ranking."""
    generator = np.random.default_rng(5)
    vectors = generator.integers(1, 4, (40, 2)).astype(np.float32)
    labels = generator.integers(0, 3, 40)
    groups = generator.integers(-1, 8, 40)
    distances = geometry.pairwise(torch.from_numpy(vectors), torch.from_numpy(vectors)).numpy()
    precision = whole_average_precision(
        vectors,
        vectors,
        one_hot(labels, 3),
        one_hot(labels, 3),
        geometry=geometry,
        apart=[Apart(groups, groups)],
        same_set=True,
    )
    for q in range(40):
        others = [
            r for r in range(40) if r != q and not (groups[r] >= 0 and groups[r] == groups[q])
        ]
        truth = labels[others] == labels[q]
        assert precision[q] == pytest.approx(average_precision_score(truth, -distances[q, others]))
