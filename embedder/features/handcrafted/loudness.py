"""The perceived loudness of 24 Bark bands in each frame.

    spectrum ─ Bark bands ─ spreading ─ decibels ─ phon ─ sone

After Pampalk, "Islands of Music" (2001), and Pampalk, Rauber and Merkl, "Content-based
organization and visualization of music archives" (2002), with Bark bands of Zwicker and Fastl,
"Psychoacoustics" (1999), spreading of Schroeder, Atal and Hall (1979) and, in place of a table of
contours, the formula of ISO 226:2003 for phon. Full scale is assumed to be
played at 96 dB.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.features.handcrafted.windows import power_spectra

N_BANDS = 24
FULL_SCALE_DB = 96.0
FRAME_SECONDS = 0.023
"""As 256 samples of 11 025 Hz: what the descriptors were defined on."""

# Upper edges of the Bark bands in hertz (Zwicker and Fastl 1999, table 6.1).
BAND_EDGES_HZ = np.array(
    [
        *[100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720],
        *[2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500],
    ],
    dtype=np.float64,
)

# ISO 226:2003, table 1.
_ISO_HZ = np.array(
    [
        *[20, 25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000],
        *[1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10000, 12500],
    ]
)
_ISO_226 = np.array(  # exponent of loudness, transfer in dB (re 1 kHz), threshold of hearing in dB
    [
        *[(0.532, -31.6, 78.5), (0.506, -27.2, 68.7), (0.480, -23.0, 59.5), (0.455, -19.1, 51.1)],
        *[(0.432, -15.9, 44.0), (0.409, -13.0, 37.5), (0.387, -10.3, 31.5), (0.367, -8.1, 26.5)],
        *[(0.349, -6.2, 22.1), (0.330, -4.5, 17.9), (0.315, -3.1, 14.4), (0.301, -2.0, 11.4)],
        *[(0.288, -1.1, 8.6), (0.276, -0.4, 6.2), (0.267, 0.0, 4.4), (0.259, 0.3, 3.0)],
        *[(0.253, 0.5, 2.2), (0.250, 0.0, 2.4), (0.246, -2.7, 3.5), (0.244, -4.1, 1.7)],
        *[(0.243, -1.0, -1.3), (0.243, 1.7, -4.2), (0.243, 2.5, -6.0), (0.242, 1.2, -5.4)],
        *[(0.242, -2.1, -1.5), (0.245, -7.1, 6.0), (0.254, -11.2, 12.6), (0.271, -10.7, 13.9)],
        (0.301, -3.1, 12.3),
    ]
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Loudness:
    """Sone by band and frame.

    sone: float64 [24, frames]
    """

    sone: Array
    frames_per_second: float


def loudness(samples: NDArray[np.float32], sample_rate: int) -> Loudness:
    """The loudness of each band over time; bands above half the rate are silent.

    samples: float32 [samples]
    """
    size = 2 ** round(np.log2(FRAME_SECONDS * sample_rate))
    hop = size // 2
    power = power_spectra(samples, size=size, hop=hop)
    bands = bark_matrix(size, sample_rate) @ power.T
    spread = spreading_matrix() @ bands
    decibels = FULL_SCALE_DB + 10 * np.log10(np.maximum(spread, 10 ** (-FULL_SCALE_DB / 10)))
    return Loudness(phon_to_sone(decibels_to_phon(decibels)), sample_rate / hop)


def bark_matrix(fft_size: int, sample_rate: int) -> Array:
    """Which bins belong to which band: float64 [24, bins] of 0 and 1, by the bin's frequency."""
    hertz = np.fft.rfftfreq(fft_size, 1 / sample_rate)
    bands = np.searchsorted(BAND_EDGES_HZ, hertz, side="right")
    members = bands[None, :] == np.arange(N_BANDS)[:, None]
    members[:, 0] = False  # a constant is not a sound
    return np.asarray(members, dtype=np.float64)


def spreading_matrix() -> Array:
    """How a band's power masks its neighbours: float64 [24 masked, 24 masking].

    15.81 + 7.5 (d + 0.474) − 17.5 √(1 + (d + 0.474)²) dB at d Bark above the masking band
    (Schroeder, Atal and Hall 1979).
    """
    distance = np.subtract.outer(np.arange(N_BANDS), np.arange(N_BANDS)) + 0.474
    return np.asarray(10 ** ((15.81 + 7.5 * distance - 17.5 * np.sqrt(1 + distance**2)) / 10))


def decibels_to_phon(decibels: Array) -> Array:
    """Sound pressure by band [24, ...] as phon: the level of a 1 kHz tone that sounds as loud.

    ISO 226:2003, section 4.2; silence and sounds below the threshold are 0.
    """
    middles = np.clip((BAND_EDGES_HZ + np.r_[0, BAND_EDGES_HZ[:-1]]) / 2, 20, 12500)
    table = [np.interp(np.log(middles), np.log(_ISO_HZ), column) for column in _ISO_226.T]
    exponent, transfer, threshold = (c.reshape(-1, *[1] * (decibels.ndim - 1)) for c in table)
    above = (0.4 * 10 ** ((decibels + transfer) / 10 - 9)) ** exponent
    at_threshold = (0.4 * 10 ** ((threshold + transfer) / 10 - 9)) ** exponent
    phon = 40 * np.log10(np.maximum(above - at_threshold + 0.005135, 1e-12)) + 94
    return np.asarray(np.maximum(phon, 0))


def phon_to_sone(phon: Array) -> Array:
    """Loudness doubles every 10 phon from 40, and falls faster below (Bladon and Lindblom 1981)."""
    above = 2.0 ** ((phon - 40) / 10)
    below = (np.maximum(phon, 0) / 40) ** 2.642
    return np.where(phon >= 40, above, below)
