"""The vectors of a library by track id, in a table of LanceDB: in a folder or in S3.

    table, at the version that the pointer names │ recent, exact, in memory
    without the rows that are hidden             │ what was added since, or all of a small table

A change stays in memory until it is saved: removed rows are deleted, new ones appended, and the
pointer names the new version. Readers keep theirs. A version's rows are not changed in place.

Results are measured by the exact vectors, and each has a checksum, which the pointer's digest
covers: a damaged vector is an error when it is read, never a wrong answer.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from embedder.errors import CorruptArtefact, LibraryBusy
from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.lance_files import TableFiles
from index.vectors.lance_part import LanceTable, TablePlace
from index.vectors.lance_pointer import (
    LancePointer,
    digest_of,
    read_pointer,
    write_pointer,
)
from index.vectors.lance_saving import saved_version
from index.vectors.lance_search import TableSearch
from index.vectors.ranking import with_ties_by_id
from index.vectors.store import IdArray, StoreInfo
from index.vectors.store_file import StoreSource

EXACT = StoreSettings("exact")


class LanceStore:
    """The vectors of one model, which can be searched."""

    def __init__(self, space: Space, settings: StoreSettings, recent: FaissStore) -> None:
        """A store that is not in a table yet: all its vectors are recent."""
        self.space = space
        self.source: StoreSource | None = None
        self._settings = settings
        self._recent = recent
        self._size = recent.info().embedding_size
        self._pointer: LancePointer | None = None
        self._table: TableSearch | None = None

    @classmethod
    def open(cls, path: Path, space: Space, *, settings: StoreSettings) -> "LanceStore":
        """The store that the file `path` points to.

        Raises CorruptArtefact if its table is damaged, and StorageError if it is out of reach.
        """
        pointer = read_pointer(path)
        store = cls(space, settings, _empty(space, pointer.embedding_size))
        TableFiles(pointer.address, pointer.table).check(pointer.files)
        store._show(pointer)
        return store

    def save(self, path: Path, source: StoreSource) -> None:
        """Write the changes as a new version, and then the pointer to it."""
        pointer = saved_version(
            self._place(source),
            self._settings,
            pointer=self._pointer,
            table=self._table,
            recent=self._recent,
        )
        files = TableFiles(pointer.address, pointer.table)
        pointer = replace(
            pointer,
            fingerprint=source.fingerprint,
            catalogue_id=source.catalogue_id,
            revision=source.revision,
            token=source.token,
            files=files.marks(self._pointer.files if self._pointer else {}),
        )
        try:
            self._show(pointer)
        except CorruptArtefact as error:
            raise LibraryBusy(
                f"{pointer.address}: another process writes to the same table. Try again."
            ) from error
        write_pointer(path, pointer)

    def search(
        self, queries: FloatMatrix, k: int, *, allowed_ids: IdArray | None = None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest to queries [n, d]: distances and ids [n, k], nearest first."""
        queries = self.space.to_unit(queries)
        new = self._recent.search(queries, k, allowed_ids=allowed_ids)
        if self._table is None or not self._table.n_visible:
            return new
        old = self._table.search(queries, k, allowed_ids=allowed_ids)
        distances = np.concatenate([old[0], new[0]], axis=1)
        ids = np.concatenate([old[1], new[1]], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return with_ties_by_id(
            np.take_along_axis(distances, order, 1), np.take_along_axis(ids, order, 1)
        )

    def ids(self) -> IdArray:
        """The ids of all vectors, ascending."""
        if self._table is None or not self._table.n_visible:
            return self._recent.ids()
        return np.union1d(self._table.visible_ids(), self._recent.ids())

    def vectors(self, ids: IdArray) -> FloatMatrix:
        """The exact vectors [n, d] of tracks, in their order."""
        wanted = np.asarray(ids, dtype=np.int64)
        is_recent = np.isin(wanted, self._recent.ids())
        if is_recent.all():
            return self._recent.vectors(wanted)
        vectors: FloatMatrix = np.empty((len(wanted), self._size), dtype=np.float32)
        vectors[is_recent] = self._recent.vectors(wanted[is_recent])
        if self._table is None:
            raise KeyError(int(wanted[~is_recent][0]))
        vectors[~is_recent] = self._table.vectors(wanted[~is_recent])
        return vectors

    def verify(self) -> None:
        """Read every vector. The index was verified when it was opened."""
        if self._table is not None:
            self._table.verify()

    def info(self) -> StoreInfo:
        """The kind and size of the store. `n_removed` counts rows that are not deleted yet."""
        pointer, table = self._pointer, self._table
        n_table = table.n_visible if table else 0
        files = TableFiles(pointer.address, pointer.table).sizes() if pointer else {}
        return StoreInfo(
            kind=pointer.kind if pointer else "lance-exact",
            n_vectors=n_table + len(self._recent.ids()),
            n_removed=table.n_hidden if table and pointer and pointer.kind != "lance-exact" else 0,
            embedding_size=self._size,
            search_effort=table.plan.n_probes if table else 0,
            file_bytes=sum(files.values()),
            is_memory_mapped=False,
        )

    def is_outgrown(self, settings: StoreSettings) -> bool:
        """Whether other settings need another table. A table that grows changes its own index."""
        pointer = self._pointer
        if pointer is None:
            return False
        is_other_kind = settings.kind not in ("lance", pointer.kind)
        return (is_other_kind and pointer.kind != "lance-exact") or (
            settings.address != pointer.address
        )

    def add(self, ids: IdArray, vectors: FloatMatrix) -> None:
        """Add vectors [n, d] with ids; vectors with the same ids are replaced."""
        if not len(ids):
            return
        self.remove(ids)
        self._recent.add(np.asarray(ids, dtype=np.int64), vectors)

    def remove(self, ids: IdArray) -> None:
        """Remove tracks; an unknown id is no error."""
        self._recent.remove(ids)
        if self._table is not None:
            self._table.hide(np.asarray(ids, dtype=np.int64))

    def _place(self, source: StoreSource) -> TablePlace:
        address, table = self._settings.address, f"vectors-{source.catalogue_id or 'library'}"
        if self._pointer is not None:
            address, table = self._pointer.address, self._pointer.table
        return TablePlace(address, table, self._settings.memory_bytes)

    def _show(self, pointer: LancePointer) -> None:
        """Search in the version that a pointer names."""
        place = TablePlace(pointer.address, pointer.table, self._settings.memory_bytes)
        table = LanceTable.open(place, pointer.version)
        rows = table.rows()
        if len(rows.ids) != pointer.n_rows or digest_of(rows) != pointer.rows_digest:
            raise CorruptArtefact(f"{place}: its rows are not those that were written")
        search = TableSearch(self.space, table, rows, pointer=pointer, settings=self._settings)
        recent = _empty(self.space, pointer.embedding_size)
        if pointer.kind == "lance-exact" and len(rows.ids):
            recent = FaissStore.build(
                self.space, rows.ids, vectors=search.vectors(rows.ids), settings=EXACT
            )
            search.hide(rows.ids)
        self._recent, self._table, self._pointer = recent, search, pointer
        self.source = pointer.source


def _empty(space: Space, size: int) -> FaissStore:
    no_ids: IdArray = np.empty(0, dtype=np.int64)
    no_vectors: FloatMatrix = np.empty((0, size), dtype=np.float32)
    return FaissStore.build(space, no_ids, vectors=no_vectors, settings=EXACT)
