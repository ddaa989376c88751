"""A file as a source: played by the clock, or as fast as it can be decoded.

A child process decodes it, ahead of what is played, so a file that crashes FFmpeg is an error.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

from embedder.audio.decoders import shared_decoders
from embedder.audio.decoding import probe
from embedder.audio.streaming import stream_from_child
from embedder.errors import BadInput, SoundalikeError, UsageError, printable_path
from soundalike.live.sources.source import Floats, Warn, logger, paced


class FileSource:
    """An audio file. `speed` 1 plays it by the clock, 0 as fast as it goes; 2 is twice as fast."""

    patience_seconds: float | None = None

    def __init__(self, path: Path | str, *, speed: float = 1.0) -> None:
        if not 0 <= speed <= 100:
            raise UsageError(f"speed = {speed:g}: give 1 for real time, 0 for as fast as it goes")
        self.path = Path(path)
        self.name = printable_path(self.path)
        self.sample_rate = shared_decoders().run(self.path, probe, self.path).sample_rate
        self.is_live = speed > 0
        self.warn: Warn = logger.warning
        self._speed = speed
        self._stop = threading.Event()

    def blocks(self) -> Iterator[Floats]:
        """Its samples, mono."""
        blocks = stream_from_child(self.path)
        if self._speed:
            return paced(blocks, self._speed * self.sample_rate, stop=self._stop)
        return blocks

    def stalled(self) -> SoundalikeError:
        """A file is read from a disk, which may hang."""
        return BadInput(f"{self.name}: reading it takes too long")

    def close(self) -> None:
        """Stop playing."""
        self._stop.set()
