"""A microphone, or another device with an input, as a source.

PortAudio calls us from its own thread, which must never wait: it only puts a copy into a queue.
"""

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from embedder.errors import DeviceError, SoundalikeError
from soundalike.live.sources.pcm import mono_of
from soundalike.live.sources.portaudio import (
    InputDevice,
    choose_device,
    device_error,
    load_sounddevice,
    silent_hint,
)
from soundalike.live.sources.source import BLOCK_SECONDS, Floats, Warn, logger

PATIENCE_SECONDS = 3.0
LOOK_SECONDS = 0.2
SUSPICIOUS_SECONDS = 2.0
"""Real rooms are never digitally silent for so long."""


class Microphone:
    """Records from a device by its number or a part of its name; by default the system's own."""

    def __init__(self, device: str = "", *, sample_rate: int = 0) -> None:
        self.device: InputDevice = choose_device(device)
        self.name = self.device.name
        self.sample_rate = sample_rate or self.device.sample_rate
        self.is_live = True
        self.patience_seconds: float | None = PATIENCE_SECONDS
        self.warn: Warn = logger.warning
        self.n_overflows = 0
        """How often the computer was too slow to take sound from the device."""
        self._queue: queue.SimpleQueue[Floats] = queue.SimpleQueue()
        self._stop = threading.Event()

    def blocks(self) -> Iterator[Floats]:
        """Sound as it is recorded, mono, until `close`."""
        sounddevice = load_sounddevice()
        try:
            stream = sounddevice.InputStream(
                device=self.device.number,
                samplerate=self.sample_rate,
                channels=min(self.device.n_channels, 2),
                blocksize=round(BLOCK_SECONDS * self.sample_rate),
                dtype="float32",
                callback=self._take,
            )
            with stream:
                yield from self._recorded(stream)
        except sounddevice.PortAudioError as error:
            raise device_error(
                error,
                name=self.name,
                sample_rate=self.sample_rate,
                default_rate=self.device.sample_rate,
            ) from error

    def stalled(self) -> SoundalikeError:
        """The error for a device that is there and records nothing."""
        return DeviceError(f"{self.name}: no more sound. Was it unplugged, or is it asleep?")

    def close(self) -> None:
        """Stop recording."""
        self._stop.set()

    def _take(self, data: Any, n_samples: int, time: Any, status: Any) -> None:
        del n_samples, time
        if status and status.input_overflow:
            self.n_overflows += 1
        self._queue.put(mono_of(np.asarray(data, dtype=np.float32)))

    def _recorded(self, stream: Any) -> Iterator[Floats]:
        n_silent = 0
        was_heard = has_warned = False
        while not self._stop.is_set():
            try:
                block = self._queue.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if not stream.active:
                    raise self.stalled() from None
                continue
            if not was_heard:
                was_heard = bool(block.any())
                n_silent += len(block)
                if not was_heard and n_silent >= SUSPICIOUS_SECONDS * self.sample_rate:
                    was_heard = True  # once is enough
                    self.warn(silent_hint(self.name))
            if self.n_overflows and not has_warned:
                has_warned = True
                self.warn(f"{self.name}: sound was lost, because the computer was too busy.")
            yield block
