"""The vectors of a catalogue: whole tracks as float32, their excerpts as float16.

Every change gets a revision number, so that a cache of the vectors knows what it has missed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.catalogue.database import Database

IdArray = NDArray[np.int64]


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

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """How many changes the set of vectors has seen; a cache made at this number is current."""
        rows = self._database.rows("SELECT value + 0 FROM settings WHERE key = 'revision'")
        return int(rows[0][0]) if rows else 0

    def next_revision(self) -> int:
        """Count one more change."""
        self._database.run(
            "INSERT INTO settings VALUES ('revision', '1') "
            "ON CONFLICT (key) DO UPDATE SET value = value + 1"
        )
        return self.revision()

    def put(self, model_id: int, tracks: list[TrackVectors]) -> None:
        """Keep what a model made of some tracks, in place of what it made before."""
        with self._database.transaction():
            revision = self.next_revision()
            self.drop([track.track_id for track in tracks], model_id=model_id)
            self._database.run_many(
                "INSERT INTO vectors (track_id, model_id, revision, vector) VALUES (?, ?, ?, ?)",
                [(t.track_id, model_id, revision, _bytes(t.vector, "<f4")) for t in tracks],
            )
            self._database.run_many(
                "INSERT INTO excerpts VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        t.track_id,
                        model_id,
                        t.excerpt_seconds,
                        _bytes(np.asarray(t.starts_seconds), "<f4"),
                        _bytes(t.excerpt_vectors, "<f2"),
                    )
                    for t in tracks
                ],
            )

    def copy(self, source_id: int, target_id: int) -> None:
        """Give a track all that was made of another one of the same recording."""
        with self._database.transaction():
            revision = self.next_revision()
            self.drop([target_id])
            self._database.run(
                "INSERT INTO vectors (track_id, model_id, revision, vector) "
                "SELECT ?, model_id, ?, vector FROM vectors WHERE track_id = ?",
                (target_id, revision, source_id),
            )
            self._database.run(
                "INSERT INTO excerpts SELECT ?, model_id, excerpt_seconds, starts_seconds, vectors "
                "FROM excerpts WHERE track_id = ?",
                (target_id, source_id),
            )

    def drop(self, track_ids: list[int], *, model_id: int | None = None) -> None:
        """Forget what was made of some tracks, by one model or by all."""
        only = "" if model_id is None else f" AND model_id = {int(model_id)}"
        for table in ("vectors", "excerpts"):
            self._database.run_many(
                f"DELETE FROM {table} WHERE track_id = ?{only}",  # noqa: S608 - names and a number
                [(track_id,) for track_id in track_ids],
            )

    def drop_other_models(self, model_id: int) -> None:
        """Forget what every other model made."""
        for table in ("vectors", "excerpts"):
            self._database.run(f"DELETE FROM {table} WHERE model_id <> ?", (model_id,))  # noqa: S608
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
        """The vectors [n, size] of tracks, given ascending; all of these tracks have one."""
        matrix = np.empty((len(ids), size), dtype=np.float32)
        if len(ids) > 1000:
            statement = (
                "SELECT track_id, vector FROM vectors WHERE model_id = ? "
                "AND track_id BETWEEN ? AND ? ORDER BY track_id"
            )
            blocks = self._database.blocks(statement, (model_id, int(ids[0]), int(ids[-1])))
            for rows in blocks:
                block_ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
                values = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
                places = np.minimum(np.searchsorted(ids, block_ids), len(ids) - 1)
                is_wanted = ids[places] == block_ids
                matrix[places[is_wanted]] = values.reshape(-1, size)[is_wanted]
            return matrix
        for place, track_id in enumerate(ids.tolist()):
            matrix[place] = self.vector(model_id, track_id)
        return matrix

    def has(self, model_id: int, track_id: int) -> bool:
        """Whether a track has a vector of a model."""
        statement = "SELECT 1 FROM vectors WHERE model_id = ? AND track_id = ?"
        return bool(self._database.rows(statement, (model_id, track_id)))

    def vector(self, model_id: int, track_id: int) -> NDArray[np.float32]:
        """The vector [size] of a track; raises KeyError if it has none of this model."""
        rows = self._database.rows(
            "SELECT vector FROM vectors WHERE model_id = ? AND track_id = ?", (model_id, track_id)
        )
        if not rows:
            raise KeyError(track_id)
        return np.frombuffer(rows[0][0], dtype="<f4")

    def excerpts(self, model_id: int, track_id: int, *, size: int) -> TrackExcerpts | None:
        """The excerpts of a track; None if the library is older than stored excerpts."""
        rows = self._database.rows(
            "SELECT vectors, starts_seconds, excerpt_seconds FROM excerpts "
            "WHERE model_id = ? AND track_id = ?",
            (model_id, track_id),
        )
        if not rows:
            return None
        vectors = np.frombuffer(rows[0][0], dtype="<f2").reshape(-1, size).astype(np.float32)
        return TrackExcerpts(vectors, np.frombuffer(rows[0][1], dtype="<f4"), rows[0][2])

    def _ids(self, statement: str, *values: int) -> IdArray:
        rows = self._database.rows(statement, values)
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))


def _bytes(values: NDArray[np.floating], kind: str) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()
