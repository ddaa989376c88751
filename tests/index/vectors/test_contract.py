"""What every store does, FAISS's file or LanceDB's table: add, remove, search, filter, save."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.vectors.distances import Space
from index.vectors.kinds import KindSetting
from index.vectors.store_file import StoreSource
from index.vectors.stores import store_path
from tests.index.vectors.store_cases import (
    KINDS,
    LANCE_KINDS,
    N_TRAINABLE,
    SIZE,
    SPACES,
    by_hand,
    clustered,
    recall,
    reopened,
    saved_store,
    settings_of,
)

QUICK: tuple[KindSetting, ...] = ("exact", "hnsw", "hnsw-sq8", "ivf-sq8", "lance", "lance-sq8")
FILTERED: tuple[KindSetting, ...] = (*QUICK, "lance-pq")


@pytest.fixture
def small_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters of more than fifty tracks go through the index."""
    monkeypatch.setattr("index.vectors.faiss_store.MAX_ALLOWED_EXACT", 50)
    monkeypatch.setattr("index.vectors.lance_search.MAX_ALLOWED_EXACT", 50)


@pytest.mark.parametrize("kind", [*KINDS[1:], *LANCE_KINDS])
@pytest.mark.parametrize("space", SPACES[:2], ids=lambda space: space.kind)
def test_every_kind_finds_nearly_all_and_measures_truly(
    space: Space, kind: KindSetting, tmp_path: Path
) -> None:
    """Recall is at least 0.97, and each reported distance is the true one."""
    if kind == "ivf-pq" and space.kind != "cosine":
        pytest.skip("learning its codes takes seconds; once is enough")
    n = N_TRAINABLE if kind == "ivf-pq" else 3000
    vectors = clustered(n, seed=1, space=space)
    ids = np.arange(n)
    queries = clustered(50, seed=2, space=space)
    store = saved_store(kind, tmp_path, ids, vectors, space)
    distances, neighbour_ids = store.search(queries, 10)
    expected = by_hand(space, queries, ids, vectors, 10)
    assert recall(neighbour_ids, expected[1]) >= 0.97
    for row, query in enumerate(queries):
        true = space.between(query, vectors[neighbour_ids[row]])
        np.testing.assert_allclose(distances[row], true, atol=2e-6)
    assert (np.diff(distances, axis=1) >= 0).all()


@pytest.mark.usefixtures("small_filters")
@pytest.mark.parametrize("kind", FILTERED)
@pytest.mark.parametrize("n_allowed", [1, 5, 60, 900])
def test_a_filter_gives_k_results_whenever_k_exist(
    kind: KindSetting, n_allowed: int, tmp_path: Path
) -> None:
    """Narrow or wide, a filter lets through only what it allows, and as many as were asked for."""
    vectors = clustered(3000, seed=1)
    ids = np.arange(3000) + 100
    store = saved_store(kind, tmp_path, ids, vectors, None)
    allowed = np.sort(np.random.default_rng(3).choice(ids, n_allowed, replace=False))
    distances, neighbour_ids = store.search(vectors[:20], 10, allowed_ids=allowed)
    expected = by_hand(Space(), vectors[:20], allowed, vectors[allowed - 100], 10)
    n_found = min(10, n_allowed)
    assert set(neighbour_ids[:, :n_found].ravel()) <= set(allowed)
    assert (neighbour_ids[:, n_found:] == -1).all()
    assert np.isinf(distances[:, n_found:]).all()
    assert recall(neighbour_ids[:, :n_found], expected[1]) > 0.95


@pytest.mark.parametrize("kind", ["exact", "lance"])
def test_unknown_ids_in_a_filter_are_ignored(kind: KindSetting, tmp_path: Path) -> None:
    """A filter may name tracks that have no vector."""
    store = saved_store(kind, tmp_path, np.array([1, 2]), clustered(2, seed=1), None)
    _, neighbour_ids = store.search(clustered(1, seed=1), 3, allowed_ids=np.array([2, 99]))
    assert neighbour_ids.tolist() == [[2, -1, -1]]


@pytest.mark.parametrize("kind", ["exact", "lance"])
def test_an_empty_store_finds_nothing(kind: KindSetting, tmp_path: Path) -> None:
    """No vectors: no hits, and no error."""
    empty = np.empty((0, SIZE), np.float32)
    store = saved_store(kind, tmp_path, np.empty(0, np.int64), empty, None)
    distances, neighbour_ids = store.search(clustered(2, seed=1), 3)
    assert (neighbour_ids == -1).all()
    assert np.isinf(distances).all()


