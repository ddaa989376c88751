"""A module like sounddevice with devices that misbehave, because test machines have none."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import numpy as np

BLOCK = np.full((400, 2), 0.1, dtype=np.float32)


class PortAudioError(Exception):
    """As in sounddevice: a message and a code."""


class FakeSounddevice:
    """Two microphones and a loudspeaker.

    `open_code` is the error of opening one; `unplug_after` blocks it stops, `sleep_after` blocks it
    gives no more sound; `is_muted` makes it silent and `overflows` lose sound.
    """

    PortAudioError = PortAudioError

    def __init__(
        self,
        *,
        devices: list[dict[str, Any]] | None = None,
        open_code: int | None = None,
        unplug_after: int | None = None,
        sleep_after: int | None = None,
        is_muted: bool = False,
        overflows: bool = False,
    ) -> None:
        self.default = SimpleNamespace(device=(1, 0))
        self.devices = default_devices() if devices is None else devices
        self.open_code, self.unplug_after, self.sleep_after = open_code, unplug_after, sleep_after
        self.is_muted, self.overflows = is_muted, overflows
        self.opened: list[dict[str, Any]] = []
        self.played: list[tuple[Any, int]] = []

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def play(self, samples: Any, rate: int, *, blocking: bool) -> None:
        assert blocking
        self.played.append((samples, rate))

    def InputStream(self, **options: Any) -> "FakeStream":  # noqa: N802 - its name there
        self.opened.append(options)
        if self.open_code is not None:
            raise PortAudioError("cannot open [PaErrorCode]", self.open_code)
        return FakeStream(self, options["callback"], options["channels"])


class FakeStream:
    """Calls back from a thread of its own, a hundred times a second."""

    def __init__(self, fake: FakeSounddevice, callback: Callable[..., None], channels: int) -> None:
        self._fake, self._callback, self._channels = fake, callback, channels
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.active = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        status = SimpleNamespace(input_overflow=self._fake.overflows)
        block = BLOCK[:, : self._channels] * (0 if self._fake.is_muted else 1)
        n_given = 0
        while not self._stop.is_set():
            if n_given == self._fake.unplug_after:
                self.active = False
                return
            if self._fake.sleep_after is None or n_given < self._fake.sleep_after:
                self._callback(block, len(block), None, status)
                n_given += 1
            time.sleep(0.002)


def default_devices() -> list[dict[str, Any]]:
    """A loudspeaker, a built-in microphone (the default one) and a USB microphone."""
    rows = [("Speakers", 0, 48000.0), ("Built-in Mic", 2, 44100.0), ("USB Mic", 1, 8000.0)]
    return [
        {"name": name, "hostapi": 0, "max_input_channels": n, "default_samplerate": rate}
        for name, n, rate in rows
    ]
