"""Notes and key of a sound.

    11 kHz ─▶ 0.74 s windows ─▶ spectral peaks ─▶ tuning ─▶ twelve notes ─▶ 24 profiles

Peaks alone count, each by the root of its amplitude, so that neither noise nor one loud note
decides. The profiles are those of Albrecht and Shanahan, "The use of large corpora to develop a
new type of key-finding algorithm" (2013).
"""

import numpy as np
from numpy.typing import NDArray

SIZE = 8192
HOP = 4096
LOWEST_HZ, HIGHEST_HZ = 55.0, 1760.0  # five octaves from A1 on
FLOOR = 0.003
"""A peak this much weaker than the strongest of its frame is noise."""
BINS_PER_NOTE = 10
NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
UNSURE = 0.3
"""With a lower correlation there is no key: drums alone, noise."""

Array = NDArray[np.float64]


def note_shares(samples: NDArray[np.float32], sample_rate: int) -> Array:
    """The share of each of the twelve notes, C first; they sum to 1 (to 0 in silence).

    samples: float32 [samples], at a low rate: 11,025 Hz is enough
    """
    import scipy.fft  # not at the top: a rescan needs no scipy

    if len(samples) < SIZE:
        samples = np.pad(samples, (0, SIZE - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::HOP]
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
    first = int(LOWEST_HZ * SIZE / sample_rate)
    last = int(HIGHEST_HZ * SIZE / sample_rate) + 2
    spectra = np.abs(scipy.fft.rfft(frames * window, axis=1)[:, first - 1 : last + 1])
    middle, below, above = spectra[:, 1:-1], spectra[:, :-2], spectra[:, 2:]
    loudest = spectra.max(axis=1, keepdims=True)
    is_peak = (middle > below) & (middle >= above) & (middle > FLOOR * loudest)
    _, bins = np.nonzero(is_peak)
    heights, lefts, rights = middle[is_peak], below[is_peak], above[is_peak]
    bends = np.log(lefts + 1e-12) - 2 * np.log(heights) + np.log(rights + 1e-12)
    offsets = 0.5 * np.log((lefts + 1e-12) / (rights + 1e-12)) / np.minimum(bends, -1e-9)
    hertz = (bins + first + np.clip(offsets, -0.5, 0.5)) * sample_rate / SIZE
    strengths = np.sqrt(heights.astype(np.float64))
    notes = 12 * np.log2(hertz / 440.0) + 9  # C is 0
    notes -= _tuning(notes, strengths)
    nearest = np.round(notes).astype(int)
    strengths *= np.cos(np.pi * (notes - nearest)) ** 2  # between two notes: of neither
    shares = np.bincount(nearest % 12, weights=strengths, minlength=12)
    return np.asarray(shares / max(float(shares.sum()), 1e-12))


def key_of(shares: Array) -> tuple[int, bool] | None:
    """The keynote (0 is C) and whether the key is minor; None if no key fits.

    shares: [12], as of `note_shares`
    """
    if shares.std() < 1e-9:
        return None
    correlations = key_correlations(shares)
    best = int(correlations.argmax())
    if correlations[best] < UNSURE:
        return None
    return best % 12, best >= 12


def key_correlations(shares: Array) -> Array:
    """How well each key fits [24]: twelve major keys from C on, then twelve minor ones."""
    profiles = [np.roll(profile, note) for profile in (MAJOR, MINOR) for note in range(12)]
    return np.array([np.corrcoef(shares, profile)[0, 1] for profile in profiles])


def key_name(keynote: int, *, is_minor: bool) -> str:
    """Such as C, Am, F#m."""
    return NOTE_NAMES[keynote] + ("m" if is_minor else "")


def camelot(keynote: int, *, is_minor: bool) -> str:
    """The place on the Camelot wheel: C is 8B, Am is 8A, a fifth up is one further."""
    major = (keynote + 3) % 12 if is_minor else keynote
    hour = (7 * major + 7) % 12 + 1
    return f"{hour}{'A' if is_minor else 'B'}"


def _tuning(notes: Array, strengths: Array) -> float:
    """How far the recording is from 440 Hz, in semitones from -0.5 to 0.5."""
    if not len(notes):
        return 0.0
    turned = np.sum(strengths * np.exp(2j * np.pi * notes))
    return float(np.angle(turned) / (2 * np.pi))
