"""Timbre, rhythm and harmony of a track, each separately, to explain a neighbour.

Hand-crafted descriptors of three stretches of six seconds, computed on request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.features.handcrafted.rhythm import rhythm_patterns
from embedder.features.handcrafted.statistics import N_COEFFICIENTS, mfcc_statistics
from embedder.features.handcrafted.windows import power_spectra
from index.search.aspect_sound import SAMPLE_RATE

ASPECTS = ("timbre", "rhythm", "harmony")
CHROMA_WINDOW = 8192
LOWEST_HZ, HIGHEST_HZ = 65.4, 2093.0  # five octaves from C2 on

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Aspects:
    """timbre: mean MFCCs without the level [19]; rhythm: the strength of each tempo in each band
    [1440]; harmony: the share of each of the twelve notes [12].
    """

    timbre: Vector
    rhythm: Vector
    harmony: Vector


def aspects_of(samples: NDArray[np.float32]) -> Aspects:
    """The aspects of sound [samples] at SAMPLE_RATE, as `read_sound` gives it."""
    return Aspects(
        timbre=mfcc_statistics(samples, SAMPLE_RATE)[1:N_COEFFICIENTS].astype(np.float64),
        rhythm=rhythm_patterns(samples, SAMPLE_RATE).astype(np.float64),
        harmony=chroma(samples),
    )


def chroma(samples: NDArray[np.float32]) -> Vector:
    """The share of each of the twelve notes, C first; they sum to 1 (to 0 in silence)."""
    power = power_spectra(samples, size=CHROMA_WINDOW, hop=CHROMA_WINDOW // 2)
    hertz = np.arange(power.shape[1]) * SAMPLE_RATE / CHROMA_WINDOW
    is_in_range = (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ)
    notes = np.round(12 * np.log2(hertz[is_in_range] / LOWEST_HZ)).astype(int) % 12
    folded = np.zeros((len(power), 12))
    # The root of power is the amplitude; with power, the loudest note would dominate.
    np.add.at(folded.T, notes, np.sqrt(power[:, is_in_range]).T)
    total = folded.sum(axis=0)
    shares: Vector = total / max(float(total.sum()), 1e-12)
    return shares


def aspect_distances(first: Aspects, second: Aspects) -> Vector:
    """Distances in timbre, rhythm and harmony [3]; harmony takes the best transposition."""
    timbre = float(np.linalg.norm(first.timbre - second.timbre))
    turned = [np.roll(second.harmony, steps) for steps in range(12)]
    harmony = min(_angle(first.harmony - 1 / 12, other - 1 / 12) for other in turned)
    return np.array([timbre, _angle(first.rhythm, second.rhythm), harmony])


def closeness(distances: Vector, random_pairs: Sequence[Vector]) -> dict[str, float]:
    """For distances [3]: the share of random pairs that are farther apart."""
    table = np.stack(random_pairs)
    shares = (table > distances).mean(axis=0) + (table == distances).mean(axis=0) / 2
    return dict(zip(ASPECTS, shares.tolist(), strict=True))


def _angle(first: Vector, second: Vector) -> float:
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1 - float(first @ second) / lengths if lengths > 1e-12 else 1.0
