"""What indexing writes down: which file is which track, what is gone, what failed.

Nothing here commits by itself: the caller's transaction says what belongs together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from embedder.errors import CorruptArtefact
from index.catalogue.catalogue import Catalogue
from index.catalogue.sounds import PREFIX
from index.catalogue.track_checksums import seal_tracks

PREVIOUS_MODEL = "previous_model"  # a setting: the fingerprint of the model before
OF_THE_AUDIO = (
    *(("measurements", "track_id"), ("measured", "track_id")),
    *(("copies", "track_id"), ("copies", "other_id")),
)
"""Tables and columns with what is true of a track only while its audio is the same."""
NO_STATE = (-1, 0)
"""A size and time that no file has."""
PathKey = bytes
"""A track's place: the path, and for a part of a file NUL and its number, which no path holds."""


def path_key(path: bytes, part: int) -> PathKey:
    """The key of a place."""
    return path if part == 0 else b"%s\0%d" % (path, part)


def place_of(key: PathKey) -> tuple[bytes, int]:
    """The path and part of a key."""
    path, _, part = key.partition(b"\0")
    return path, int(part or b"0")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A track's place and the state of the file when it was last read."""

    id: int
    path: bytes
    part: int
    size_bytes: int
    modified_ns: int
    start_seconds: float | None
    end_seconds: float | None
    audio_digest: bytes


@dataclass(frozen=True, slots=True)
class FileFacts:
    """All that is known about a track before it is analysed."""

    path: bytes
    part: int
    size_bytes: int
    modified_ns: int
    start_seconds: float | None
    end_seconds: float | None
    audio_digest: bytes
    title: str
    artist: str
    album: str
    genre: str
    year: int | None
    track_number: int | None
    duration_seconds: float | None
    tags: tuple[tuple[str, str], ...]


