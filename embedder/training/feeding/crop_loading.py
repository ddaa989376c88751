"""Batches of crops, made ahead of the training step by other threads, in order.

The crops of a batch depend on the seed, the epoch and the batch's number alone, not on threads
or on what came before: a run that was stopped goes on with the very crops it would have had.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.encoding.threads import map_in_threads
from embedder.training.feeding.streamed import StreamedTracks

Rows = NDArray[np.int64]


class CropSource(Protocol):
    """PreparedTracks, StreamedTracks, or anything else with crops."""

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One crop a row: float32 [batch, rows, columns]."""


@dataclass(frozen=True, slots=True)
class CropBatch:
    """What one training step needs."""

    number: int
    """Of the batch in its epoch."""
    rows: Rows
    """int64 [batch]: tracks of the source; those that could not be read are missing."""
    levels: Tensor
    """float32 [batch, rows, columns], before normalisation."""


@dataclass(frozen=True, slots=True)
class CropLoader:
    """Turns the rows that a sampler wants into crops."""

    source: CropSource
    seed: int
    workers: int = 0
    """Threads that make batches ahead; 0 makes each when it is asked for."""

    def epoch(
        self, batches: Iterable[Rows], *, epoch: int, first_batch: int = 0
    ) -> Iterator[CropBatch]:
        """The batches of an epoch. `first_batch` is the number of the first one that is given."""
        numbered = enumerate(batches, start=first_batch)
        if self.workers == 0:
            for number, rows in numbered:
                yield self._load(epoch, number, rows)
            return
        yield from map_in_threads(
            lambda item: self._load(epoch, *item), numbered, workers=self.workers
        )

    def _load(self, epoch: int, number: int, rows: Rows) -> CropBatch:
        generator = batch_generator(self.seed, epoch=epoch, batch=number)
        rows = np.asarray(rows, dtype=np.int64)
        if isinstance(self.source, StreamedTracks):
            kept, levels = self.source.readable_crops(rows, generator=generator)
            return CropBatch(number, rows[kept], levels)
        return CropBatch(number, rows, self.source.crops(rows, generator=generator))


def batch_generator(seed: int, *, epoch: int, batch: int) -> torch.Generator:
    """A generator of its own for each batch."""
    state = np.random.SeedSequence([seed, epoch, batch]).generate_state(2, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
