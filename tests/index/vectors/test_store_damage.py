"""A damaged byte of a store's file: refused at opening or when it is read, never an answer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import CorruptArtefact
from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import KindSetting, StoreSettings
from index.vectors.row_checks import RowChecks, row_checksums
from index.vectors.store_file import StoreSource, read_header
from tests.index.vectors.store_cases import SPACES, clustered

N_VECTORS = 1000
N_POSITIONS = 150
SOURCE = StoreSource("model", 1)
CASES: list[tuple[KindSetting, Space]] = [
    *[(kind, Space()) for kind in ("exact", "hnsw", "hnsw-sq8", "ivf-sq8", "ivf-pq")],  # type: ignore[misc]  # the kinds by name
    ("hnsw-sq8", SPACES[1]),
    ("hnsw-sq8", SPACES[2]),
]


@dataclass(frozen=True, slots=True, eq=False)
class SavedStore:
    """A file with removed and recent rows, and what it answers."""

    path: Path
    space: Space
    data: bytes
    queries: np.ndarray
    distances: np.ndarray
    ids: np.ndarray

    def write_damaged(self, folder: Path, *positions: int) -> Path:
        """A copy of the file with other bytes at some positions."""
        data = bytearray(self.data)
        for position in positions:
            data[position] ^= 0x5A
        path = folder / "damaged.faiss"
        path.write_bytes(data)
        return path

    def row_position(self, row: int) -> int:
        """Where a row's exact vector is in the file."""
        return self.data.index(FaissStore.open(self.path, self.space).vectors([row])[0].tobytes())


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1].kind}")
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SavedStore:
    kind, space = request.param
    vectors = clustered(N_VECTORS + 15, seed=1, space=space)
    store = FaissStore.build(
        space, np.arange(N_VECTORS), vectors=vectors[:N_VECTORS], settings=StoreSettings(kind)
    )
    store.remove(np.arange(10))
    store.add(np.arange(N_VECTORS, N_VECTORS + 15), vectors[N_VECTORS:])
    path = tmp_path_factory.mktemp("store") / "vectors.faiss"
    store.save(path, SOURCE)
    queries = vectors[[20, 300, N_VECTORS + 3]]
    distances, ids = FaissStore.open(path, space).search(queries, 5)
    return SavedStore(path, space, path.read_bytes(), queries, distances, ids)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> SavedStore:
    """A store whose exact vectors are apart, without recent rows."""
    vectors = clustered(N_VECTORS, seed=1)
    store = FaissStore.build(
        Space(), np.arange(N_VECTORS), vectors=vectors, settings=StoreSettings("ivf-sq8")
    )
    path = tmp_path_factory.mktemp("store") / "vectors.faiss"
    store.save(path, SOURCE)
    return SavedStore(path, Space(), path.read_bytes(), vectors[:1], vectors[:0], vectors[:0])


def test_a_damaged_byte_never_changes_an_answer(saved: SavedStore, tmp_path: Path) -> None:
    """Wherever it is: the file is refused, or the search is, or the answer is the right one."""
    positions = np.random.default_rng(7).integers(0, len(saved.data), N_POSITIONS)
    n_refused = 0
    for position in positions.tolist():
        path = saved.write_damaged(tmp_path, position)
        try:
            distances, ids = FaissStore.open(path, saved.space).search(saved.queries, 5)
        except CorruptArtefact:
            n_refused += 1
            continue
        np.testing.assert_array_equal(ids, saved.ids)
        np.testing.assert_array_equal(distances, saved.distances)
    assert n_refused > N_POSITIONS // 10


def test_verifying_finds_every_damaged_byte(saved: SavedStore, tmp_path: Path) -> None:
    """In vectors, lists, graphs, ids, padding, checksums and the header itself."""
    positions = np.random.default_rng(8).integers(0, len(saved.data), N_POSITIONS)
    ends = [0, len(saved.data) - 1, len(saved.data) - 9, len(saved.data) - 20]
    for position in [*positions.tolist(), *ends]:
        path = saved.write_damaged(tmp_path, position)
        with pytest.raises(CorruptArtefact, match=r"damaged\.faiss: .*(damaged|truncated)"):
            FaissStore.open(path, saved.space).verify()


