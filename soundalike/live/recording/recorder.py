"""Takes from a live source: of a fixed length, or from the first sound to the next silence."""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import numpy as np

from embedder.errors import BadInput
from soundalike.live.capture import Capture
from soundalike.live.levels import level_db
from soundalike.live.recording.takes import silence_of_room, trimmed
from soundalike.live.ring import Floats
from soundalike.live.sources.source import BLOCK_SECONDS, Source

OnLevel = Callable[[float], None]
"""Takes the level of each moment, for a meter."""
WAIT_FOR_SOUND_SECONDS = 10.0
LONGEST_TAKE_SECONDS = 30.0
BEFORE_SECONDS = 0.2
"""How much from before the first loud moment belongs to a take."""
RING_SECONDS = 60.0
AGAIN = "Make the sound sooner or closer, or give --silence for a quieter one."


class Recorder:
    """An open source; a context manager, because it holds a device."""

    def __init__(self, source: Source, *, silence_db: float | None = None) -> None:
        """`silence_db` None: 10 dB above the room, which `room` measures."""
        self.source = source
        self.sample_rate = source.sample_rate
        self.silence_db = silence_db
        self._capture = Capture(
            source, source.sample_rate, ring_samples=round(RING_SECONDS * source.sample_rate)
        )
        self._position = 0

    def __enter__(self) -> Self:
        self._capture.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._capture.stop()

    def room(self, seconds: float, *, on_level: OnLevel) -> None:
        """Measure how loud the room is, while a person gets ready."""
        levels = []
        for block in self._blocks(seconds):
            levels.append(level_db(block))
            on_level(levels[-1])
        if self.silence_db is None and levels:
            self.silence_db = silence_of_room(float(np.median(levels)))

    def take_of(self, seconds: float, *, on_level: OnLevel) -> Floats:
        """A take of a fixed length, without silence at its ends: float32 [samples].

        If nothing in it is louder than the room, it is whole: the room is a sound, too.
        """
        blocks = []
        for block in self._blocks(seconds):
            on_level(level_db(block))
            blocks.append(block)
        samples = np.concatenate([np.empty(0, np.float32), *blocks])
        if not len(samples):
            raise BadInput(f"{self.source.name}: there is no sound in it")
        take = trimmed(samples, self.sample_rate, silence_db=self.threshold_db)
        return samples if take is None else take

    def take_until_silence(self, *, pause_seconds: float, on_level: OnLevel) -> Floats:
        """A take from the first sound to a pause: float32 [samples]."""
        n_before = round(BEFORE_SECONDS / BLOCK_SECONDS)
        n_pause = round(pause_seconds / BLOCK_SECONDS)
        blocks: list[Floats] = []
        n_silent = n_waited = 0
        has_begun = False
        for block in self._blocks(WAIT_FOR_SOUND_SECONDS + LONGEST_TAKE_SECONDS):
            level = level_db(block)
            on_level(level)
            blocks.append(block)
            n_silent = n_silent + 1 if level < self.threshold_db else 0
            if not has_begun:
                has_begun = not n_silent
                blocks = blocks[-n_before - 1 :]
                n_waited += 1
                if n_waited * BLOCK_SECONDS > WAIT_FOR_SOUND_SECONDS:
                    break
            elif n_silent >= n_pause or len(blocks) * BLOCK_SECONDS >= LONGEST_TAKE_SECONDS:
                break
        samples = np.concatenate([np.empty(0, np.float32), *blocks])
        take = trimmed(samples, self.sample_rate, silence_db=self.threshold_db)
        if take is None:
            raise BadInput(
                f"{self.source.name}: nothing louder than {self.threshold_db:.0f} dB was heard. "
                f"{AGAIN}"
            )
        return take

    def skip(self) -> None:
        """Leave out what has come meanwhile, such as a take that was played back."""
        self._position = max(self._position, self._capture.wait_for(self._position))

    @property
    def threshold_db(self) -> float:
        """Below this level there is silence."""
        return silence_of_room(-100.0) if self.silence_db is None else self.silence_db

    def _blocks(self, seconds: float) -> Iterator[Floats]:
        """The source's next sound, block by block."""
        n_left = round(seconds * self.sample_rate)
        step = max(round(BLOCK_SECONDS * self.sample_rate), 1)
        while n_left > 0:
            end = self._position + min(step, n_left)
            if self._capture.wait_for(end) < end:
                return
            samples, _ = self._capture.read(self._position, end)
            n_left -= end - self._position
            self._position = end
            yield samples