class Ledger:
    """The changes that indexing makes to a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._database = catalogue.database
        self._revisions = catalogue.revisions
        self._vectors = catalogue.vectors
        self._measured = catalogue.measured

    def known_stats(self) -> dict[PathKey, tuple[int, int, int, int]]:
        """By place: id, size, time of change and whether it is gone, of every track.

        Plain tuples in one query: a rescan of many thousand files is mostly this.
        """
        stats = {
            row[0]: row[1:]
            for row in self._database.rows(
                "SELECT path, id, size_bytes, modified_ns, is_gone FROM tracks WHERE part = 0"
            )
        }
        for path, part, *rest in self._database.rows(
            "SELECT path, part, id, size_bytes, modified_ns, is_gone FROM tracks WHERE part > 0"
        ):
            stats[path_key(path, part)] = tuple(rest)
        if any(type(key) is not bytes for key in stats):
            raise CorruptArtefact(self._database.damaged("a path has a wrong type"))
        return stats

    def known_file(self, track_id: int) -> KnownFile:
        """A track's place in full."""
        row = self._database.rows(
            "SELECT id, path, part, size_bytes, modified_ns, start_seconds, end_seconds, "
            "audio_digest FROM tracks WHERE id = ?",
            (track_id,),
        )[0]
        return KnownFile(*row)

    def stretches(self) -> dict[int, tuple[float | None, float | None]]:
        """Start and end of every track that is a part of a file."""
        statement = "SELECT id, start_seconds, end_seconds FROM tracks WHERE part > 0"
        return {row[0]: (row[1], row[2]) for row in self._database.rows(statement)}

    def ids_with_digest(self, digest: bytes) -> list[int]:
        """The tracks of a recording, oldest first."""
        statement = "SELECT id FROM tracks WHERE audio_digest = ? ORDER BY id"
        return [row[0] for row in self._database.rows(statement, (digest,))]

    def insert(self, facts: FileFacts) -> int:
        """A new track; its id."""
        names, values = zip(*_columns(facts), strict=True)
        marks = ",".join("?" * len(names))
        track_id = self._database.run(
            f"INSERT INTO tracks ({','.join(names)}) VALUES ({marks})",
            values,
        )
        seal_tracks(self._database, [track_id])
        self._put_tags(track_id, facts)
        return track_id

    def update(self, track_id: int, facts: FileFacts) -> None:
        """Write a track's place, state and tags. Its vectors stay.

        Its measurements stay too, unless the audio is another one.
        """
        for table, column in OF_THE_AUDIO:
            self._database.run(
                f"DELETE FROM {table} WHERE {column} = ? AND EXISTS "
                "(SELECT 1 FROM tracks WHERE id = ? AND audio_digest <> ?)",
                (track_id, track_id, facts.audio_digest),
            )
        names, values = zip(*_columns(facts), strict=True)
        assignments = ",".join(f"{name} = ?" for name in names)
        self._database.run(
            f"UPDATE tracks SET {assignments}, is_gone = 0 WHERE id = ?",
            [*values, track_id],
        )
        seal_tracks(self._database, [track_id])
        self._put_tags(track_id, facts)

    def put_aside(self, track_ids: Iterable[int]) -> None:
        """Take tracks off their places, so that others can take these within a transaction."""
        self._database.run_many(
            "UPDATE tracks SET path = CAST('/' || char(0) || id AS BLOB), part = 0 WHERE id = ?",
            [(track_id,) for track_id in track_ids],
        )

    def tags_are(self, track_id: int, facts: FileFacts) -> bool:
        """Whether a track already has these tags."""
        row = self._database.rows(
            "SELECT title, artist, album, genre, year, track_number FROM tracks WHERE id = ?",
            (track_id,),
        )[0]
        now = (facts.title, facts.artist, facts.album, facts.genre, facts.year, facts.track_number)
        if row != now:
            return False
        rows = self._database.rows("SELECT field, value FROM tags WHERE track_id = ?", (track_id,))
        return set(rows) == set(facts.tags)

    def mark_gone(self, track_ids: Sequence[int], *, is_gone: bool = True) -> None:
        """Mark tracks as gone, or as back."""
        if not track_ids:
            return
        with self._database.transaction():
            self._revisions.advance()
            self._database.run_many(
                "UPDATE tracks SET is_gone = ? WHERE id = ?",
                [(int(is_gone), track_id) for track_id in track_ids],
            )
            seal_tracks(self._database, track_ids)

    def remove(self, track_ids: Sequence[int]) -> None:
        """Delete tracks with their tags, measurements and vectors."""
        if not track_ids:
            return
        with self._database.transaction():
            self._revisions.advance()
            ids = [(track_id,) for track_id in track_ids]
            self._database.run_many("DELETE FROM tracks WHERE id = ?", ids)

    def gone(self) -> list[int]:
        """The tracks that are marked as gone."""
        return [row[0] for row in self._database.rows("SELECT id FROM tracks WHERE is_gone")]

    def lacking(self, model_id: int) -> list[int]:
        """The tracks whose files are there and that have no vector of a model."""
        rows = self._database.rows(
            "SELECT id FROM tracks WHERE NOT is_gone AND NOT EXISTS "
            "(SELECT 1 FROM vectors WHERE model_id = ? AND track_id = tracks.id) ORDER BY id",
            (model_id,),
        )
        return [row[0] for row in rows]

    def set_duration(self, track_id: int, seconds: float) -> None:
        """How long a track is, as its audio says; what its tags said is a guess."""
        statement = "UPDATE tracks SET duration_seconds = ? WHERE id = ?"
        self._database.run(statement, (seconds, track_id))
        seal_tracks(self._database, [track_id])

    def remove_if_without_vectors(self, track_id: int) -> None:
        """Forget a track that no model has a vector of."""
        self._database.run(
            "DELETE FROM tracks WHERE id = ? AND NOT EXISTS "
            "(SELECT 1 FROM vectors WHERE vectors.track_id = tracks.id)",
            (track_id,),
        )

    def switch_to(self, model_id: int) -> None:
        """Make a model the one that searches use, and delete all other vectors."""
        with self._database.transaction():
            self._revisions.advance()
            self._database.run(
                "INSERT OR REPLACE INTO settings SELECT ?, fingerprint FROM models "
                "JOIN settings ON key = 'current_model' AND value = models.id",
                (PREVIOUS_MODEL,),
            )
            self._database.run(
                "INSERT OR REPLACE INTO settings VALUES ('current_model', ?)", (str(model_id),)
            )
            self._vectors.drop_other_models(model_id)
            self.remove_without_vectors()

    def remove_without_vectors(self) -> None:
        """Forget tracks that no model has a vector of."""
        self._database.run(
            "DELETE FROM tracks WHERE NOT EXISTS "
            "(SELECT 1 FROM vectors WHERE vectors.track_id = tracks.id)"
        )

    def failures(self) -> dict[PathKey, tuple[int, int, str, str]]:
        """By place: size, time of change, the model's fingerprint and the reason."""
        return {
            path_key(row[0], row[1]): row[2:]
            for row in self._database.rows(
                "SELECT path, part, size_bytes, modified_ns, fingerprint, reason FROM failures"
            )
        }

    def put_failure(
        self, path: bytes, part: int, *, stat: tuple[int, int], fingerprint: str, reason: str
    ) -> None:
        """Record that a file, in its present state, could not be used.

        With the state `NO_STATE`, the next run tries it again.
        """
        self._database.run(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?)",
            (path, part, *stat, fingerprint, reason),
        )

    def drop_failures(self, places: Iterable[tuple[bytes, int]]) -> None:
        """Forget the failures of files that can be used now or are gone."""
        self._database.run_many("DELETE FROM failures WHERE path = ? AND part = ?", places)

    def put_measurements(self, measurements: Iterable[tuple[int, str, str]]) -> None:
        """Keep what was measured from the audio: track id, field and value."""
        self._database.run_many(
            "INSERT OR REPLACE INTO measurements VALUES (?, ?, ?)", measurements
        )

    def replace_sounds(self, track_id: int, values: Iterable[tuple[str, str]]) -> None:
        """Replace what a model's tags say of a track: fields and values."""
        self._database.run(
            "DELETE FROM measurements WHERE track_id = ? AND substr(field, 1, ?) = ?",
            (track_id, len(PREFIX), PREFIX),
        )
        self.put_measurements((track_id, field, value) for field, value in values)

    def copy_measurements(self, source_id: int, track_id: int) -> None:
        """Give a track what was measured of another copy of its recording."""
        self._database.run(
            "INSERT OR REPLACE INTO measurements "
            "SELECT ?, field, value FROM measurements WHERE track_id = ?",
            (track_id, source_id),
        )
        self._measured.copy(source_id, track_id)

    def _put_tags(self, track_id: int, facts: FileFacts) -> None:
        self._database.run("DELETE FROM tags WHERE track_id = ?", (track_id,))
        self._database.run_many(
            "INSERT OR IGNORE INTO tags VALUES (?, ?, ?)",
            [(track_id, field, value) for field, value in facts.tags],
        )


def _columns(facts: FileFacts) -> list[tuple[str, int | float | str | bytes | None]]:
    return [(item.name, getattr(facts, item.name)) for item in fields(facts) if item.name != "tags"]
