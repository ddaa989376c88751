"""A fingerprint of the sound: two tracks with matching fingerprints are one recording.

    44.1 kHz ─▶ 2.8 kHz ─▶ frames of 0.37 s, 0.09 s apart ─▶ 17 bands, 250 to 1100 Hz
             ─▶ is a band louder than the next, compared with 0.37 s before?  ─▶ 16 bits a frame

The bits are those of Haitsma and Kalker (2002, "A highly robust audio fingerprinting system").
Level, equalising and lossy encoding change few of them. 30 seconds take 640 bytes. A frame without
sound is 0 and matches nothing.

Two fingerprints are compared at every offset, because a cut or another encoding shifts the middle
of a track. The likeness is the share of equal bits, from -1 (none) over 0 (half of them, as by
chance) to 1 (all).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from embedder.features.measuring.records import TrackSound, Values

NAME, VERSION = "fingerprint", 1

MEAN, DECIMATION = 8, 16
HALF_BAND = (-0.0315, 0.0, 0.2822, 0.5, 0.2822, 0.0, -0.0315)
FRAME, HOP, LAG = 1024, 256, 4
LOWEST_HERTZ, HIGHEST_HERTZ, N_BITS = 250.0, 1100.0, 16
SILENT_POWER = 1e-7
"""Mean square, -70 dB below full scale."""
QUIET_SHARE = 1e-5
"""A frame 50 dB below the loudest is as good as silent."""

SHORTEST_OVERLAP = 48
"""In frames, 4.5 seconds. Less may fit by chance, as between two drum loops."""
SMALLEST_SHARE = 0.4
"""The least overlap as a share of the shorter fingerprint."""
LEAST_LIKENESS, MORE_IF_SHORT = 0.3, 0.3
"""A pair needs 0.6 over the shortest overlap, and 0.42 over 30 seconds."""
MOST_SECONDS_APART = 30.0
"""A cut of a few seconds at either end makes no other recording, a longer one may."""

Words = NDArray[np.uint16]
"""16 bits a frame; 0 if the frame has no sound."""


@dataclass(frozen=True, slots=True)
class Match:
    """How two fingerprints fit at their best offset."""

    likeness: float
    offset_seconds: float
    """Where the second sound starts in the first."""
    is_copy: bool


def fingerprint(sound: TrackSound) -> Values:
    """The fingerprint as bytes; none for less sound than can be compared."""
    words = _words(sound.samples)
    if np.count_nonzero(words) < SHORTEST_OVERLAP:
        return Values()
    return Values(data=words.astype("<u2").tobytes())


def words_of(data: bytes) -> Words:
    """The frames of a stored fingerprint."""
    return np.frombuffer(data, dtype="<u2").astype(np.uint16)


class Comparison:
    """Compares fingerprints; keeps the transforms of the last ones."""

    def __init__(self, n_kept: int = 1024) -> None:
        self._transformed = lru_cache(n_kept)(_transformed)

    def matches(self, first: bytes, others: Sequence[bytes]) -> list[Match]:
        """How each of the others fits onto the first."""
        own = self._transformed(first)
        return [_match(own, self._transformed(other)) for other in others]


@dataclass(frozen=True, slots=True)
class _Transformed:
    """Fourier transforms over time of the bits (±1, and 0 without sound) and of where sound is."""

    bits: NDArray[np.complex64]
    sounding: NDArray[np.complex64]
    n_frames: int
    n_sounding: int


SIZE = 720
"""Of the transforms: room for two fingerprints of 30 seconds side by side."""


def _transformed(data: bytes) -> _Transformed:
    words = words_of(data)[: SIZE // 2]
    sounds = words != 0
    bits = np.unpackbits(words.astype(">u2").view(np.uint8)).reshape(len(words), N_BITS)
    signs = np.where(sounds[:, None], 2.0 * bits - 1.0, 0.0).astype(np.float32)
    return _Transformed(
        np.fft.rfft(signs.T, SIZE).astype(np.complex64),
        np.fft.rfft(sounds.astype(np.float32), SIZE).astype(np.complex64),
        len(words),
        int(sounds.sum()),
    )


def _match(first: _Transformed, second: _Transformed) -> Match:
    both = np.stack(
        [
            (first.bits * second.bits.conj()).sum(axis=0),
            first.sounding * second.sounding.conj(),
        ]
    )
    agreement, overlap = np.fft.irfft(both, SIZE)
    overlap = np.rint(overlap)
    shortest = max(SHORTEST_OVERLAP, SMALLEST_SHARE * min(first.n_sounding, second.n_sounding))
    excess = np.where(
        overlap >= shortest,
        agreement / (N_BITS * np.maximum(overlap, 1)) - _least(overlap),
        -2.0,
    )
    best = int(excess.argmax())
    likeness = float(excess[best] + _least(overlap[best])) if excess[best] > -2 else -1.0
    frames = best if best < first.n_frames else best - SIZE
    seconds = frames * HOP * DECIMATION / 44100
    return Match(likeness, seconds, bool(excess[best] >= 0))


def _least(overlap: NDArray[np.floating]) -> NDArray[np.floating]:
    """The least likeness of a copy over some overlaps: more for short ones."""
    least: NDArray[np.floating] = LEAST_LIKENESS + MORE_IF_SHORT * np.sqrt(
        SHORTEST_OVERLAP / np.maximum(overlap, SHORTEST_OVERLAP)
    )
    return least


def _words(samples: NDArray[np.float32]) -> Words:
    narrow = _decimated(samples)
    if len(narrow) < FRAME + LAG * HOP:
        return np.zeros(0, dtype=np.uint16)
    frames = np.lib.stride_tricks.sliding_window_view(narrow, FRAME)[::HOP]
    window, bands = _tables()
    spectra = np.fft.rfft(frames * window)
    power = (np.square(spectra.real) + np.square(spectra.imag)) @ bands
    levels = np.log(power + np.float32(1e-12))
    steps = levels[:, :-1] - levels[:, 1:]
    rises = (steps[LAG:] - steps[:-LAG]) > 0
    words = np.packbits(rises, axis=1).view(">u2")[:, 0].astype(np.uint16)
    mean_square = power.sum(axis=1) / (FRAME**2 / 8)
    sounds = mean_square > max(SILENT_POWER, QUIET_SHARE * float(mean_square.max()))
    words[words == 0] = 1
    words[~(sounds[LAG:] & sounds[:-LAG])] = 0
    return words


def _decimated(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of eight samples, and a half-band filter over every second mean."""
    n_means = len(samples) // MEAN
    # A product is three times as fast as numpy's mean over so few values.
    means = samples[: n_means * MEAN].reshape(n_means, MEAN) @ np.full(MEAN, 1 / MEAN, np.float32)
    n_out = max((n_means - len(HALF_BAND) + 1) // 2, 0)
    narrow = np.zeros(n_out, dtype=np.float32)
    for tap, weight in enumerate(HALF_BAND):
        if weight:
            narrow += np.float32(weight) * means[tap : tap + 2 * n_out : 2]
    return narrow


@lru_cache(1)
def _tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The window [FRAME], and which bin belongs to which band: [bins, bands]."""
    edges = np.geomspace(LOWEST_HERTZ, HIGHEST_HERTZ, N_BITS + 2)
    hertz = np.arange(FRAME // 2 + 1) * (44100 / DECIMATION / FRAME)
    bands = (hertz[:, None] >= edges[:-1]) & (hertz[:, None] < edges[1:])
    return np.hanning(FRAME).astype(np.float32), bands.astype(np.float32)