def test_exact_vectors_apart_are_verified_row_by_row(saved: SavedStore) -> None:
    """Kinds that rank their hits by vectors of their own have a checksum for each of these."""
    header = read_header(saved.path)
    has_codes = header.kind not in ("exact", "hnsw")
    assert header.n_exact == (N_VECTORS if has_codes else 0)
    n_bytes = sum(stop - start for start, stop in header.parts_verified_at_opening())
    assert n_bytes + header.n_exact * header.embedding_size * 4 == header.row_checksums_offset


def test_opening_does_not_read_the_exact_vectors(lists: SavedStore, tmp_path: Path) -> None:
    """A damaged row is noticed when it is read, and no other row suffers."""
    path = lists.write_damaged(tmp_path, lists.row_position(700) + 5)
    store = FaissStore.open(path, Space())
    assert store.vectors([699, 701]).shape == (2, 16)
    with pytest.raises(CorruptArtefact, match=r"damaged\.faiss: a vector's checksum is wrong"):
        store.vectors([699, 700])
    with pytest.raises(CorruptArtefact, match="a vector's checksum"):
        store.vectors([700])


def test_a_damaged_candidate_does_not_fall_behind(lists: SavedStore, tmp_path: Path) -> None:
    """A neighbour that damage moves away, even to NaN, is noticed and not left out."""
    good = FaissStore.open(lists.path, Space())
    _, ids = good.search(lists.queries, 5)
    start = lists.row_position(int(ids[0, 2]))
    for number in (b"\x00\x00\xc0\x7f", np.float32(-9e30).tobytes()):
        data = bytearray(lists.data)
        data[start : start + 4] = number
        path = tmp_path / "damaged.faiss"
        path.write_bytes(data)
        with pytest.raises(CorruptArtefact, match="a vector's checksum"):
            FaissStore.open(path, Space()).search(lists.queries, 5)


@pytest.mark.parametrize("n_new", [1, 100])
def test_damage_is_not_written_on_as_sound(lists: SavedStore, tmp_path: Path, n_new: int) -> None:
    """Few new rows are saved with the old checksums; many need all rows, which are read first."""
    path = lists.write_damaged(tmp_path, lists.row_position(700) + 5)
    store = FaissStore.open(path, Space())
    with pytest.raises(CorruptArtefact, match="a vector's checksum"):
        store.add(np.arange(5000, 5000 + n_new), clustered(n_new, seed=3))
        store.save(path, SOURCE)
        FaissStore.open(path, Space()).vectors([700])


def test_a_file_without_room_for_rows_is_verified_as_a_whole(
    lists: SavedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should FAISS come to write its exact vectors elsewhere, nothing is left unverified."""
    monkeypatch.setattr("index.vectors.store_file._find", lambda *_: None)
    path = tmp_path / "damaged.faiss"
    FaissStore.open(lists.path, Space()).save(path, SOURCE)
    assert read_header(path).n_exact == 0
    data = bytearray(path.read_bytes())
    data[lists.row_position(700) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptArtefact, match="its checksum is wrong"):
        FaissStore.open(path, Space())


@pytest.mark.parametrize("size", [1, 7, 128])
def test_a_rows_checksum_sees_every_bit(size: int) -> None:
    """One flipped bit, two flipped signs and two swapped numbers are all noticed."""
    vectors = np.random.default_rng(size).standard_normal((2, size)).astype(np.float32)
    checksums = row_checksums(vectors)
    numbers = vectors.view(np.uint32)
    damaged = [numbers[1] ^ np.uint32(1 << bit) for bit in range(32)]
    if size > 1:
        signs = numbers[1].copy()
        signs[[0, size - 1]] ^= np.uint32(1 << 31)
        swapped = numbers[1].copy()
        swapped[[0, size - 1]] = swapped[[size - 1, 0]]
        damaged += [signs, swapped]
    for row in damaged:
        both = np.stack([vectors[0], row.view(np.float32)])
        checks = RowChecks(both, checksums, path=Path("store"))
        checks.verify(np.array([[0, 0]]))
        with pytest.raises(CorruptArtefact, match="vector's checksum"):
            checks.verify(np.array([[0, -1]]))
