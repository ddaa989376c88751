"""The only module that imports lancedb: tables of vectors, read at a version and appended to.

LanceDB is untyped for our use, so `Any` is used here; all results are NumPy arrays. LanceDB answers
a fault with one of many errors. They become StorageError if the storage cannot be reached or
written, and otherwise CorruptArtefact.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np

from embedder.errors import CorruptArtefact, MissingExtra, SoundalikeError, StorageError
from index.vectors.distances import FloatMatrix
from index.vectors.lance_files import S3, TableFiles, s3_endpoint, s3_region
from index.vectors.lance_plan import LancePlan
from index.vectors.lance_rows import ROWS_PER_BATCH, RowIds, TableRows, reader_of, vectors_in
from index.vectors.row_checks import Checksums
from index.vectors.store import IdArray

INDEX_NAME = "near"
ROWS_PER_DELETION = 10_000
VERSIONS_KEPT = timedelta(days=1)
"""Readers that opened an older version can use it as long."""
ROUNDS_OF_CODES = 10
"""LanceDB's own 50 rounds take five times as long, for the same recall."""
EVERY_ROW = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Where a table is. `cache_bytes` limits the memory that its index takes."""

    address: str
    table: str
    cache_bytes: int

    def __str__(self) -> str:
        return f"{self.address}/{self.table}.lance"


def load_lancedb() -> Any:
    """The package; raises MissingExtra without it."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # it warns of its own deprecations
    try:
        import lancedb
    except ImportError as error:
        raise MissingExtra("A store of the kind lance", "cluster") from error
    return lancedb


class LanceTable:
    """A table at one version, which no writer changes."""

    def __init__(self, place: TablePlace, raw: Any) -> None:
        self.place = place
        self._raw = raw

    @classmethod
    def open(cls, place: TablePlace, version: int | None = None) -> "LanceTable":
        """A version of a table, or the newest one."""
        connection = _connected(place)
        with reading(place):
            raw = connection.open_table(place.table)
            if version is not None:
                raw.checkout(version)
        return cls(place, raw)

    @property
    def version(self) -> int:
        """The number of the version."""
        with reading(self.place):
            return int(self._raw.version)

    def rows(self) -> TableRows:
        """The id, the checksum and the number of each row."""
        with reading(self.place):
            query = self._raw.search().select(["id", "checksum"]).with_row_id(True)
            table = query.limit(EVERY_ROW).to_arrow()
            ids, checksums, row_ids = (
                table[name].to_numpy() for name in ("id", "checksum", "_rowid")
            )
        order = np.argsort(ids, kind="stable")
        return TableRows(ids[order], checksums[order], row_ids[order])

    def vectors_at(self, row_ids: RowIds, size: int) -> FloatMatrix:
        """The vectors [n, size] of rows, in their order; not verified."""
        vectors = np.empty((len(row_ids), size), dtype=np.float32)
        for start in range(0, len(row_ids), ROWS_PER_BATCH):
            block = row_ids[start : start + ROWS_PER_BATCH]
            with reading(self.place):
                query = self._raw.take_row_ids(block.tolist()).select(["vector"]).with_row_id()
                table = query.to_arrow()
                read_ids, read = table["_rowid"].to_numpy(), vectors_in(table, size)
            order = np.argsort(read_ids)
            places = np.searchsorted(read_ids[order], block).clip(max=max(len(read_ids) - 1, 0))
            if len(read_ids) < len(block) or (read_ids[order[places]] != block).any():
                raise CorruptArtefact(f"{self.place}: rows of its version are missing")
            vectors[start : start + len(block)] = read[order[places]]
        return vectors

    def near(self, query: FloatMatrix, n: int, n_probes: int) -> RowIds:
        """About the n nearest rows to a query [d], by the codes of the index."""
        with reading(self.place):
            search = self._raw.search(query, vector_column_name="vector").nprobes(n_probes)
            row_ids: RowIds = (
                search.limit(n).select(["_rowid", "_distance"]).to_arrow()["_rowid"].to_numpy()
            )
        return row_ids

    def near_with_vectors(
        self, query: FloatMatrix, n: int, n_probes: int
    ) -> tuple[IdArray, FloatMatrix]:
        """The ids [m] of about the n nearest rows, and their vectors [m, d], which is one read."""
        with reading(self.place):
            search = self._raw.search(query, vector_column_name="vector").nprobes(n_probes)
            table = search.limit(n).select(["id", "vector", "_distance"]).to_arrow()
            return table["id"].to_numpy(), vectors_in(table, len(query))

    def n_unindexed(self) -> int:
        """The number of rows that are not in the index yet."""
        with reading(self.place):
            stats = self._raw.index_stats(INDEX_NAME)
            return int(stats.num_unindexed_rows) if stats else int(self._raw.count_rows())


