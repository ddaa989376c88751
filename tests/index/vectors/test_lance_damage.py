"""Damage in a table of LanceDB: told when the table is opened, or of no account."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import CorruptArtefact
from index.vectors.kinds import KindSetting
from index.vectors.lance_files import TableFiles
from index.vectors.lance_plan import MAX_APPENDS, is_due
from index.vectors.store_file import StoreSource
from index.vectors.stores import store_path
from tests.index.vectors.store_cases import clustered, reopened, saved_store, settings_of

N_DAMAGES = 60


def _damaged(data: bytes, number: int, generator: np.random.Generator) -> bytes:
    if number % 3 == 0:
        return data[: generator.integers(len(data))]
    changed = bytearray(data)
    changed[generator.integers(len(data))] ^= 1 << generator.integers(8)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["lance", "lance-sq8"])
def test_a_damaged_file_never_changes_an_answer(kind: KindSetting, tmp_path: Path) -> None:
    """A flipped bit, a file that was cut or removed: an error, or the same results."""
    vectors = clustered(600, seed=1)
    store = saved_store(kind, tmp_path, np.arange(600), vectors, None)
    path = store_path(tmp_path, settings_of(kind, tmp_path))
    store.remove(np.arange(5))
    store.add(np.array([700, 701]), vectors[:2])
    store.save(path, StoreSource("model", 2))
    expected = reopened(kind, tmp_path).search(vectors[:9], 10)
    tables, whole = tmp_path / "tables", tmp_path / "whole"
    shutil.copytree(tables, whole)
    names = sorted(file.relative_to(tables) for file in tables.rglob("*") if file.is_file())
    generator = np.random.default_rng(0)
    n_told = 0
    for number in range(N_DAMAGES):
        name = names[number % len(names)]
        if number % 7 == 0:
            (tables / name).unlink()
        else:
            data = _damaged((whole / name).read_bytes(), number, generator)
            (tables / name).write_bytes(data)
        try:
            results = reopened(kind, tmp_path).search(vectors[:9], 10)
        except CorruptArtefact:
            n_told += 1
        else:
            np.testing.assert_array_equal(results[0], expected[0])
            np.testing.assert_array_equal(results[1], expected[1])
        (tables / name).write_bytes((whole / name).read_bytes())
    assert n_told > N_DAMAGES / 4


def test_a_damaged_vector_of_a_large_file_is_told_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large file only the end is verified at opening; each row has a checksum of its own."""
    monkeypatch.setattr("index.vectors.lance_files.LARGE_BYTES", 3000)
    monkeypatch.setattr("index.vectors.lance_files.END_BYTES", 2000)
    vectors = clustered(600, seed=1)
    saved_store("lance-sq8", tmp_path, np.arange(600), vectors, None)
    (file,) = (tmp_path / "tables").glob("*/data/*.lance")
    data = bytearray(file.read_bytes())
    data[data.index(vectors[300].tobytes()) + 5] ^= 4
    file.write_bytes(data)
    store = reopened("lance-sq8", tmp_path)
    np.testing.assert_array_equal(store.vectors(np.array([7])), vectors[[7]])
    with pytest.raises(CorruptArtefact, match="checksum is wrong"):
        store.vectors(np.array([7, 300]))
    with pytest.raises(CorruptArtefact, match="checksum is wrong"):
        store.search(vectors[300:301], 5)
    with pytest.raises(CorruptArtefact, match="checksum is wrong"):
        store.verify()


def test_appended_files_are_put_together_from_time_to_time(tmp_path: Path) -> None:
    """LanceDB does not do it by itself. A reader of an older version is not disturbed."""
    vectors = clustered(400, seed=1)
    store = saved_store("lance-sq8", tmp_path, np.arange(300), vectors[:300], None)
    path = store_path(tmp_path, settings_of("lance-sq8", tmp_path))
    reader = reopened("lance-sq8", tmp_path)
    table = f"vectors-{store.source.catalogue_id or 'library'}" if store.source else ""
    files = TableFiles(str(tmp_path / "tables"), table)
    for step in range(MAX_APPENDS):
        store.add(np.array([300 + step]), vectors[300 + step : 301 + step])
        store.save(path, StoreSource("model", step + 2))
        if step == MAX_APPENDS - 2:
            n_before = len(files.sizes("data"))
    assert n_before == MAX_APPENDS
    again = reopened("lance-sq8", tmp_path)
    assert again.ids().tolist() == list(range(300 + MAX_APPENDS))
    assert again.search(vectors[300:301], 1)[1].tolist() == [[300]]
    assert reader.ids().tolist() == list(range(300))
    assert reader.search(vectors[:3], 1)[1].ravel().tolist() == [0, 1, 2]
    np.testing.assert_array_equal(reader.vectors(np.arange(300)), vectors[:300])
    store.add(np.array([900]), vectors[:1])
    store.save(path, StoreSource("model", 99))
    assert len(files.sizes("data")) - n_before <= 3  # the old ones, one of all rows, one more


def test_when_it_is_time() -> None:
    """Many files, many rows beside the index, or a fiftieth of all."""
    assert not is_due(4096, 31, 10_000)
    assert is_due(4097, 0, 10_000)
    assert is_due(0, 32, 10_000)
    assert not is_due(4097, 0, 1_000_000)
    assert is_due(20_001, 0, 1_000_000)
