"""The descriptors agree with psychoacoustics and their papers, at any rate and level."""

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.features.handcrafted.descriptors import DESCRIPTORS
from embedder.features.handcrafted.loudness import (
    BAND_EDGES_HZ,
    decibels_to_phon,
    loudness,
    phon_to_sone,
    spreading_matrix,
)
from embedder.features.handcrafted.rhythm import SEGMENT_SECONDS, modulation_hz, rhythm_patterns
from embedder.features.handcrafted.statistics import (
    N_COEFFICIENTS,
    mfcc,
    mfcc_statistics,
    spectrum_statistics,
)
from embedder.features.handcrafted.windows import power_spectra

Samples = NDArray[np.float32]
RATE = 22050


def noise(seconds: float, *, seed: int = 0, sample_rate: int = RATE) -> Samples:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * sample_rate))).astype(np.float32)


def sine(hertz: float, *, seconds: float = 2.0, sample_rate: int = RATE) -> Samples:
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def beating(hertz: float, *, seconds: float, sample_rate: int = RATE) -> Samples:
    steady = noise(seconds, sample_rate=sample_rate)
    times = np.arange(len(steady)) / sample_rate
    return (steady * (0.55 + 0.45 * np.sin(2 * np.pi * hertz * times))).astype(np.float32)


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000])
def test_every_descriptor_keeps_its_size_at_any_rate(name: str, sample_rate: int) -> None:
    """A descriptor gives finite float32 values of a fixed number at every rate."""
    described = DESCRIPTORS[name].describe(noise(7, sample_rate=sample_rate), sample_rate)
    assert described.shape == (DESCRIPTORS[name].size,)
    assert described.dtype == np.float32
    assert np.isfinite(described).all()


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
@pytest.mark.parametrize("n_samples", [0, 1, 100, RATE])
def test_silence_and_scraps_are_described(name: str, n_samples: int) -> None:
    """Digital silence and audio shorter than a frame give finite values."""
    described = DESCRIPTORS[name].describe(np.zeros(n_samples, np.float32), RATE)
    assert np.isfinite(described).all()


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
def test_the_same_samples_are_described_the_same(name: str) -> None:
    """Two calls give equal bytes and do not change the samples."""
    samples = noise(7)
    before = samples.copy()
    first, second = (DESCRIPTORS[name].describe(samples, RATE) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert (samples == before).all()


def test_names_are_those_of_the_registry() -> None:
    """The baselines can be asked for by these names."""
    assert {name: d.size for name, d in DESCRIPTORS.items()} == {
        "mfcc": 230,
        "spectrum": 168,
        "rhythm-patterns": 1440,
    }
    assert all(name == descriptor.name for name, descriptor in DESCRIPTORS.items())


def test_power_spectra_equal_a_slow_loop() -> None:
    """All frames equal the frames one by one, and a full-scale sine on a bin has power 1."""
    samples = noise(0.2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    slow = [
        np.abs(np.fft.rfft(samples[start : start + 256] * window) / 64) ** 2
        for start in range(0, len(samples) - 255, 100)
    ]
    assert power_spectra(samples, size=256, hop=100) == pytest.approx(np.array(slow), rel=1e-4)
    on_a_bin = 2 * sine(RATE * 16 / 256)
    assert power_spectra(on_a_bin, size=256, hop=128)[3, 16] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("band", [1, 5, 8, 12, 16, 20])
def test_a_sine_is_loudest_in_its_bark_band(band: int) -> None:
    """A tone in the middle of a band is loudest there."""
    hertz = (BAND_EDGES_HZ[band - 1] + BAND_EDGES_HZ[band]) / 2
    assert loudness(sine(hertz), RATE).sone.mean(axis=1).argmax() == band


def test_spreading_masks_upwards_more_than_downwards() -> None:
    """A band masks the bands above it more than those below it."""
    masking = spreading_matrix()[:, 10]
    assert masking.argmax() == 10
    assert masking[10] == pytest.approx(1, abs=0.01)
    assert masking[12] > 10 * masking[8]


def test_phon_is_the_level_of_a_tone_at_one_kilohertz() -> None:
    """Around 1 kHz phon and decibels agree; low tones need more power."""
    decibels = np.tile([30.0, 50.0, 70.0, 90.0], (24, 1))
    phon = decibels_to_phon(decibels)
    assert phon[8] == pytest.approx(decibels[8], abs=1.0)  # 920 to 1080 Hz
    assert (phon[0] < phon[8] - 5).all()
    assert (np.diff(phon, axis=1) > 0).all()


def test_sone_doubles_every_ten_phon() -> None:
    """40 phon are 1 sone, 10 phon more are twice as loud, and silence is 0."""
    assert phon_to_sone(np.array([0.0, 40.0, 50.0, 80.0])) == pytest.approx([0, 1, 2, 16])


@pytest.mark.parametrize("hertz", [1.0, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("sample_rate", [22050, 44100])
def test_a_beat_shows_at_its_frequency(hertz: float, sample_rate: int) -> None:
    """Noise with two pulses a second is strongest in the bin of 2 Hz, in every band."""
    samples = beating(hertz, seconds=2.1 * SEGMENT_SECONDS, sample_rate=sample_rate)
    pattern = rhythm_patterns(samples, sample_rate).reshape(24, 60)
    nearest = int(np.abs(modulation_hz() - hertz).argmin())
    assert abs(int(pattern.sum(axis=0).argmax()) - nearest) <= 1
    assert np.abs(pattern[3:18].argmax(axis=1) - nearest).max() <= 1


def test_fluctuation_is_strongest_at_four_hertz() -> None:
    """The same modulation is stronger at 4 Hz than at 1 or 9 Hz."""
    peaks = [rhythm_patterns(beating(hz, seconds=6), RATE).max() for hz in (1.0, 4.0, 9.0)]
    assert peaks[1] > peaks[0]
    assert peaks[1] > peaks[2]


def test_a_short_beat_keeps_its_place() -> None:
    """Three seconds of a 4 Hz beat have their peak where six seconds have it."""
    pattern = rhythm_patterns(beating(4.0, seconds=3), RATE).reshape(24, 60)
    assert abs(modulation_hz()[pattern.sum(axis=0).argmax()] - 4.0) < 0.3


def test_level_moves_only_the_first_mfcc() -> None:
    """Half the level changes the mean of the first coefficient alone."""
    loud = noise(3)
    difference = mfcc_statistics(loud * np.float32(0.5), RATE) - mfcc_statistics(loud, RATE)
    assert difference[0] == pytest.approx(20 * np.log10(0.5) * np.sqrt(40), abs=1e-3)
    assert np.abs(difference[1:]).max() < 1e-3


def test_level_counts_for_loudness_descriptors() -> None:
    """Lower levels give less loudness and weaker beats."""
    loud = beating(2.0, seconds=6)
    for describe in (spectrum_statistics, rhythm_patterns):
        assert describe(loud * np.float32(0.1), RATE).sum() < 0.8 * describe(loud, RATE).sum()


def test_mfcc_statistics_are_mean_and_covariance() -> None:
    """The values are the mean and the upper triangle of the covariance, as in a loop."""
    samples = noise(1)
    coefficients = mfcc(samples, RATE)
    mean = coefficients.mean(axis=0)
    expected = list(mean)
    for i in range(N_COEFFICIENTS):
        for j in range(i, N_COEFFICIENTS):
            products = [(row[i] - mean[i]) * (row[j] - mean[j]) for row in coefficients]
            expected.append(sum(products) / len(products))
    assert mfcc_statistics(samples, RATE) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_spectrum_statistics_equal_their_definitions() -> None:
    """Each statistic equals a plain computation."""
    samples = beating(2.0, seconds=2)
    band = loudness(samples, RATE).sone[7]
    deviation = (band - band.mean()) / band.std()
    expected = [band.mean(), np.median(band), band.var(), (deviation**3).mean()]
    expected += [(deviation**4).mean() - 3, band.min(), band.max()]
    assert spectrum_statistics(samples, RATE).reshape(7, 24)[:, 7] == pytest.approx(
        expected, rel=1e-4
    )
