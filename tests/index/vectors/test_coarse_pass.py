"""The quick first pass gives the result of comparing all exact vectors."""

import numpy as np
import pytest

from index.vectors import coarse_pass
from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore

N_VECTORS, SIZE = 3000, 32


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Clusters with many near neighbours; the pass is used for so few."""
    monkeypatch.setattr(coarse_pass, "FEWEST_ROWS", 1000)
    monkeypatch.setattr(coarse_pass, "SEARCHES_BEFORE", 2)
    monkeypatch.setattr(coarse_pass, "MOST_CANDIDATES_SHARE", 0.7)
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((100, SIZE))
    rows = centres[rng.integers(0, 100, N_VECTORS)] + 0.3 * rng.standard_normal((N_VECTORS, SIZE))
    return Space().to_unit(rows.astype(np.float32))


def test_results_are_those_of_all_exact_vectors(vectors: np.ndarray) -> None:
    """Distances and ids of repeated searches are those of the first one, to the last bit."""
    store = FaissStore.build(Space(), np.arange(1, N_VECTORS + 1), vectors=vectors)
    expected = store.search(vectors[:200], 11)  # too many queries at once for the pass
    single = [store.search(query[None], 11) for query in vectors[:200]]
    assert store._part._coarse._rows is not None  # type: ignore[union-attr] - it was prepared
    assert np.array_equal(np.concatenate([distances for distances, _ in single]), expected[0])
    assert np.array_equal(np.concatenate([ids for _, ids in single]), expected[1])


def test_changed_rows_are_seen(vectors: np.ndarray) -> None:
    """A vector that is added after the pass was prepared is found, and a removed one is not."""
    store = FaissStore.build(Space(), np.arange(1, N_VECTORS + 1), vectors=vectors)
    for query in vectors[:4]:
        store.search(query[None], 3)
    store.remove(np.array([1]))
    store.add(np.array([9999]), vectors[:1])
    for _ in range(4):
        _, ids = store.search(vectors[:1], 3)
    assert ids[0, 0] == 9999
    assert 1 not in ids
