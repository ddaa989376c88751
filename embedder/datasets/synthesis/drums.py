"""Drums made of falling tones and band-limited noise; each kit has its own tuning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.synthesis.randomness import generator_for

Samples = NDArray[np.float32]

# The note numbers of General MIDI: a drum is played as a pitch.
KICK, RIM, SNARE, CLAP, TOM = 36, 37, 38, 39, 45
HAT, OPEN_HAT, RIDE, BRUSH, SHAKER = 42, 46, 51, 57, 70


@dataclass(frozen=True, slots=True)
class DrumKit:
    """A set of drums and its sound."""

    tune: float = 1.0
    """Factor on every frequency."""
    ring: float = 1.0
    """Factor on every decay."""
    brightness: float = 0.5
    """0 = dark noise, 1 = all of the treble."""
    punch: float = 0.5
    """How far the kick's pitch drops, and how much it clicks."""
    crushed: bool = False
    """Coarse noise, as of an old games console."""

    def note(self, pitch: int, seconds: float, sample_rate: int) -> Samples:
        """Return `float32 [samples]`: one stroke. A drum rings out, so `seconds` is ignored."""
        del seconds
        match pitch:
            case 36:  # KICK
                boom = self._tone(48, 90 + 160 * self.punch, 0.16, 0.035, sample_rate)
                return _mixed(boom * 0.9, self._noise(0.006, 1500, 9000, sample_rate) * self.punch)
            case 38:  # SNARE
                body = self._tone(185, 90, 0.09, 0.02, sample_rate)
                return _mixed(body * 0.45, self._noise(0.11, 1200, 11000, sample_rate) * 0.6)
            case 39:  # CLAP
                return self._clap(sample_rate)
            case 37:  # RIM
                click = self._tone(820, 300, 0.025, 0.01, sample_rate)
                return _mixed(click * 0.5, self._noise(0.015, 1800, 6000, sample_rate) * 0.4)
            case 45:  # TOM
                return self._tone(105, 60, 0.2, 0.05, sample_rate) * np.float32(0.7)
            case 42:  # HAT
                return self._noise(0.028, 6500, 16000, sample_rate) * np.float32(0.4)
            case 46:  # OPEN_HAT
                return self._noise(0.16, 6000, 16000, sample_rate) * np.float32(0.38)
            case 51:  # RIDE
                bell = self._tone(3400, 0, 0.3, 0.05, sample_rate)
                return _mixed(bell * 0.015, self._noise(0.3, 5000, 14000, sample_rate) * 0.22)
            case 57:  # BRUSH
                return self._swish(sample_rate)
            case _:
                return self._noise(0.035, 4500, 12000, sample_rate) * np.float32(0.25)

    def _tone(
        self, hz: float, drop_hz: float, decay: float, drop_seconds: float, sample_rate: int
    ) -> Samples:
        """A sine that falls from `hz + drop_hz` to `hz`."""
        decay *= self.ring
        times = np.arange(int(6 * decay * sample_rate)) / sample_rate
        fallen = drop_hz * drop_seconds * (1 - np.exp(-times / drop_seconds))
        sound = np.sin(2 * np.pi * self.tune * (hz * times + fallen)) * np.exp(-times / decay)
        return sound.astype(np.float32)

    def _noise(self, decay: float, low_hz: float, high_hz: float, sample_rate: int) -> Samples:
        """Decaying noise between two frequencies."""
        decay *= self.ring
        n_samples = int(6 * decay * sample_rate) + 64
        noise = generator_for("drum", round(low_hz), n_samples).standard_normal(n_samples)
        if self.crushed:
            noise = np.repeat(np.sign(noise[: n_samples // 6 + 1]), 6)[:n_samples]
        spectrum = np.fft.rfft(noise)
        hz = np.fft.rfftfreq(n_samples, 1 / sample_rate)
        top = high_hz * (0.4 + 0.8 * self.brightness)
        low = low_hz * min(self.tune, 0.5 * sample_rate / low_hz)
        spectrum *= 1 / np.sqrt(1 + (low / np.maximum(hz, 1)) ** 4) / np.sqrt(1 + (hz / top) ** 4)
        band = np.fft.irfft(spectrum, n_samples)
        band *= 0.3 / (np.sqrt(np.mean(band**2)) + 1e-9)
        fading = np.exp(-np.arange(n_samples) / (decay * sample_rate))
        return (band * fading).astype(np.float32)

    def _clap(self, sample_rate: int) -> Samples:
        hand = self._noise(0.012, 900, 7000, sample_rate) * np.float32(0.7)
        room = self._noise(0.09, 900, 7000, sample_rate) * np.float32(0.8)
        gap = int(0.011 * sample_rate)
        sound = np.zeros(3 * gap + len(room), dtype=np.float32)
        for number, stroke in enumerate((hand, hand, hand, room)):
            last = min(len(sound), number * gap + len(stroke))
            sound[number * gap : last] += stroke[: last - number * gap]
        return sound

    def _swish(self, sample_rate: int) -> Samples:
        """A brush on a snare: noise that swells and fades."""
        noise = self._noise(0.25, 2000, 8000, sample_rate)
        rise = np.minimum(np.arange(len(noise)) / (0.09 * sample_rate), 1)
        return (noise * rise * 0.5).astype(np.float32)


def _mixed(first: Samples, second: Samples) -> Samples:
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    sound = longer.astype(np.float32)
    sound[: len(shorter)] += shorter.astype(np.float32)
    return sound