@pytest.mark.parametrize("kind", ["exact", "lance"])
def test_equally_near_ones_come_by_id(kind: KindSetting, tmp_path: Path) -> None:
    """The order of equal vectors does not depend on how the store came about."""
    same = np.repeat(clustered(1, seed=1), 6, axis=0)
    store = saved_store(kind, tmp_path, np.array([5, 3, 9, 1, 7, 2]), same, None)
    assert store.search(same[:1], 6)[1].tolist() == [[1, 2, 3, 5, 7, 9]]


@pytest.mark.parametrize("kind", QUICK)
def test_a_store_survives_its_file(kind: KindSetting, tmp_path: Path) -> None:
    """An opened store gives the same results as before, and can be changed."""
    n = 2000
    vectors = clustered(n, seed=1)
    store = saved_store(kind, tmp_path, np.arange(n), vectors, None)
    path = store_path(tmp_path, settings_of(kind, tmp_path))
    store.save(path, StoreSource("model", 7))
    opened = reopened(kind, tmp_path)
    assert opened.source == StoreSource("model", 7)
    assert opened.info().is_memory_mapped == (not kind.startswith("lance"))
    for ours, expected in zip(
        opened.search(vectors[:9], 5), store.search(vectors[:9], 5), strict=True
    ):
        np.testing.assert_array_equal(ours, expected)
    opened.add(np.array([n + 1]), vectors[:1])
    opened.remove(np.array([0]))
    assert opened.search(vectors[:1], 1)[1].tolist() == [[n + 1]]
    opened.save(path, StoreSource("model", 8))
    again = reopened(kind, tmp_path)
    assert again.search(vectors[:1], 1)[1].tolist() == [[n + 1]]
    np.testing.assert_array_equal(again.vectors(np.array([n + 1, 5])), vectors[[0, 5]])
    with pytest.raises(KeyError, match="0"):
        again.vectors(np.array([0]))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
@pytest.mark.parametrize("kind", ["hnsw", "hnsw-sq8", "ivf-sq8", "lance", "lance-sq8"])
def test_what_was_added_is_found_before_and_after_it_is_filed(
    space: Space, kind: KindSetting, tmp_path: Path
) -> None:
    """A few new tracks wait beside the index, many go into it: found, filtered, removed."""
    vectors = clustered(1900, seed=1, space=space)
    store = saved_store(kind, tmp_path, np.arange(1500), vectors[:1500], space)
    path = store_path(tmp_path, settings_of(kind, tmp_path))
    store.save(path, StoreSource("model", 1))
    for n in (1520, 1900):
        store = reopened(kind, tmp_path, space)
        new = np.arange(len(store.ids()), n)
        store.add(new, vectors[new])
        if not kind.startswith("lance"):
            assert store.info().is_memory_mapped == (n == 1520)
        store.save(path, StoreSource("model", n))
        store = reopened(kind, tmp_path, space)
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


@pytest.mark.usefixtures("small_filters")
@pytest.mark.parametrize("kind", ["hnsw-sq8", "ivf-sq8", "lance-sq8"])
def test_wide_filters_see_what_was_added(kind: KindSetting, tmp_path: Path) -> None:
    """A filter that goes through the index lets recent tracks through as well."""
    vectors = clustered(3040, seed=1)
    store = saved_store(kind, tmp_path, np.arange(3000), vectors[:3000], None)
    store.add(np.arange(3000, 3040), vectors[3000:])
    allowed = np.arange(0, 3040, 2)
    _, neighbour_ids = store.search(vectors[3000:], 10, allowed_ids=allowed)
    expected = by_hand(Space(), vectors[3000:], allowed, vectors[allowed], 10)
    assert recall(neighbour_ids, expected[1]) > 0.97
    assert np.isin(np.arange(3000, 3040, 2), neighbour_ids).all()


@pytest.mark.parametrize("kind", [*QUICK[:4], "lance", "lance-sq8"])
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_history_equals_a_new_store(
    kind: KindSetting, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Adding, replacing, removing and saving leave what building from the rest would give."""
    folder = tmp_path_factory.mktemp("history")
    pool = clustered(400, seed=5)
    n_first = 300 if kind == "lance-sq8" else 50
    truth = {number: pool[number] for number in range(n_first)}
    store = saved_store(kind, folder, np.arange(n_first), pool[:n_first], None)
    path = store_path(folder, settings_of(kind, folder))
    steps = st.lists(
        st.tuples(
            st.sampled_from(["add", "remove", "save"]),
            st.lists(st.integers(0, n_first + 49), min_size=1, max_size=8, unique=True),
        ),
        max_size=8,
    )
    for step, (action, ids) in enumerate(data.draw(steps)):
        if action == "save":
            store.save(path, StoreSource("model", step + 2))
            store = reopened(kind, folder)
        elif action == "remove":
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
