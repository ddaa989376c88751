"""What a shard has of each track: what `index` would write into a catalogue, as Parquet.

A row is a track with its vectors, or a file with the reason why it has none. The schema's metadata
names the model. Shards are data of strangers: every length and type is checked when they are read.
"""

import io
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from embedder.encoding.processes.messages import measured_of, message_of
from embedder.encoding.requests import TrackEncoding
from embedder.errors import CorruptArtefact
from embedder.features.measuring.records import Measured
from index.catalogue.ledger import FileFacts, PathKey, path_key

FORMAT = 1
_FORMAT, _FINGERPRINT, _SIZE = b"soundalike.shard", b"soundalike.model", b"soundalike.size"
_WRITTEN, _TAGS = b"soundalike.written", b"soundalike.tags"
_FLOATS, _PAIR = pa.list_(pa.float32()), pa.struct([("field", pa.string()), ("value", pa.string())])
_TYPES: dict[str, pa.DataType] = {
    "path": pa.binary(),
    "part": pa.int64(),
    "size_bytes": pa.int64(),
    "modified_ns": pa.int64(),
    "start_seconds": pa.float64(),
    "end_seconds": pa.float64(),
    "audio_digest": pa.binary(),
    "title": pa.string(),
    "artist": pa.string(),
    "album": pa.string(),
    "genre": pa.string(),
    "year": pa.int64(),
    "track_number": pa.int64(),
    "duration_seconds": pa.float64(),
    "tags": pa.list_(_PAIR),
    "note": pa.string(),
    "reason": pa.string(),
    "is_passing": pa.bool_(),
    "vector": _FLOATS,
    "excerpt_vectors": _FLOATS,
    "starts_seconds": pa.list_(pa.float64()),
    "excerpt_seconds": pa.float64(),
    "tag_probabilities": _FLOATS,
    "measured": pa.string(),
}
_FACTS = tuple(item.name for item in fields(FileFacts) if item.name != "tags")
_UNREADABLE = "not a shard that this version reads"
_LONGEST_PATH = 65_536


@dataclass(frozen=True, slots=True)
class ShardHead:
    """What a shard says of all its rows."""

    fingerprint: str
    embedding_size: int
    tags: tuple[str, ...]
    """The model's own tags, of which each track has probabilities."""
    written_ns: int = 0
    """Of two rows with one place, that of the later shard counts."""


