"""A source of samples in memory, a model whose labels are `calm` and `loud`, and sound for them."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import BadInput, SoundalikeError
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.tagged_models import CONFIG
from tests.index.labels.classify.test_classify import label_head

Floats = NDArray[np.float32]
RATE = 8000


class ArraySource:
    """Blocks in memory, as a source; a live one gives them as fast as they are taken."""

    name = "array"

    def __init__(
        self,
        blocks: Sequence[Floats],
        *,
        sample_rate: int = RATE,
        is_live: bool = False,
        error: Exception | None = None,
        stalls: bool = False,
    ) -> None:
        self.sample_rate = sample_rate
        self.is_live = is_live
        self.patience_seconds: float | None = 0.3 if stalls else None
        self.remarks: list[str] = []
        self.warn = self.remarks.append
        self.closed = threading.Event()
        self._blocks, self._error, self._stalls = blocks, error, stalls

    def blocks(self) -> Iterator[Floats]:
        """The blocks, then the error if there is one."""
        yield from self._blocks
        if self._error is not None:
            raise self._error
        while self._stalls and not self.closed.is_set():
            time.sleep(0.01)

    def stalled(self) -> SoundalikeError:
        """The error of a stalled source."""
        return BadInput("array: it stalled")

    def close(self) -> None:
        """Let `blocks` end."""
        self.closed.set()


def write_labelled_model(folder: Path) -> Path:
    """A tiny model with a label head, for 8 kHz and excerpts of half a second."""
    save_model(folder, seeded_network(CONFIG, seed=1), label_head=label_head())
    return folder


def noise(seconds: float, *, seed: int = 0, level: float = 0.1) -> Floats:
    """White noise at 8 kHz: float32 [samples]."""
    generator = np.random.default_rng(seed)
    return (level * generator.standard_normal(round(seconds * RATE))).astype(np.float32)
