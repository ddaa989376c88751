"""Record takes into a folder: from a live source, or out of a recording at its pauses."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from embedder.audio.decoding import read_whole
from embedder.errors import BadInput, UsageError, printable_path
from soundalike.live.recording.folder import Take, TakesFolder
from soundalike.live.recording.recorder import Recorder
from soundalike.live.recording.takes import cut_at_pauses, silence_of_recording

LONGEST_RECORDING_SECONDS = 2 * 3600.0
NEXT_COUNTDOWN_SECONDS = 1.0
"""The longest count-down before the second take and those after it."""


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """How takes are recorded or cut."""

    n_takes: int | None = None
    """None: one from a live source, all from a recording."""
    take_seconds: float | None = None
    """None: until a pause."""
    pause_seconds: float = 0.5
    countdown_seconds: float = 3.0
    silence_db: float | None = None
    """None: measured, in the room during the count-down, or over the recording."""
    plays_back: bool = False

    def __post_init__(self) -> None:
        if self.n_takes is not None and self.n_takes < 1:
            raise UsageError(f"take = {self.n_takes}: give 1 or more")
        if self.take_seconds is not None and not 0.1 <= self.take_seconds <= 60:
            raise UsageError(f"seconds = {self.take_seconds:g}: give 0.1 to 60")
        if not 0.1 <= self.pause_seconds <= 10:
            raise UsageError(f"pause = {self.pause_seconds:g}: give 0.1 to 10 seconds")
        if not 0 <= self.countdown_seconds <= 60:
            raise UsageError(f"countdown = {self.countdown_seconds:g}: give 0 to 60 seconds")


class Watcher(Protocol):
    """Shows a person what goes on."""

    def countdown(self, n_take: int, level_db: float) -> None:
        """The room's level, while take `n_take` is about to begin."""
        ...

    def recording(self, n_take: int, level_db: float) -> None:
        """The level, while take `n_take` is recorded."""
        ...


def record_takes(
    recorder: Recorder, folder: TakesFolder, settings: RecordSettings, watcher: Watcher
) -> Iterator[Take]:
    """Each take, as soon as it is saved; with `plays_back`, after it was played."""
    for number in range(1, (settings.n_takes or 1) + 1):
        countdown_seconds = settings.countdown_seconds
        if number > 1:
            countdown_seconds = min(countdown_seconds, NEXT_COUNTDOWN_SECONDS)
            if countdown_seconds or settings.plays_back:
                recorder.skip()

        def on_room(level: float, number: int = number) -> None:
            watcher.countdown(number, level)

        def on_level(level: float, number: int = number) -> None:
            watcher.recording(number, level)

        recorder.room(countdown_seconds, on_level=on_room)
        if settings.take_seconds is not None:
            samples = recorder.take_of(settings.take_seconds, on_level=on_level)
        else:
            samples = recorder.take_until_silence(
                pause_seconds=settings.pause_seconds, on_level=on_level
            )
        take = folder.save(samples, recorder.sample_rate, silence_db=recorder.threshold_db)
        if settings.plays_back:
            from soundalike.live.sources.portaudio import play

            play(samples, recorder.sample_rate)
        yield take


def takes_in_recording(path: Path, folder: TakesFolder, settings: RecordSettings) -> Iterator[Take]:
    """Each take that was cut out of a recording, as soon as it is saved."""
    recording = read_whole(path, max_seconds=LONGEST_RECORDING_SECONDS)
    samples, rate = recording.samples, recording.sample_rate
    silence_db = settings.silence_db
    if silence_db is None:
        silence_db = silence_of_recording(samples, rate)
    parts = cut_at_pauses(
        samples,
        rate,
        silence_db=silence_db,
        pause_seconds=settings.pause_seconds,
        take_seconds=settings.take_seconds,
    )
    if not parts:
        raise BadInput(
            f"{printable_path(path)}: nothing in it is louder than {silence_db:.0f} dB. Give a "
            "lower --silence."
        )
    for part in parts[: settings.n_takes]:
        yield folder.save(samples[part], rate, silence_db=silence_db)
