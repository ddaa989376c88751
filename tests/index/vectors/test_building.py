"""A store that is built in blocks is the store of all vectors."""

from typing import get_args

import numpy as np
import pytest

from index.vectors import building
from index.vectors.building import build_in_blocks
from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import KindName, StoreSettings
from index.vectors.store import IdArray
from tests.index.vectors.clustered_vectors import clustered


@pytest.mark.parametrize("kind", get_args(KindName))
def test_a_store_built_in_blocks_answers_like_one_built_at_once(
    kind: KindName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same vectors and neighbours, and no block is larger than asked for."""
    monkeypatch.setattr(building, "VECTORS_AT_ONCE", 300)
    vectors = 3 * clustered(2000, noise=0.5, seed=4)[0]
    ids = np.arange(2000) * 2 + 7
    n_read: list[int] = []

    def read(some: IdArray) -> FloatMatrix:
        n_read.append(len(some))
        return vectors[(some - 7) // 2]

    settings = StoreSettings(kind)
    store = build_in_blocks(Space(), ids, size=16, read=read, settings=settings)
    whole = FaissStore.build(Space(), ids, vectors=vectors, settings=settings)
    assert store.plan == whole.plan
    assert np.array_equal(store.vectors(ids), whole.vectors(ids))
    distances, neighbours = store.search(vectors[:50], 5)
    expected_distances, expected = whole.search(vectors[:50], 5)
    agreement = (neighbours == expected).mean()
    assert agreement == 1 if not kind.startswith("hnsw") else agreement > 0.98
    assert distances[:, 0] == pytest.approx(expected_distances[:, 0], abs=1e-6)
    assert max(n_read[-6:]) <= 300


def test_no_vectors_make_an_empty_store() -> None:
    """As `FaissStore.build` of none."""
    store = build_in_blocks(
        Space(), np.empty(0, np.int64), size=4, read=lambda ids: np.empty((len(ids), 4), np.float32)
    )
    assert not len(store.ids())
