"""Standard input, or any stream of bytes, as a source: WAV or raw PCM."""

import queue
import threading
from collections.abc import Iterator
from typing import Protocol

from embedder.errors import BadInput, SoundalikeError
from soundalike.live.sources.pcm import PcmFormat, read_wav_header
from soundalike.live.sources.source import BLOCK_SECONDS, Floats, Warn, logger, paced

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.2
CHUNK_BYTES = 8192
MAX_CHUNKS = 8
"""How much is read ahead: the writer of the stream waits then."""


class ByteStream(Protocol):
    """A stream of bytes, such as `sys.stdin.buffer.raw` or a socket's file.

    An unbuffered one gives sound as soon as it is there.
    """

    def read(self, size: int, /) -> bytes | None:
        """Up to `size` bytes; none at the end."""
        ...


class PipeSource:
    """A stream of WAV, or of raw samples if their format is given.

    With `speed` 1, the stream is read no faster than in real time, and windows that would come too
    late are left out. With 0, every window is used, and the writer of the stream has to wait.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        raw: PcmFormat | None = None,
        speed: float = 1.0,
        name: str = "standard input",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.name = name
        self.is_live = speed > 0
        self.patience_seconds: float | None = patience_seconds
        self.warn: Warn = logger.warning
        self._speed = speed
        self._stop = threading.Event()
        self._chunks: queue.Queue[bytes | OSError] = queue.Queue(MAX_CHUNKS)
        self._rest = b""
        self._n_left: int | None = None
        threading.Thread(
            target=self._fill, args=(stream,), name="soundalike-pipe", daemon=True
        ).start()
        if raw is None:
            raw, self._n_left = read_wav_header(name, self._read_exactly)
        self._format = raw
        self.sample_rate = raw.sample_rate

    def blocks(self) -> Iterator[Floats]:
        """The samples, mono, to the end of the stream."""
        if self._speed:
            return paced(self._read(), self._speed * self.sample_rate, stop=self._stop)
        return self._read()

    def stalled(self) -> SoundalikeError:
        """The error for a pipe that gives nothing and is not closed."""
        return BadInput(
            f"{self.name}: no sound for {self.patience_seconds:g} seconds. The program that writes "
            "to the pipe has stalled; --patience S waits longer."
        )

    def close(self) -> None:
        """Stop reading. A read that waits for its writer is left alone."""
        self._stop.set()

    def _read(self) -> Iterator[Floats]:
        frame_bytes = self._format.frame_bytes
        n_wanted = max(round(BLOCK_SECONDS * self.sample_rate), 1) * frame_bytes
        rest = b""
        is_empty = True
        while not self._stop.is_set():
            data = self._read_some(n_wanted)
            if not data:
                break
            data = rest + data
            n_whole = len(data) // frame_bytes * frame_bytes
            data, rest = data[:n_whole], data[n_whole:]
            if data:
                is_empty = False
                yield self._format.mono(data)
        if is_empty and not self._stop.is_set():
            raise BadInput(f"{self.name}: there is no sound in it")

    def _fill(self, stream: ByteStream) -> None:
        """Read the stream in a thread of its own: a read may wait for ever."""
        chunk: bytes | OSError = b"?"
        while chunk and not isinstance(chunk, OSError) and not self._stop.is_set():
            try:
                chunk = stream.read(CHUNK_BYTES) or b""
            except OSError as error:
                chunk = error
            while not self._stop.is_set():
                try:
                    self._chunks.put(chunk, timeout=LOOK_SECONDS)
                    break
                except queue.Full:
                    continue

    def _read_some(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end. Raises the stalled error after the patience."""
        if self._n_left is not None:
            size = min(size, self._n_left)
        if not self._rest and size:
            try:
                chunk = self._chunks.get(timeout=self.patience_seconds)
            except queue.Empty:
                raise self.stalled() from None
            if isinstance(chunk, OSError):
                raise BadInput(f"{self.name}: reading failed: {chunk.strerror}") from chunk
            if not chunk:
                self._chunks.put(chunk)  # the end stays the end
            self._rest = chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        if self._n_left is not None:
            self._n_left -= len(data)
        return data

    def _read_exactly(self, size: int) -> bytes:
        parts: list[bytes] = []
        n_read = 0
        while n_read < size and (part := self._read_some(size - n_read)):
            parts.append(part)
            n_read += len(part)
        return b"".join(parts)
