"""An opened data set: rows, arrays if it contains them, and digests of its contents."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.array_stores import ArrayStore, load_npy
from embedder.datasets.labels import count_labels
from embedder.datasets.records import SIDES, LeftOut, Side, TrackRow
from embedder.datasets.tables import nearest_hint
from embedder.errors import DatasetError


@dataclass(frozen=True)
class Dataset:
    """Tracks with labels. Immutable: a split or a selection makes another data set."""

    root: Path
    layout: str
    rows: tuple[TrackRow, ...]
    store: ArrayStore | None = None
    extra_vectors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Named float arrays `[len(rows), d]` of the data set, such as a teacher's vectors."""
    left_out: tuple[LeftOut, ...] = ()
    split_origin: str = ""
    """How the split was made, in words; empty if no row has a side."""

    @property
    def label_fields(self) -> tuple[str, ...]:
        """Fields in which at least one track has a label, genre first."""
        names = {name for row in self.rows for name, values in row.labels.items() if values}
        return tuple(sorted(names, key=lambda name: (name != "genre", name)))

    def require_field(self, label_field: str) -> None:
        """Refuse a label field that no track has."""
        if not self.label_fields:
            raise DatasetError(
                f"{self.root.name}: no track has a label. Labels come from a folder for each "
                f"label, a table with a column {label_field!r}, or the tags in the files."
            )
        if label_field not in self.label_fields:
            raise DatasetError(
                f"{self.root.name}: no label field {label_field!r}. "
                f"{nearest_hint(label_field, self.label_fields)}"
            )

    @cached_property
    def arrays(self) -> NDArray[Any]:
        """The arrays of all rows in their order, `[len(rows), …]`, loaded on first use."""
        if self.store is None:
            raise DatasetError(f"{self.root.name}: the data set holds audio files, not arrays.")
        arrays = self.store.load()
        array_rows = np.array([row.array_row for row in self.rows], dtype=np.int64)
        if np.array_equal(array_rows, np.arange(len(arrays))):
            return arrays
        chosen_arrays: NDArray[Any] = arrays[array_rows]
        return chosen_arrays

    def array(self, position: int) -> NDArray[Any]:
        """The array of one row. Waveforms with a file for each track are read one at a time."""
        array_row = self.rows[position].array_row
        if self.store is None or array_row is None or not self.store.has_file_per_track:
            row_array: NDArray[Any] = self.arrays[position]
            return row_array
        return load_npy(self.store.files[array_row])

    def positions(self, side: Side) -> NDArray[np.int64]:
        """Positions in `rows` of the tracks on one side."""
        return np.array([i for i, row in enumerate(self.rows) if row.split == side], dtype=np.int64)

    def subset(self, positions: Sequence[int] | NDArray[np.int64]) -> "Dataset":
        """The data set of these rows only, in this order."""
        row_numbers = [int(position) for position in positions]
        return replace(
            self,
            rows=tuple(self.rows[position] for position in row_numbers),
            extra_vectors={name: array[row_numbers] for name, array in self.extra_vectors.items()},
        )

    @cached_property
    def digest(self) -> str:
        """Digest of names, sizes and labels, not of every byte: the same in any folder."""
        digest = hashlib.blake2b(digest_size=16)
        if self.store is not None:
            digest.update(f"{self.store.kind} {self.store.size_bytes}\n".encode())
        for row in sorted(self.rows, key=lambda row: row.key):
            size = row.path.stat().st_size if row.path is not None and row.path.exists() else 0
            labels = {name: list(values) for name, values in row.labels.items() if values}
            _add_line(digest, [row.key, size, labels, row.artist, row.album])
        return digest.hexdigest()

    @cached_property
    def split_digest(self) -> str:
        """Digest of the side of each track."""
        digest = hashlib.blake2b(digest_size=16)
        for row in sorted(self.rows, key=lambda row: row.key):
            _add_line(digest, [row.key, row.split])
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Counts for a report or a card: tracks, labels, sides, artists, tracks left out."""
        sides = {side or "none": len(self.positions(side)) for side in (*SIDES, "")}
        return {
            "name": self.root.name,
            "layout": self.layout,
            "tracks": len(self.rows),
            "arrays": None if self.store is None else self.store.kind,
            "array_shape": None if self.store is None else list(self.store.shape),
            "labels": {
                name: dict(count_labels(self.rows, name).most_common(50))
                for name in self.label_fields
            },
            "groups": len({row.group for row in self.rows if row.group is not None}),
            "tracks_without_group": sum(row.group is None for row in self.rows),
            "repeats": sum(bool(row.duplicate_of) for row in self.rows),
            "extra_vectors": {k: list(array.shape) for k, array in self.extra_vectors.items()},
            "split": {side: count for side, count in sides.items() if count},
            "split_origin": self.split_origin,
            "left_out": len(self.left_out),
            "digest": self.digest,
            "split_digest": self.split_digest,
        }


def _add_line(digest: "hashlib.blake2b", parts: list[object]) -> None:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)  # keeps names that are not UTF-8
    digest.update(text.encode("ascii") + b"\n")
