"""A store that grows and shrinks gives the results of a new store with the same vectors."""

from pathlib import Path

import numpy as np
import pytest

from embedder.errors import LibraryBusy
from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.store_file import StoreSource
from tests.index.vectors.store_cases import N_TRAINABLE, by_hand, clustered, recall


@pytest.mark.slow
def test_short_codes_are_mapped_and_grow(tmp_path: Path) -> None:
    """Product-quantised lists, from their file: ranked exactly, added to, filtered, removed."""
    n = N_TRAINABLE
    vectors = clustered(n + 150, seed=1)
    path = tmp_path / "vectors.faiss"
    built = FaissStore.build(
        Space(), np.arange(n), vectors=vectors[:n], settings=StoreSettings("ivf-pq")
    )
    built.save(path, StoreSource("model", 1))
    store = FaissStore.open(path, Space())
    store.add(np.arange(n, n + 150), vectors[n:])
    store.remove(np.arange(100))
    store.save(path, StoreSource("model", 2))
    store = FaissStore.open(path, Space())
    assert store.info().is_memory_mapped
    queries = vectors[[0, 500, n, n + 149]]
    left = np.arange(100, n + 150)
    distances, neighbour_ids = store.search(queries, 10)
    expected = by_hand(Space(), queries, left, vectors[left], 10)
    assert recall(neighbour_ids, expected[1]) >= 0.97
    for row, query in enumerate(queries):
        true = Space().between(query, vectors[neighbour_ids[row]])
        np.testing.assert_allclose(distances[row], true, atol=2e-6)
    even = left[left % 2 == 0]
    _, neighbour_ids = store.search(queries, 10, allowed_ids=even)
    assert recall(neighbour_ids, by_hand(Space(), queries, even, vectors[even], 10)[1]) >= 0.97


def test_a_store_that_was_replaced_meanwhile_is_not_mixed_up(tmp_path: Path) -> None:
    """Rows are not added to a file that another process has replaced."""
    vectors = clustered(300, seed=1)
    path = tmp_path / "vectors.faiss"
    FaissStore.build(Space(), np.arange(200), vectors=vectors[:200]).save(
        path, StoreSource("model", 1)
    )
    store = FaissStore.open(path, Space())
    FaissStore.build(Space(), np.arange(200), vectors=vectors[100:]).save(
        path, StoreSource("model", 2)
    )
    with pytest.raises(LibraryBusy, match="replaced"):
        store.add(np.array([500]), vectors[:1])
