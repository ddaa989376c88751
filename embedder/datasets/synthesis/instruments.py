"""Pitched instruments: wavetables with an envelope, whose treble decays first.

A note fades from one single-cycle table (just struck) to another (decaying). Several slightly
detuned voices make it wide. The tables hold only partials below half the sample rate, so nothing
aliases.
"""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.synthesis.harmony import frequency_hz
from embedder.datasets.synthesis.randomness import generator_for

Samples = NDArray[np.float32]

_TABLE_SIZE = 16384  # read without interpolation: 78 dB from the error at the fundamental
_GOLDEN = 0.618034  # start phases that never line up


class Instrument(Protocol):
    """An object that renders notes."""

    def note(self, pitch: int, seconds: float, sample_rate: int) -> Samples:
        """Return `float32 [samples]`: the note, held for `seconds`, and its release."""
        ...


@dataclass(frozen=True, slots=True)
class Timbre:
    """How an instrument sounds."""

    partials: tuple[float, ...]
    """Level of each harmonic at the start of a note, the fundamental first."""
    dulling: float = 0.0
    """How much the harmonics decay during the note: partial k is multiplied by k ** -dulling."""
    dulling_seconds: float = 0.5
    attack_seconds: float = 0.005
    decay_seconds: float = 1.0
    sustain: float = 0.0
    """The level of a held note after its decay."""
    release_seconds: float = 0.1
    voices: int = 1
    detune_cents: float = 0.0
    vibrato_hz: float = 5.0
    vibrato_cents: float = 0.0
    noise: float = 0.0
    """Level of the noise at the start: hammer, pick or breath."""
    noise_seconds: float = 0.02

    def note(self, pitch: int, seconds: float, sample_rate: int) -> Samples:
        """Return `float32 [samples]`: the note, held for `seconds`, and its release."""
        n_samples = max(1, int((seconds + self.release_seconds) * sample_rate))
        times = np.arange(n_samples, dtype=np.float32) / np.float32(sample_rate)
        frequency = frequency_hz(pitch)
        n_partials = min(len(self.partials), max(1, int(0.45 * sample_rate / frequency)))
        struck = _table(self.partials[:n_partials], 0.0)
        ringing = _table(self.partials[:n_partials], self.dulling)
        added = struck - ringing
        freshness = np.exp(times * np.float32(-1 / self.dulling_seconds))
        sound = np.zeros(n_samples, dtype=np.float32)
        for voice in range(self.voices):
            at = self._positions(frequency, voice, n_samples, sample_rate)
            sound += ringing[at]
            if self.dulling > 0:
                sound += added[at] * freshness
        sound *= np.float32(1 / self.voices**0.5)
        if self.noise > 0:
            rough = generator_for("noise", pitch).standard_normal(n_samples, dtype=np.float32)
            sound += rough * np.exp(times * np.float32(-1 / self.noise_seconds)) * self.noise
        return sound * self._envelope(times, seconds)

    def _positions(
        self, frequency: float, voice: int, n_samples: int, sample_rate: int
    ) -> NDArray[np.int64]:
        """The position in the table for each sample of one voice: `int64 [samples]`."""
        spread = 0.0 if self.voices == 1 else 2 * voice / (self.voices - 1) - 1
        tuned = frequency * 2 ** (spread * self.detune_cents / 1200)
        cycles = np.arange(n_samples) * (tuned / sample_rate) + (voice + 1) * _GOLDEN
        if self.vibrato_cents > 0:
            # The swing of the phase; its derivative is the vibrato of the pitch.
            swing = tuned * (2 ** (self.vibrato_cents / 1200) - 1) / (2 * np.pi * self.vibrato_hz)
            turn = np.arange(n_samples, dtype=np.float32) * np.float32(1 / sample_rate)
            cycles += swing * np.sin(turn * np.float32(2 * np.pi * self.vibrato_hz) + voice)
        positions: NDArray[np.int64] = (cycles * _TABLE_SIZE).astype(np.int64) & (_TABLE_SIZE - 1)
        return positions

    def _envelope(self, times: Samples, seconds: float) -> Samples:
        level = np.exp(times * np.float32(-1 / self.decay_seconds))
        level = self.sustain + (1 - self.sustain) * level
        level *= np.minimum(times * np.float32(1 / self.attack_seconds), np.float32(1))
        released = np.clip((times - np.float32(seconds)) / self.release_seconds, 0, 1)
        shaped: Samples = (level * (1 - released) ** 2).astype(np.float32)
        return shaped


@functools.lru_cache(maxsize=512)
def _table(partials: tuple[float, ...], dulling: float) -> Samples:
    """One cycle of the waveform, scaled so that it has RMS 0.2 without dulling."""
    struck = np.asarray(partials)
    numbers = np.arange(1, len(struck) + 1)
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, dtype=np.complex128)
    # Different phases give lower peaks than a sum of sines would have.
    phases = np.exp(2j * np.pi * _GOLDEN * numbers * numbers)
    spectrum[1 : len(struck) + 1] = struck * numbers**-dulling * phases
    loudness = np.sqrt(np.sum(struck**2) / 2)
    wave: Samples = np.fft.irfft(spectrum, _TABLE_SIZE).astype(np.float32)
    return wave * np.float32(0.2 * _TABLE_SIZE / 2 / loudness)


def saw_partials(n_partials: int, *, tilt: float = 1.0) -> tuple[float, ...]:
    """All harmonics, falling as 1 / k ** tilt: strings, saws, brass."""
    return tuple(float(k**-tilt) for k in range(1, n_partials + 1))


def square_partials(n_partials: int, *, duty: float = 0.5, tilt: float = 1.0) -> tuple[float, ...]:
    """A pulse wave that is high for `duty` of its cycle; 0.5 is a square wave."""
    levels = (
        abs(float(np.sin(np.pi * k * duty))) * k**-tilt + 1e-4 for k in range(1, n_partials + 1)
    )
    return tuple(float(level) for level in levels)


def plucked_partials(n_partials: int, *, place: float, tilt: float = 1.0) -> tuple[float, ...]:
    """A string plucked at `place` of its length: harmonics with a node there are missing."""
    levels = (
        (abs(float(np.sin(np.pi * k * place))) + 0.02) * k**-tilt for k in range(1, n_partials + 1)
    )
    return tuple(float(level) for level in levels)
