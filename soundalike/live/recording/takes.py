"""Takes: where they lie in a recording, and what is wrong with them. Arrays in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soundalike.live.levels import (
    LOWEST_DB,
    MARGIN_SECONDS,
    PART_SECONDS,
    audible_part,
    level_db,
    part_levels,
    widened,
)
from soundalike.live.ring import Floats

LEAST_SOUND_SECONDS = 0.06
"""Anything shorter is a click of the device or the mouse."""
LEAST_TAKE_SECONDS = 0.5
"""A shorter sound keeps some of the quiet around it: most models read no less."""
ABOVE_ROOM_DB = 10.0
"""Sound is what is this much louder than the room."""
QUIETEST_SILENCE_DB = -60.0
CLIPPED_PEAK = 0.999
MIN_CLIPPED_SAMPLES = 3
LOW_PEAK_DB = -30.0


@dataclass(frozen=True, slots=True)
class TakeLevels:
    """How loud a take is, in decibels below full scale."""

    peak_db: float
    level_db: float
    is_clipped: bool
    is_low: bool

    @property
    def advice(self) -> str:
        """What to do about it; empty if it is fine."""
        if self.is_clipped:
            return "clipped: move away from the microphone, or lower its level"
        if self.is_low:
            return f"too quiet (peak {self.peak_db:.0f} dB): move closer, or raise the level"
        return ""


def levels_of(samples: Floats) -> TakeLevels:
    """The levels of a take."""
    peak = float(np.abs(samples).max(initial=0.0))
    peak_db = max(20 * float(np.log10(max(peak, 1e-15))), LOWEST_DB)
    n_clipped = int(np.count_nonzero(np.abs(samples) >= CLIPPED_PEAK))
    return TakeLevels(
        peak_db=peak_db,
        level_db=level_db(samples),
        is_clipped=n_clipped >= MIN_CLIPPED_SAMPLES,
        is_low=peak_db < LOW_PEAK_DB,
    )


def silence_of_room(room_db: float) -> float:
    """The level below which a room of this level is silent."""
    return min(max(room_db + ABOVE_ROOM_DB, QUIETEST_SILENCE_DB), 0.0)


def silence_of_recording(samples: Floats, sample_rate: int) -> float:
    """The level of the pauses of a recording: well above its quietest tenth.

    No higher than half way to its loudest parts, so that a quiet sound is not lost.
    """
    levels = part_levels(samples, sample_rate)
    if not len(levels):
        return QUIETEST_SILENCE_DB
    quiet, loud = np.percentile(levels, [10, 99]).tolist()
    return float(min(silence_of_room(quiet), (quiet + loud) / 2))


def trimmed(samples: Floats, sample_rate: int, *, silence_db: float) -> Floats | None:
    """A take without the silence at its ends; None if all of it is silent."""
    part = audible_part(samples, sample_rate, silence_db=silence_db)
    if part is None:
        return None
    n_least = round(LEAST_TAKE_SECONDS * sample_rate)
    return samples[widened(part, n_least, n_samples=len(samples))]


def cut_at_pauses(
    samples: Floats,
    sample_rate: int,
    *,
    silence_db: float,
    pause_seconds: float = 0.5,
    take_seconds: float | None = None,
) -> list[slice]:
    """The takes of a recording, between its pauses; with `take_seconds`, in pieces no longer."""
    is_loud = part_levels(samples, sample_rate) >= silence_db
    size = max(round(PART_SECONDS * sample_rate), 1)
    margin = round(MARGIN_SECONDS * sample_rate)
    n_least = round(LEAST_TAKE_SECONDS * sample_rate)
    takes: list[slice] = []
    reached = 0
    for first_part, end_part in _runs(is_loud, max_gap=round(pause_seconds / PART_SECONDS)):
        if (end_part - first_part) * PART_SECONDS < LEAST_SOUND_SECONDS:
            continue
        first = max(first_part * size - margin, reached)
        end = min(end_part * size + margin, len(samples))
        wide = widened(slice(first, end), n_least, n_samples=len(samples))
        part = slice(max(wide.start, reached), wide.stop)
        takes += _pieces(part, take_seconds, sample_rate)
        reached = part.stop
    return takes


def _runs(is_loud: NDArray[np.bool_], *, max_gap: int) -> list[tuple[int, int]]:
    """Stretches of loud parts, [first, end), with gaps of at most `max_gap` parts inside."""
    places = np.flatnonzero(is_loud)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > max_gap + 1)
    firsts: Sequence[int] = places[np.concatenate([[0], breaks + 1])].tolist()
    lasts: Sequence[int] = places[np.concatenate([breaks, [len(places) - 1]])].tolist()
    return [(first, last + 1) for first, last in zip(firsts, lasts, strict=True)]


def _pieces(part: slice, take_seconds: float | None, sample_rate: int) -> list[slice]:
    """Pieces of `take_seconds`; a rest of less than half of that is left out."""
    if take_seconds is None:
        return [part]
    size = max(round(take_seconds * sample_rate), 1)
    starts = range(part.start, part.stop, size)
    pieces = [slice(start, min(start + size, part.stop)) for start in starts]
    is_rest = len(pieces) > 1 and pieces[-1].stop - pieces[-1].start < size / 2
    return pieces[:-1] if is_rest else pieces
