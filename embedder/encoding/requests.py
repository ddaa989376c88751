"""Records of encoding: requests, encodings and failures. It imports no torch and opens no file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from embedder.errors import AudioError
from embedder.features.measuring.records import Measured


@dataclass(frozen=True, slots=True)
class TrackRequest:
    """A file, or a part of one, to encode."""

    path: Path
    start_seconds: float | None = None
    seconds: float | None = None
    measurers: tuple[str, ...] = ()
    """The names of measurers that also get the track's sound; see `embedder.features.measuring`."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackEncoding:
    """A track's vector, which is the mean of its excerpts' vectors, and these vectors.

    vector: float32 [size]; excerpt_vectors: float32 [excerpts, size]
    tag_probabilities: float32 [tags], the mean over excerpts, of `tags`; empty if the network does
    not tag
    """

    path: Path
    vector: NDArray[np.float32]
    excerpt_vectors: NDArray[np.float32]
    starts_seconds: tuple[float, ...]
    excerpt_seconds: float
    duration_seconds: float
    tag_probabilities: NDArray[np.float32] = field(
        default_factory=lambda: np.empty(0, dtype=np.float32)
    )
    tags: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.float32]:
        """`np.asarray(encoding)` is its vector."""
        return np.array(self.vector, dtype=dtype, copy=copy)


@dataclass(frozen=True, slots=True)
class EncodingFailure:
    """A track that could not be encoded, and why."""

    path: Path
    reason: str
    is_passing: bool = False
    """The file is missing or out of reach now, and may be readable later."""

    @classmethod
    def of(cls, path: Path, error: AudioError) -> Self:
        """The failure that an error is."""
        return cls(path, error.reason, is_passing=error.is_passing)


EncodingResult = TrackEncoding | EncodingFailure


@dataclass(frozen=True, slots=True)
class TrackMeasures:
    """What measurers gave for a track."""

    path: Path
    measured: tuple[Measured, ...]


MeasuringResult = TrackMeasures | EncodingFailure


def as_requests(paths: Iterable[Path | str | TrackRequest]) -> Iterator[TrackRequest]:
    """Each path as a request for the whole file."""
    for path in paths:
        yield path if isinstance(path, TrackRequest) else TrackRequest(Path(path))
