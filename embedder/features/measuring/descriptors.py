"""The measurer `descriptors`: tempo, key, energy and loudness as fields, and what an explanation
compares: timbre, rhythm and harmony, each as a vector.

    sound ─┬─▶ levels ─┬─▶ rises ─▶ tempo, rhythm         timbre: mean MFCCs without the level [19]
           │           └─▶ energy, brightness, timbre     rhythm: how onsets repeat by lag [96]
           ├─▶ notes ─▶ key, harmony                      harmony: share of each note [12]
           └─▶ loudness
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.audio.excerpts import SILENCE_PEAK
from embedder.features.measuring.bands import HOP, half_rate, mel_levels
from embedder.features.measuring.energy import energy_parts
from embedder.features.measuring.key import camelot, key_name, key_of, note_shares
from embedder.features.measuring.loudness import integrated_loudness
from embedder.features.measuring.records import TrackSound, Values
from embedder.features.measuring.tempo import onset_rises, repetition, tempo_of

NAME = "descriptors"
VERSION = 2
N_TIMBRE = 19
RHYTHM_LAGS_SECONDS = np.geomspace(0.1, 4.0, 48)
N_RHYTHM = 2 * len(RHYTHM_LAGS_SECONDS)
N_NOTES = 12
_SIZES = (N_TIMBRE, N_RHYTHM, N_NOTES, 4)
_NO_KEY = -1.0

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    """What the library stores of a track to compare it with others.

    timbre: [19]; rhythm: [96], columns all bands and bass by lag; harmony: [12]
    """

    timbre: Array
    rhythm: Array
    harmony: Array
    tempo: float | None
    key: tuple[int, bool] | None
    """The keynote, and whether the key is minor."""
    brightness_db: float
    loudness_lufs: float | None

    def to_bytes(self) -> bytes:
        """As 131 numbers of 32 bits."""
        key = _NO_KEY if self.key is None else float(self.key[0] + 12 * self.key[1])
        single = [_or_nan(self.tempo), key, self.brightness_db, _or_nan(self.loudness_lufs)]
        parts = [self.timbre, self.rhythm, self.harmony, np.array(single)]
        return np.concatenate(parts).astype("<f4").tobytes()


def descriptors_from(data: bytes) -> Descriptors | None:
    """Back from `to_bytes`; None if there are none: for a silent track."""
    if len(data) != 4 * sum(_SIZES):
        return None
    values = np.frombuffer(data, dtype="<f4").astype(np.float64)
    timbre, rhythm, harmony, single = np.split(values, np.cumsum(_SIZES)[:-1])
    tempo, key, brightness, loudness = single.tolist()
    return Descriptors(
        timbre,
        rhythm,
        harmony,
        None if math.isnan(tempo) else tempo,
        None if key == _NO_KEY else (int(key) % 12, key >= 12),
        brightness,
        None if math.isnan(loudness) else loudness,
    )


def measure_descriptors(sound: TrackSound) -> Values:
    """The fields and the stored bytes of a sound; nothing for silence."""
    samples = sound.samples
    if not len(samples) or np.abs(samples).max() < SILENCE_PEAK:
        return Values()
    half, half_rate_hz = half_rate(samples), sound.sample_rate // 2
    levels = mel_levels(half, half_rate_hz)
    frames_per_second = half_rate_hz / HOP
    rises = onset_rises(levels)
    correlation = repetition(rises, frames_per_second)
    parts = energy_parts(levels, rises, frames_per_second)
    shares = note_shares(half_rate(half), half_rate_hz // 2)
    described = Descriptors(
        timbre=_timbre(levels),
        rhythm=_rhythm(correlation, frames_per_second),
        harmony=shares,
        tempo=tempo_of(rises, correlation, frames_per_second),
        key=key_of(shares),
        brightness_db=parts.brightness_db,
        loudness_lufs=integrated_loudness(sound),
    )
    fields = {
        "measured.energy": f"{parts.energy:.3f}",
        "measured.onsets": f"{parts.onsets_per_second:.2f}",
        "measured.attack": f"{parts.attack_db:.2f}",
        "measured.brightness": f"{parts.brightness_db:.1f}",
        "measured.dynamics": f"{parts.slow_share:.3f}",
    }
    if described.tempo is not None:
        fields["measured.tempo"] = f"{described.tempo:.1f}"
    if described.key is not None:
        keynote, is_minor = described.key
        fields["measured.key"] = key_name(keynote, is_minor=is_minor)
        fields["measured.camelot"] = camelot(keynote, is_minor=is_minor)
    if described.loudness_lufs is not None:
        fields["measured.loudness"] = f"{described.loudness_lufs:.1f}"
    return Values(fields, described.to_bytes())


def _timbre(levels: NDArray[np.float32]) -> Array:
    """Of the louder half of the frames: how long notes rest is rhythm, not timbre."""
    import scipy.fft  # not at the top: a rescan needs no scipy

    totals = levels.sum(axis=1)
    louder = levels[totals >= np.median(totals)]
    transformed = scipy.fft.dct(louder.mean(axis=0).astype(np.float64), norm="ortho")
    return np.asarray(transformed[1 : N_TIMBRE + 1])


def _rhythm(correlation: Array, frames_per_second: float) -> Array:
    lags, frames = RHYTHM_LAGS_SECONDS * frames_per_second, np.arange(len(correlation))
    columns = [np.interp(lags, frames, column, right=0.0) for column in correlation.T]
    return np.concatenate(columns)


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else number
