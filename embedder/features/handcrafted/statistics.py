"""Descriptors that ignore time: statistics of a track's short spectra.

`mfcc_statistics` is the single Gaussian of Mandel and Ellis, "Song-level features and support
vector machines for music classification" (2005); `spectrum_statistics` are the statistical
spectrum descriptors of Lidy and Rauber, "Evaluation of feature extractors and psycho-acoustic
transformations for music genre classification" (2005).
"""

import numpy as np
import scipy.fft
import scipy.stats
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.features.banks import mel_bank
from embedder.features.handcrafted.loudness import loudness
from embedder.features.handcrafted.windows import power_spectra

N_COEFFICIENTS = 20
N_MEL_BANDS = 40
FRAME_SECONDS = 0.046
FLOOR_DB = -100.0
"""The level of digital silence, relative to full scale."""
MFCC_SIZE = N_COEFFICIENTS + N_COEFFICIENTS * (N_COEFFICIENTS + 1) // 2


def mfcc_statistics(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Mean of 20 MFCCs and the upper triangle of their covariance: float32 [230].

    A change of level changes only the first value.
    """
    coefficients = mfcc(samples, sample_rate)
    mean = coefficients.mean(axis=0)
    covariance = np.cov(coefficients.T, bias=True)
    upper = covariance[np.triu_indices(N_COEFFICIENTS)]
    return np.concatenate([mean, upper]).astype(np.float32)


def mfcc(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Cosine transform of 40 mel bands in decibels: float64 [frames, 20]."""
    size = 2 ** round(np.log2(FRAME_SECONDS * sample_rate))
    settings = FrontEndConfig(fft_size=size, n_bins=N_MEL_BANDS, max_hz=min(11025, sample_rate / 2))
    bank = mel_bank(settings, sample_rate).astype(np.float64)
    # Unit-area bands in 1/Hz: times the width of a bin they average power over the band.
    bands = power_spectra(samples, size=size, hop=size // 2) @ bank.T * (sample_rate / size)
    decibels = 10 * np.log10(np.maximum(bands, 10 ** (FLOOR_DB / 10)))
    transformed = scipy.fft.dct(decibels, type=2, norm="ortho", axis=1)
    return np.asarray(transformed[:, :N_COEFFICIENTS])


def spectrum_statistics(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Seven statistics of each Bark band's loudness over time: float32 [168].

    Mean, median, variance, skewness, kurtosis, minimum and maximum, each for bands 1 to 24. A band
    that never changes has no shape: its skewness and kurtosis are 0.
    """
    sone = loudness(samples, sample_rate).sone
    varies = np.ptp(sone, axis=1) > 1e-9
    shapes = np.zeros((2, len(sone)))
    if varies.any():
        shapes[0, varies] = scipy.stats.skew(sone[varies], axis=1)
        shapes[1, varies] = scipy.stats.kurtosis(sone[varies], axis=1)
    rows = [sone.mean(axis=1), np.median(sone, axis=1), sone.var(axis=1), *shapes]
    rows += [sone.min(axis=1), sone.max(axis=1)]
    return np.concatenate(rows).astype(np.float32)
