"""The part of a model that a library uses."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from embedder.config.model import ModelConfig
from embedder.encoding.requests import EncodingResult, MeasuringResult, TrackRequest


class Encoder(Protocol):
    """What indexing needs of a model; `embedder.encoding.encoder.TrackEncoder` is the real one."""

    @property
    def fingerprint(self) -> str:
        """The digest of weights and front end."""
        ...

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        ...

    @property
    def config(self) -> ModelConfig:
        """The front end's settings and the geometry of the vectors."""
        ...

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        """Each track's encoding or failure, in input order."""
        ...

    def measure_many(
        self, requests: Iterable[TrackRequest], *, workers: int | None = None
    ) -> Iterator[MeasuringResult]:
        """What the measurers of each request give for its track, in input order; no model runs."""
        ...
