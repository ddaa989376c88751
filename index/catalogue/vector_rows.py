"""The vectors of a catalogue: whole tracks as float32, their excerpts as float16.

Every change is a revision, so that a cache of the vectors knows what it has missed. Every row has a
checksum, which is verified whenever the row is read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.errors import CorruptArtefact
from index.catalogue.checksums import is_intact, row_checksum
from index.catalogue.database import Database, Row
from index.catalogue.revisions import Revisions

IdArray = NDArray[np.int64]

ONE_BY_ONE = 1000
"""Up to so many vectors are looked up one by one; more are read in one pass."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackVectors:
    """What a model made of a track.

    vector: float32 [size]; excerpt_vectors: float32 [excerpts, size]
    """

    track_id: int
    vector: NDArray[np.float32]
    excerpt_vectors: NDArray[np.float32]
    starts_seconds: tuple[float, ...]
    excerpt_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class TrackExcerpts:
    """The excerpts of a track: where they start, and their vectors.

    vectors: float32 [excerpts, size]; starts_seconds: float32 [excerpts]
    """

    vectors: NDArray[np.float32]
    starts_seconds: NDArray[np.float32]
    excerpt_seconds: float


class VectorRows:
    """Vectors by model and track."""

    def __init__(self, database: Database, revisions: Revisions) -> None:
        self._database = database
        self._revisions = revisions

    def counts(self) -> dict[str, int]:
        """How many tracks each model has vectors of, by its fingerprint."""
        return dict(
            self._database.rows(
                "SELECT fingerprint, (SELECT count(*) FROM vectors WHERE model_id = models.id) "
                "FROM models ORDER BY models.id"
            )
        )

    def put(self, model_id: int, tracks: list[TrackVectors]) -> None:
        """Keep what a model made of some tracks, in place of what it made before."""
        with self._database.transaction():
            revision = self._revisions.advance()
            self.drop([track.track_id for track in tracks], model_id=model_id)
            vector_rows, excerpt_rows = [], []
            for track in tracks:
                vector = _bytes(track.vector, "<f4")
                checksum = row_checksum(track.track_id, vector)
                vector_rows.append((track.track_id, model_id, revision, vector, checksum))
                parts = (
                    float(track.excerpt_seconds),
                    _bytes(np.asarray(track.starts_seconds), "<f4"),
                    _bytes(track.excerpt_vectors, "<f2"),
                )
                checksum = row_checksum(track.track_id, *parts)
                excerpt_rows.append((track.track_id, model_id, *parts, checksum))
            self._insert(vector_rows, excerpt_rows)

    def copy(self, source_id: int, target_id: int) -> None:
        """Give a track all that was made of another track of the same recording."""
        with self._database.transaction():
            revision = self._revisions.advance()
            self.drop([target_id])
            vector_rows, excerpt_rows = [], []
            for model_id, vector, checksum in self._database.rows(
                "SELECT model_id, vector, checksum FROM vectors WHERE track_id = ?", (source_id,)
            ):
                self._check(source_id, checksum, vector)
                checksum = row_checksum(target_id, vector)
                vector_rows.append((target_id, model_id, revision, vector, checksum))
            for model_id, *parts, checksum in self._database.rows(
                "SELECT model_id, excerpt_seconds, starts_seconds, vectors, checksum "
                "FROM excerpts WHERE track_id = ?",
                (source_id,),
            ):
                self._check(source_id, checksum, *parts)
                excerpt_rows.append((target_id, model_id, *parts, row_checksum(target_id, *parts)))
            self._insert(vector_rows, excerpt_rows)

    def drop(self, track_ids: list[int], *, model_id: int | None = None) -> None:
        """Forget what was made of some tracks, by one model or by all."""
        only = "" if model_id is None else f" AND model_id = {int(model_id)}"
        for table in ("vectors", "excerpts"):
            self._database.run_many(
                f"DELETE FROM {table} WHERE track_id = ?{only}",
                [(track_id,) for track_id in track_ids],
            )

    def drop_other_models(self, model_id: int) -> None:
        """Forget what every other model made."""
        for table in ("vectors", "excerpts"):
            self._database.run(f"DELETE FROM {table} WHERE model_id <> ?", (model_id,))
        self._database.run("DELETE FROM models WHERE id <> ?", (model_id,))

    def ids(self, model_id: int) -> IdArray:
        """The tracks that have a vector of a model and are not gone, ascending."""
        ids = self._ids("SELECT track_id FROM vectors WHERE model_id = ? ORDER BY 1", model_id)
        gone = self._ids("SELECT id FROM tracks WHERE is_gone")
        return np.setdiff1d(ids, gone, assume_unique=True) if len(gone) else ids

    def ids_changed_since(self, model_id: int, revision: int) -> IdArray:
        """The tracks whose vectors are newer than a revision."""
        return self._ids(
            "SELECT track_id FROM vectors WHERE revision > ? AND model_id = ?", revision, model_id
        )

    def matrix(self, model_id: int, ids: IdArray, *, size: int) -> NDArray[np.float32]:
        """The vectors [n, size] of tracks, given ascending; all of these tracks have a vector.

        Raises CorruptArtefact for a row that is missing or not what was written.
        """
        matrix = np.empty((len(ids), size), dtype=np.float32)
        if len(ids) <= ONE_BY_ONE:
            for place, track_id in enumerate(ids.tolist()):
                try:
                    matrix[place] = self.vector(model_id, track_id, size=size)
                except KeyError as error:
                    raise CorruptArtefact(self._row_damaged(track_id)) from error
            return matrix
        statement = (
            "SELECT track_id, vector, checksum FROM vectors WHERE model_id = ? "
            "AND track_id BETWEEN ? AND ? ORDER BY track_id"
        )
        is_filled = np.zeros(len(ids), dtype=bool)
        blocks = self._database.blocks(statement, (model_id, int(ids[0]), int(ids[-1])))
        for rows in blocks:
            block_ids = self._as_ids(rows)
            places = np.minimum(np.searchsorted(ids, block_ids), len(ids) - 1)
            is_asked_for = ids[places] == block_ids
            for (track_id, vector, checksum), is_needed in zip(rows, is_asked_for, strict=True):
                if is_needed:
                    self._check(track_id, checksum, vector, n_bytes=4 * size)
            values = np.frombuffer(
                b"".join(
                    row[1] for row, is_needed in zip(rows, is_asked_for, strict=True) if is_needed
                ),
                dtype="<f4",
            )
            matrix[places[is_asked_for]] = values.reshape(-1, size)
            is_filled[places[is_asked_for]] = True
        if not is_filled.all():
            raise CorruptArtefact(self._row_damaged(int(ids[~is_filled][0])))
        return matrix

    def has(self, model_id: int, track_id: int) -> bool:
        """Whether a track has a vector of a model."""
        statement = "SELECT 1 FROM vectors WHERE model_id = ? AND track_id = ?"
        return bool(self._database.rows(statement, (model_id, track_id)))

    def vector(self, model_id: int, track_id: int, *, size: int) -> NDArray[np.float32]:
        """The vector [size] of a track; raises KeyError if it has none of this model."""
        rows = self._database.rows(
            "SELECT vector, checksum FROM vectors WHERE model_id = ? AND track_id = ?",
            (model_id, track_id),
        )
        if not rows:
            raise KeyError(track_id)
        vector, checksum = rows[0]
        self._check(track_id, checksum, vector, n_bytes=4 * size)
        return np.frombuffer(vector, dtype="<f4")

    def excerpts(self, model_id: int, track_id: int, *, size: int) -> TrackExcerpts | None:
        """The excerpts of a track; None if the library is older than stored excerpts."""
        rows = self._database.rows(
            "SELECT excerpt_seconds, starts_seconds, vectors, checksum FROM excerpts "
            "WHERE model_id = ? AND track_id = ?",
            (model_id, track_id),
        )
        if not rows:
            return None
        *parts, checksum = rows[0]
        self._check(track_id, checksum, *parts)
        excerpt_seconds, starts, vectors = parts
        if len(vectors) != len(starts) // 4 * 2 * size:
            raise CorruptArtefact(self._row_damaged(track_id))
        matrix = np.frombuffer(vectors, dtype="<f2").reshape(-1, size).astype(np.float32)
        return TrackExcerpts(matrix, np.frombuffer(starts, dtype="<f4"), excerpt_seconds)

    def problems(self, model_id: int, *, size: int) -> list[str]:
        """The rows of a model that are not what was written, in sentences."""
        damaged_ids: set[int] = set()
        for rows in self._database.blocks(
            "SELECT track_id, vector, checksum FROM vectors WHERE model_id = ?", (model_id,)
        ):
            damaged_ids.update(
                track_id
                for track_id, vector, checksum in rows
                if not is_intact(track_id, checksum, vector) or len(vector) != 4 * size
            )
        for rows in self._database.blocks(
            "SELECT track_id, excerpt_seconds, starts_seconds, vectors, checksum "
            "FROM excerpts WHERE model_id = ?",
            (model_id,),
        ):
            damaged_ids.update(
                track_id
                for track_id, seconds, starts, vectors, checksum in rows
                if not is_intact(track_id, checksum, seconds, starts, vectors)
                or len(vectors) != len(starts) // 4 * 2 * size
            )
        return [self._row_damaged(track_id) for track_id in sorted(damaged_ids, key=str)]

    def _insert(self, vector_rows: list[Row], excerpt_rows: list[Row]) -> None:
        self._database.run_many(
            "INSERT INTO vectors (track_id, model_id, revision, vector, checksum) "
            "VALUES (?, ?, ?, ?, ?)",
            vector_rows,
        )
        self._database.run_many(
            "INSERT INTO excerpts (track_id, model_id, excerpt_seconds, starts_seconds, vectors, "
            "checksum) VALUES (?, ?, ?, ?, ?, ?)",
            excerpt_rows,
        )

    def _check(
        self, track_id: int, checksum: int, *parts: bytes | float, n_bytes: int | None = None
    ) -> None:
        """Raise CorruptArtefact if a row is not what was written, or a vector has another size."""
        is_of_size = n_bytes is None or (isinstance(parts[0], bytes) and len(parts[0]) == n_bytes)
        if not is_of_size or not is_intact(track_id, checksum, *parts):
            raise CorruptArtefact(self._row_damaged(track_id))

    def _row_damaged(self, track_id: int) -> str:
        return (
            f"{self._database.path}: the vectors of track {track_id} are damaged. "
            f"'soundalike library remove {track_id}', then 'soundalike index' with its folder, "
            "analyses it again."
        )

    def _ids(self, statement: str, *values: int) -> IdArray:
        return self._as_ids(self._database.rows(statement, values))

    def _as_ids(self, rows: list[Row]) -> IdArray:
        try:
            return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
        except (TypeError, ValueError, OverflowError) as error:
            raise CorruptArtefact(self._database.damaged("an id is no number")) from error


def _bytes(values: NDArray[np.floating], kind: str) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()
