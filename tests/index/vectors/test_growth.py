"""A store that grows and shrinks gives the results of a new store with the same vectors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.errors import LibraryBusy
from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import KindSetting, StoreSettings
from index.vectors.store_file import StoreSource
from tests.index.vectors.store_cases import N_TRAINABLE, SPACES, by_hand, clustered, recall


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
@pytest.mark.parametrize("kind", ["hnsw", "hnsw-sq8", "ivf-sq8"])
def test_what_was_added_is_found_before_and_after_it_is_filed(
    space: Space, kind: KindSetting, tmp_path: Path
) -> None:
    """A few new tracks wait behind a mapped index, many go into it: found, filtered, removed."""
    vectors = clustered(1900, seed=1, space=space)
    store = FaissStore.build(
        space, np.arange(1500), vectors=vectors[:1500], settings=StoreSettings(kind)
    )
    path = tmp_path / "vectors.faiss"
    store.save(path, StoreSource("model", 1))
    for n in (1520, 1900):
        store = FaissStore.open(path, space)
        new = np.arange(len(store.ids()), n)
        store.add(new, vectors[new])
        assert store.info().is_memory_mapped == (n == 1520)
        store.save(path, StoreSource("model", n))
        store = FaissStore.open(path, space)
        assert store.ids().tolist() == list(range(n))
        np.testing.assert_array_equal(store.vectors(np.arange(n)), vectors[:n])
        distances, neighbour_ids = store.search(vectors[new], 10)
        expected = by_hand(space, vectors[new], np.arange(n), vectors[:n], 10)
        assert recall(neighbour_ids, expected[1]) >= 0.97
        assert (neighbour_ids[:, 0] == new).all()
        assert (np.diff(distances, axis=1) >= 0).all()
        only_new = store.search(vectors[:5], 5, allowed_ids=new)[1]
        assert set(only_new.ravel().tolist()) <= set(new.tolist())
        store.remove(new[:2])
        assert not np.isin(store.search(vectors[new], 10)[1], new[:2]).any()


@pytest.mark.parametrize("kind", ["hnsw-sq8", "ivf-sq8"])
def test_wide_filters_see_what_was_added(
    kind: KindSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that goes through the index lets recent tracks through as well."""
    monkeypatch.setattr("index.vectors.faiss_store.MAX_ALLOWED_EXACT", 50)
    vectors = clustered(3040, seed=1)
    store = FaissStore.build(
        Space(), np.arange(3000), vectors=vectors[:3000], settings=StoreSettings(kind)
    )
    store.add(np.arange(3000, 3040), vectors[3000:])
    allowed = np.arange(0, 3040, 2)
    _, neighbour_ids = store.search(vectors[3000:], 10, allowed_ids=allowed)
    expected = by_hand(Space(), vectors[3000:], allowed, vectors[allowed], 10)
    assert recall(neighbour_ids, expected[1]) > 0.97
    assert np.isin(np.arange(3000, 3040, 2), neighbour_ids).all()


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


@pytest.mark.parametrize("kind", ["exact", "hnsw", "hnsw-sq8", "ivf-sq8"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_history_equals_a_new_store(kind: KindSetting, data: st.DataObject) -> None:
    """Adding, replacing and removing leave what building from the rest would give."""
    pool = clustered(400, seed=5)
    truth = {number: pool[number] for number in range(50)}
    store = FaissStore.build(
        Space(), np.arange(50), vectors=pool[:50], settings=StoreSettings(kind)
    )
    steps = st.lists(
        st.tuples(st.booleans(), st.lists(st.integers(0, 99), min_size=1, max_size=8, unique=True)),
        max_size=8,
    )
    for step, (is_removal, ids) in enumerate(data.draw(steps)):
        if is_removal:
            store.remove(np.array(ids))
            truth = {number: vector for number, vector in truth.items() if number not in ids}
        else:
            rows = [(number * 3 + step) % 400 for number in ids]
            store.add(np.array(ids), pool[rows])
            truth |= {number: pool[row] for number, row in zip(ids, rows, strict=True)}
    assert store.ids().tolist() == sorted(truth)
    if truth:
        left = np.array(sorted(truth))
        vectors = np.stack([truth[number] for number in left.tolist()])
        np.testing.assert_array_equal(store.vectors(left), vectors)
        expected, _ = by_hand(Space(), pool[:5], left, vectors, 5)
        distances, _ = store.search(pool[:5], 5)
        np.testing.assert_allclose(distances[:, : expected.shape[1]], expected, atol=2e-6)