class LanceWriter:
    """The newest version of a table, to be changed by a process that holds the library's lock."""

    def __init__(self, place: TablePlace, raw: Any) -> None:
        self.place = place
        self._raw = raw

    @classmethod
    def replace(
        cls, place: TablePlace, ids: IdArray, checksums: Checksums, vectors: FloatMatrix
    ) -> "LanceWriter":
        """A new version with these rows alone; the table is made if it is missing."""
        connection = _connected(place)
        with writing(place):
            reader = reader_of(ids, checksums, vectors)
            return cls(place, connection.create_table(place.table, data=reader, mode="overwrite"))

    @classmethod
    def on(cls, place: TablePlace, version: int) -> "LanceWriter":
        """A writer whose first change follows a version, though newer ones may be there."""
        connection = _connected(place)
        with writing(place):
            raw = connection.open_table(place.table)
            if raw.version != version:  # of a run that was killed, or of a copy of the library
                raw.checkout(version)
                raw.restore()
                raw.checkout_latest()
        return cls(place, raw)

    @property
    def version(self) -> int:
        """The number of the newest version."""
        return int(self._raw.version)

    def remove(self, ids: IdArray) -> None:
        """Remove the rows with these ids."""
        with writing(self.place):
            for start in range(0, len(ids), ROWS_PER_DELETION):
                some = ", ".join(map(str, ids[start : start + ROWS_PER_DELETION].tolist()))
                self._raw.delete(f"id IN ({some})")

    def append(self, ids: IdArray, checksums: Checksums, vectors: FloatMatrix) -> None:
        """Append rows."""
        if len(ids):
            with writing(self.place):
                self._raw.add(reader_of(ids, checksums, vectors))

    def set_index(self, plan: LancePlan) -> None:
        """Make the index of a plan, or drop it for a plan without one."""
        with writing(self.place):
            has_index = any(entry.name == INDEX_NAME for entry in self._raw.list_indices())
            if plan.n_lists:
                config = _index_config(plan)
                self._raw.create_index("vector", config=config, name=INDEX_NAME, replace=True)
            elif has_index:
                self._raw.drop_index(INDEX_NAME)

    def compact(self) -> None:
        """Put the rows into few files and into the index, and drop versions that are a day old."""
        with writing(self.place):
            self._raw.optimize(cleanup_older_than=VERSIONS_KEPT)


@contextmanager
def reading(place: TablePlace) -> Iterator[None]:
    """LanceDB's errors as StorageError if the storage is out of reach, else CorruptArtefact."""
    try:
        yield
    except SoundalikeError:
        raise
    except (ValueError, RuntimeError, OSError) as error:
        TableFiles(place.address, place.table).sizes("_versions")  # raises if it is out of reach
        raise CorruptArtefact(f"{place}: cannot be read ({_first_line(error)})") from error


@contextmanager
def writing(place: TablePlace) -> Iterator[None]:
    """LanceDB's errors as StorageError."""
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        raise StorageError(f"{place}: could not be written ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return line.split(", location:")[0][:200]


def _connected(place: TablePlace) -> Any:
    with writing(place):
        return _connection(place.address, place.cache_bytes)


@cache
def _connection(address: str, cache_bytes: int) -> Any:
    lancedb = load_lancedb()
    options: dict[str, str] | None = None
    if address.startswith(S3):
        options = {"region": s3_region(), "client_max_retries": "3", "client_retry_timeout": "30"}
        endpoint = s3_endpoint()
        if endpoint:
            options |= {
                "endpoint": endpoint,
                "allow_http": str(endpoint.startswith("http:")).lower(),
            }
    session = lancedb.Session(index_cache_size_bytes=cache_bytes)
    return lancedb.connect(address, storage_options=options, session=session)


def _index_config(plan: LancePlan) -> Any:
    from lancedb.index import IvfPq, IvfSq

    if plan.kind == "lance-sq8":
        return IvfSq(distance_type="l2", num_partitions=plan.n_lists)
    return IvfPq(
        distance_type="l2",
        num_partitions=plan.n_lists,
        num_sub_vectors=plan.code_bytes,
        max_iterations=ROUNDS_OF_CODES,
        sample_rate=64,
    )
