"""Front ends against librosa and slow loops."""

from typing import Any

import librosa
import numpy as np
import pytest
import torch

from embedder.config.model import FrontEndConfig
from embedder.features.banks import cqt_frequencies, cqt_quality, mel_bank
from embedder.features.building import build_front_end
from tests.embedder.features.front_end_cases import RATE, decibels, music, small


@pytest.mark.parametrize("settings", [{}, {"min_hz": 50.0, "max_hz": 8000.0, "hop_samples": 300}])
def test_log_mel_equals_librosa(settings: dict[str, Any]) -> None:
    """Within 0.01 dB of librosa's mel spectrogram in decibels."""
    config = small(**settings)
    samples = music(2)
    levels = build_front_end(config)(samples, RATE)
    for item, spectrogram in zip(samples.numpy(), levels, strict=True):
        power = librosa.feature.melspectrogram(
            y=item,
            sr=RATE,
            n_fft=config.fft_size,
            hop_length=config.hop_samples,
            n_mels=config.n_bins,
            fmin=config.min_hz,
            fmax=config.max_hz or None,
        )
        expected = librosa.power_to_db(power, ref=np.max, top_db=80)
        assert decibels(spectrogram) == pytest.approx(expected, abs=0.01)


def test_mel_magnitudes_equal_librosa() -> None:
    """`magnitude_power = 1` sums magnitudes, in 20 log10."""
    samples = music(1)
    levels = build_front_end(small(magnitude_power=1.0))(samples, RATE)[0]
    sums = librosa.feature.melspectrogram(
        y=samples[0].numpy(), sr=RATE, n_fft=1024, hop_length=512, n_mels=48, power=1.0
    )
    assert decibels(levels) == pytest.approx(
        librosa.amplitude_to_db(sums, ref=np.max, top_db=80), abs=0.01
    )


def test_mel_bank_equals_librosa() -> None:
    """The bands are Slaney's, at a common rate and at an odd one."""
    for rate in (22050, 11127):
        expected = librosa.filters.mel(sr=rate, n_fft=2048, n_mels=128)
        bank = mel_bank(FrontEndConfig(), rate)
        assert bank == pytest.approx(expected, abs=1e-6 * float(expected.max()))


def test_mfcc_equals_librosa() -> None:
    """Coefficients are librosa's of the same levels."""
    samples = music(1)
    levels = build_front_end(small())(samples, RATE)[0].numpy()
    coefficients = build_front_end(small("mfcc"))(samples, RATE)[0].numpy()
    assert coefficients == pytest.approx(librosa.feature.mfcc(S=levels, n_mfcc=13), abs=1e-5)


def test_constant_q_is_near_librosa() -> None:
    """Within 1 % of the maximum everywhere, and 0.3 dB in the mean over the strongest 20 dB.

    librosa lowers the rate octave by octave and drops small kernel values, so it is no exact twin.
    """
    config = FrontEndConfig(kind="cqt", n_bins=72)
    generator = torch.Generator().manual_seed(1)
    times = torch.arange(4 * RATE) / RATE
    samples = torch.randn(1, len(times), generator=generator) * 0.01
    for hertz in cqt_frequencies(config)[[12, 31, 45, 60]].tolist():
        samples[0] += 0.1 * torch.sin(2 * torch.pi * hertz * times)
    levels_db = decibels(build_front_end(config)(samples, RATE)[0])
    amplitude = np.abs(librosa.cqt(samples[0].numpy(), sr=RATE, n_bins=72, scale=False))
    lengths = cqt_quality(config) * RATE / cqt_frequencies(config)
    expected = librosa.amplitude_to_db(amplitude / lengths[:, None], ref=np.max, top_db=80)
    inner = np.s_[:, 30:-30]
    linear = 10 ** (levels_db[inner] / 20) - 10 ** (expected[inner] / 20)
    assert np.abs(linear).max() < 0.01
    strong = expected[inner] > -20
    assert np.abs(levels_db[inner] - expected[inner])[strong].mean() < 0.3


def test_constant_q_equals_a_slow_loop() -> None:
    """Each value is a product with a Hann-windowed wave of Q periods."""
    config = FrontEndConfig(kind="cqt", n_bins=60, bins_per_octave=24, min_hz=110.0)
    samples = music(1, seconds=1.0)
    levels_db = decibels(build_front_end(config)(samples, RATE)[0])
    padded = np.pad(samples[0].double().numpy(), 20000)
    slow = np.empty_like(levels_db, dtype=np.float64)
    for row, hertz in enumerate(cqt_frequencies(config).tolist()):
        length = cqt_quality(config) * RATE / hertz
        reach = int(length // 2)
        times = np.arange(-reach, reach + 1)
        window = 0.5 + 0.5 * np.cos(2 * np.pi * times / length)
        wave = window / window.sum() * np.exp(2j * np.pi * hertz / RATE * times)
        for frame in range(levels_db.shape[1]):
            middle = 20000 + frame * config.hop_samples
            slow[row, frame] = abs((padded[middle - reach : middle + reach + 1] * wave).sum())
    expected = np.maximum(20 * np.log10(slow / slow.max()), -80)
    assert levels_db == pytest.approx(expected, abs=0.05)


def test_log_frequency_equals_a_slow_loop() -> None:
    """Each row shows the bin nearest to its centre on the symmetric-log axis."""
    config = small("log-frequency", hop_samples=1024)
    samples = music(1)
    levels_db = decibels(build_front_end(config)(samples, RATE)[0])
    corner = config.corner_hz
    top = corner * (1 + np.log2(RATE / 2 / corner))
    spectrum = np.abs(librosa.stft(samples[0].numpy(), n_fft=1024, hop_length=1024))
    for row in range(config.n_bins):
        centre = (row + 0.5) * top / config.n_bins
        hertz = centre if centre <= corner else corner * 2 ** (centre / corner - 1)
        nearest = round(hertz * 1024 / RATE)
        expected = 20 * np.log10(np.maximum(spectrum[nearest] / spectrum.max(), 1e-4))
        assert levels_db[row] == pytest.approx(expected, abs=0.01)