@dataclass(frozen=True, slots=True, eq=False)
class ShardVectors:
    """What the model made of a track, and what was measured of it."""

    vector: NDArray[np.float32]
    excerpt_vectors: NDArray[np.float32]
    starts_seconds: tuple[float, ...]
    excerpt_seconds: float
    tag_probabilities: NDArray[np.float32]
    measured: tuple[Measured, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ShardTrack:
    """A row: a track with its vectors, or a file that could not be used, with the reason."""

    facts: FileFacts
    vectors: ShardVectors | None = None
    reason: str = ""
    is_passing: bool = False
    """The file may be readable later."""
    note: str = ""
    """What was left out of the facts."""

    @property
    def key(self) -> PathKey:
        """The track's place."""
        return path_key(self.facts.path, self.facts.part)

    @property
    def stat(self) -> tuple[int, int]:
        """The file's size and time of change."""
        return self.facts.size_bytes, self.facts.modified_ns


def vectors_of(encoding: TrackEncoding) -> ShardVectors:
    """What a shard has of an encoding."""
    return ShardVectors(
        encoding.vector,
        encoding.excerpt_vectors,
        encoding.starts_seconds,
        encoding.excerpt_seconds,
        encoding.tag_probabilities,
        encoding.measured,
    )


def shard_bytes(head: ShardHead, tracks: Iterable[ShardTrack]) -> bytes:
    """A shard as the content of a Parquet file."""
    metadata = {
        _FORMAT: str(FORMAT).encode(),
        _FINGERPRINT: head.fingerprint.encode(),
        _SIZE: str(head.embedding_size).encode(),
        _WRITTEN: str(time.time_ns()).encode(),
        _TAGS: json.dumps(head.tags).encode(),
    }
    schema = pa.schema(list(_TYPES.items()), metadata=metadata)
    table = pa.Table.from_pylist([_row(track) for track in tracks], schema=schema)
    content = io.BytesIO()
    parquet.write_table(table, content, compression="zstd", write_page_checksum=True)
    return content.getvalue()


def read_head(content: bytes, *, name: str) -> ShardHead:
    """What a shard says of all its rows; raises CorruptArtefact if it is none, or damaged."""
    try:
        schema = parquet.read_schema(pa.BufferReader(content))
        metadata = schema.metadata or {}
        size, tags = int(metadata[_SIZE]), json.loads(metadata[_TAGS])
        fingerprint, written_ns = metadata[_FINGERPRINT].decode(), int(metadata[_WRITTEN])
        is_ours = int(metadata[_FORMAT]) == FORMAT and size > 0
        is_ours &= {field.name: field.type for field in schema} == _TYPES
        is_ours &= all(isinstance(tag, str) for tag in tags)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptArtefact(f"{name}: {_UNREADABLE}") from error
    if not is_ours:
        raise CorruptArtefact(f"{name}: {_UNREADABLE}")
    return ShardHead(fingerprint, size, tuple(tags), written_ns)


def read_tracks(content: bytes, head: ShardHead, *, name: str) -> Iterator[ShardTrack]:
    """The rows of a shard; raises CorruptArtefact if one is damaged."""
    try:
        table = parquet.read_table(pa.BufferReader(content), page_checksum_verification=True)
        for row in table.to_pylist():
            yield _track(row, head)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptArtefact(f"{name}: it is damaged ({error})") from error


@dataclass(frozen=True, slots=True)
class PlaceState:
    """The state in which a file was analysed, or failed."""

    stat: tuple[int, int]
    reason: str
    is_passing: bool


def places_in(content: bytes, *, name: str) -> dict[PathKey, PlaceState]:
    """The states of a shard's files."""
    columns = ["path", "part", "size_bytes", "modified_ns", "reason", "is_passing"]
    try:
        table = parquet.read_table(
            pa.BufferReader(content), columns=columns, page_checksum_verification=True
        )
        return {
            path_key(row["path"], row["part"]): PlaceState(
                (row["size_bytes"], row["modified_ns"]), row["reason"], bool(row["is_passing"])
            )
            for row in table.to_pylist()
        }
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise CorruptArtefact(f"{name}: it is damaged ({error})") from error


def _row(track: ShardTrack) -> dict[str, Any]:
    facts, vectors = track.facts, track.vectors
    row = {name: getattr(facts, name) for name in _FACTS}
    row["tags"] = [{"field": field, "value": value} for field, value in facts.tags]
    row |= {"note": track.note, "reason": track.reason, "is_passing": track.is_passing}
    if vectors is not None:
        row |= {
            "vector": vectors.vector,
            "excerpt_vectors": vectors.excerpt_vectors.reshape(-1),
            "starts_seconds": vectors.starts_seconds,
            "excerpt_seconds": vectors.excerpt_seconds,
            "tag_probabilities": vectors.tag_probabilities,
            "measured": json.dumps([message_of(measured) for measured in vectors.measured]),
        }
    return row


def _track(row: dict[str, Any], head: ShardHead) -> ShardTrack:
    tags = tuple((pair["field"], pair["value"]) for pair in row["tags"])
    facts = FileFacts(**{name: row[name] for name in _FACTS}, tags=tags)
    if not facts.path or b"\0" in facts.path or len(facts.path) > _LONGEST_PATH:
        raise ValueError("a path is none")
    if facts.part < 0 or facts.audio_digest is None:
        raise ValueError("a track has no digest")
    if not all(isinstance(text, str) for pair in tags for text in pair):
        raise ValueError("a tag is no text")
    vectors = None if row["vector"] is None else _vectors(row, head)
    if (vectors is None) != bool(row["reason"]):
        raise ValueError("a track has neither vectors nor a reason")
    return ShardTrack(facts, vectors, row["reason"], bool(row["is_passing"]), row["note"] or "")


def _vectors(row: dict[str, Any], head: ShardHead) -> ShardVectors:
    starts = tuple(row["starts_seconds"])
    vector = np.array(row["vector"], dtype=np.float32)
    excerpts = np.array(row["excerpt_vectors"], dtype=np.float32).reshape(len(starts), -1)
    probabilities = np.array(row["tag_probabilities"], dtype=np.float32)
    if vector.shape != (head.embedding_size,) or excerpts.shape[1] != head.embedding_size:
        raise ValueError("a vector has another size")
    if probabilities.shape != (len(head.tags),):
        raise ValueError("the probabilities of tags are incomplete")
    if not (np.isfinite(vector).all() and np.isfinite(excerpts).all()):
        raise ValueError("a vector is not finite")
    measured = tuple(measured_of(message) for message in json.loads(row["measured"]))
    return ShardVectors(
        vector, excerpts, starts, float(row["excerpt_seconds"]), probabilities, measured
    )
