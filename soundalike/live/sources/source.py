"""What every source of sound can do, and playing one at the speed of a clock."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedder.errors import SoundalikeError

Floats = NDArray[np.float32]
Warn = Callable[[str], None]
BLOCK_SECONDS = 0.05
"""A source that plays by the clock gives blocks of at most this length."""

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Mono sound, block by block."""

    name: str
    """What messages call it."""
    sample_rate: int
    is_live: bool
    """It goes on whether its sound is used or not: windows may be left out."""
    patience_seconds: float | None
    """How long it may give nothing before it counts as stalled; None: for ever."""
    warn: Warn
    """Takes a sentence about something that goes wrong and is no reason to end."""

    def blocks(self) -> Iterator[Floats]:
        """Sound as it comes, float32 [samples] at full scale ±1, to its end."""
        ...

    def stalled(self) -> SoundalikeError:
        """The error for a source that has given nothing for too long."""
        ...

    def close(self) -> None:
        """Stop it. `blocks` ends soon after."""
        ...


def paced(
    blocks: Iterable[Floats], samples_per_second: float, *, stop: threading.Event
) -> Iterator[Floats]:
    """The same sound, no earlier than a clock allows.

    After a delay it catches up: the time of each sample counts from the start.
    """
    step = max(round(samples_per_second * BLOCK_SECONDS), 1)
    n_played = 0
    start: float | None = None
    for block in blocks:
        for first in range(0, len(block), step):
            piece = block[first : first + step]
            n_played += len(piece)
            if start is None:
                start = time.monotonic()
            wait_seconds = start + n_played / samples_per_second - time.monotonic()
            if wait_seconds > 0:
                stop.wait(wait_seconds)
            if stop.is_set():
                return
            yield piece
