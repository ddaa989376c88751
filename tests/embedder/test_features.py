"""Front ends against librosa and slow loops, and the promises of their settings."""

import dataclasses
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedder.config.model import FrontEndConfig
from embedder.config.presets import FRONT_ENDS, MODELS
from embedder.errors import ConfigError
from embedder.features.banks import cqt_frequencies, cqt_quality, log_frequency_bins, mel_bank
from embedder.features.framing import column_frames, random_frame_shift
from embedder.features.front_end import build_front_end, n_rows_of
from embedder.features.loudest import loudest_frames

RATE = 22050
KINDS = ("log-mel", "log-frequency", "mfcc", "cqt", "waveform")


def small(kind: str = "log-mel", **settings: Any) -> FrontEndConfig:
    base = FrontEndConfig(n_bins=48, fft_size=1024, n_coefficients=13)
    return dataclasses.replace(base, kind=kind, **settings)  # type: ignore[arg-type]  # a str


def music(n_items: int = 2, *, seconds: float = 3.0, rate: int = RATE, seed: int = 0) -> Tensor:
    """Chords of decaying tones over quiet noise, louder in the middle."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.arange(round(seconds * rate)) / rate
    items = []
    for _ in range(n_items):
        hertz = 80 * 2 ** (torch.rand(6, 1, generator=generator) * 5)
        tones = torch.sin(2 * torch.pi * hertz * times) * torch.exp(-((3 * times) % 2))
        noise = torch.randn(len(times), generator=generator) * 0.003
        envelope = 0.2 + torch.exp(-((times / seconds - 0.4) ** 2) * 60)
        items.append((tones.mean(dim=0) * 0.5 + noise) * envelope)
    return torch.stack(items)


def decibels(levels: Tensor) -> NDArray[np.float32]:
    """Levels of an 80 dB scale in dB."""
    return np.asarray((levels.numpy() - 1) * 80)


@pytest.mark.parametrize("settings", [{}, {"min_hz": 50.0, "max_hz": 8000.0, "hop_samples": 300}])
def test_log_mel_equals_librosa(settings: dict[str, Any]) -> None:
    """Within 0.01 dB of librosa's mel spectrogram in decibels."""
    config = small(**settings)
    samples = music(2)
    levels = build_front_end(config)(samples, RATE)
    for item, found in zip(samples.numpy(), levels, strict=True):
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
        assert decibels(found) == pytest.approx(expected, abs=0.01)


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
        found = mel_bank(FrontEndConfig(), rate).numpy()
        assert found == pytest.approx(expected, abs=1e-6 * float(expected.max()))


def test_mfcc_equals_librosa() -> None:
    """Coefficients are librosa's of the same levels."""
    samples = music(1)
    levels = build_front_end(small())(samples, RATE)[0].numpy()
    found = build_front_end(small("mfcc"))(samples, RATE)[0].numpy()
    assert found == pytest.approx(librosa.feature.mfcc(S=levels, n_mfcc=13), abs=1e-5)


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
    found = decibels(build_front_end(config)(samples, RATE)[0])
    amplitude = np.abs(librosa.cqt(samples[0].numpy(), sr=RATE, n_bins=72, scale=False))
    lengths = cqt_quality(config) * RATE / cqt_frequencies(config).numpy()
    expected = librosa.amplitude_to_db(amplitude / lengths[:, None], ref=np.max, top_db=80)
    inner = np.s_[:, 30:-30]
    linear = 10 ** (found[inner] / 20) - 10 ** (expected[inner] / 20)
    assert np.abs(linear).max() < 0.01
    strong = expected[inner] > -20
    assert np.abs(found[inner] - expected[inner])[strong].mean() < 0.3


def test_constant_q_equals_a_slow_loop() -> None:
    """Each value is the product with a Hann-windowed wave of Q periods."""
    config = FrontEndConfig(kind="cqt", n_bins=60, bins_per_octave=24, min_hz=110.0)
    samples = music(1, seconds=1.0)
    found = decibels(build_front_end(config)(samples, RATE)[0])
    padded = np.pad(samples[0].double().numpy(), 20000)
    slow = np.empty_like(found, dtype=np.float64)
    for row, hertz in enumerate(cqt_frequencies(config).tolist()):
        length = cqt_quality(config) * RATE / hertz
        reach = int(length // 2)
        times = np.arange(-reach, reach + 1)
        window = 0.5 + 0.5 * np.cos(2 * np.pi * times / length)
        wave = window / window.sum() * np.exp(2j * np.pi * hertz / RATE * times)
        for frame in range(found.shape[1]):
            middle = 20000 + frame * config.hop_samples
            slow[row, frame] = abs((padded[middle - reach : middle + reach + 1] * wave).sum())
    expected = np.maximum(20 * np.log10(slow / slow.max()), -80)
    assert found == pytest.approx(expected, abs=0.05)


def test_log_frequency_equals_a_slow_loop() -> None:
    """Each row shows the bin nearest to its centre on the symmetric-log axis."""
    config = small("log-frequency", hop_samples=1024)
    samples = music(1)
    found = decibels(build_front_end(config)(samples, RATE)[0])
    corner = config.corner_hz
    top = corner * (1 + np.log2(RATE / 2 / corner))
    spectrum = np.abs(librosa.stft(samples[0].numpy(), n_fft=1024, hop_length=1024))
    for row in range(config.n_bins):
        centre = (row + 0.5) * top / config.n_bins
        hertz = centre if centre <= corner else corner * 2 ** (centre / corner - 1)
        nearest = round(hertz * 1024 / RATE)
        expected = 20 * np.log10(np.maximum(spectrum[nearest] / spectrum.max(), 1e-4))
        assert found[row] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_its_items_one_by_one(kind: str) -> None:
    """What else is in the batch does not matter."""
    front_end = build_front_end(small(kind))
    samples = music(3, seconds=1.0) * torch.tensor([[1.0], [0.01], [0.3]])
    together = front_end(samples, RATE)
    assert together.shape[:2] == (3, n_rows_of(front_end.config))
    for item, found in zip(samples, together, strict=True):
        assert torch.allclose(front_end(item[None], RATE)[0], found, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_columns_are_frames_of_the_whole(kind: str) -> None:
    """Sampled columns are those columns of the full spectrogram, reference included."""
    samples = music(2, seconds=4.0)
    whole = build_front_end(small(kind))(samples, RATE)
    sampled = build_front_end(small(kind, n_columns=16))(samples, RATE)
    n_frames = whole.shape[-1]
    shown = [int((column + 0.5) * n_frames / 16) for column in range(16)]
    assert torch.allclose(sampled, whole[:, :, shown], atol=2e-3)


def test_reference_is_the_whole_clip_between_columns_too() -> None:
    """A click that no column shows still sets the level, whatever its pitch."""
    for hertz in (60.0, 700.0, 5000.0):
        samples = music(1, seconds=6.0) * 0.01
        times = torch.arange(2000) / RATE
        samples[0, 60000:62000] += 0.8 * torch.sin(2 * torch.pi * hertz * times)
        whole = build_front_end(small())(samples, RATE)
        sampled = build_front_end(small(n_columns=3))(samples, RATE)
        assert whole.max() == pytest.approx(1)
        assert sampled.max() < 0.7
        n_frames = whole.shape[-1]
        shown = [int((column + 0.5) * n_frames / 3) for column in range(3)]
        assert torch.allclose(sampled, whole[:, :, shown], atol=1e-3)


def test_loudest_frames_find_the_maximum_of_noise() -> None:
    """Even noise, whose loudest band is nowhere in particular, is within 0.2 dB."""
    samples = torch.randn(4, 30 * RATE, generator=torch.Generator().manual_seed(3)) * 0.1
    samples = torch.nn.functional.avg_pool1d(samples[:, None], 3, 1, 1)[:, 0]
    peaks = build_front_end(FrontEndConfig(reference="absolute", floor_db=-200.0)).levels(
        samples, RATE
    )
    by_frame = peaks.amax(dim=1)
    named = loudest_frames(
        samples, sample_rate=RATE, fft_size=2048, hop_samples=512, n_frames=by_frame.shape[1]
    )
    missing = by_frame.amax(dim=1) - by_frame.gather(1, named).amax(dim=1)
    assert float(missing.max()) * 80 < 1.0


def test_frame_shift_moves_columns_within_their_stretch() -> None:
    """Half a stretch back and forth reaches its ends; none is the middle."""
    config = small(n_columns=10)
    middle = column_frames(config, n_frames=100, sample_rate=RATE)
    assert middle.tolist() == [[5, 15, 25, 35, 45, 55, 65, 75, 85, 95]]
    shifts = torch.tensor([[-0.5], [0.0], [0.49]])
    moved = column_frames(config, n_frames=100, sample_rate=RATE, frame_shift=shifts)
    assert moved[:, 3].tolist() == [30, 35, 39]
    outside = column_frames(
        config, n_frames=100, sample_rate=RATE, frame_shift=torch.tensor([[-9.0], [9.0]])
    )
    assert (int(outside.min()), int(outside.max())) == (0, 99)


def test_random_shifts_are_seeded_and_stay_inside() -> None:
    """One seed, one set of shifts, all within half a stretch."""
    first, second = (
        random_frame_shift(4, 50, generator=torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first, second)
    assert first.abs().max() <= 0.5
    assert first.std() > 0.2
    front_end = build_front_end(small(n_columns=50))
    samples = music(4, seconds=3.0)
    moved = front_end(samples, RATE, frame_shift=first)
    assert moved.shape == (4, 48, 50)
    assert not torch.allclose(moved, front_end(samples, RATE))


def test_absolute_levels_keep_loudness_and_clip_levels_forget_it() -> None:
    """Half the amplitude is 6 dB less under `absolute`, and the same under `clip`."""
    samples = music(1)
    for kind in ("log-mel", "log-frequency", "cqt"):
        absolute = build_front_end(small(kind, reference="absolute", floor_db=-120.0))
        settings = dataclasses.replace(
            absolute.config, level_per_db=1 / 120, level_at_reference=1.0
        )
        front_end = build_front_end(settings)
        difference = front_end(samples, RATE) - front_end(samples * 0.5, RATE)
        inside = front_end(samples * 0.5, RATE) > 0
        assert (difference[inside] * 120).mean() == pytest.approx(6.02, abs=0.02)
        relative = build_front_end(small(kind))
        quieter = relative(samples * 0.5, RATE)
        assert torch.allclose(relative(samples, RATE), quieter, atol=1e-4)


@pytest.mark.parametrize("kind", ["log-mel", "log-frequency", "cqt"])
def test_a_full_scale_sine_is_the_absolute_reference(kind: str) -> None:
    """A sine of amplitude 1 comes near 0 dB and never above."""
    config = small(kind, reference="absolute", level_at_reference=0.9, level_per_db=0.1)
    hertz = float(log_frequency_bins(config, RATE)[30]) * RATE / 1024
    if kind == "cqt":
        hertz = float(cqt_frequencies(config)[30])
    samples = torch.sin(2 * torch.pi * hertz * torch.arange(RATE) / RATE)[None]
    peak = (float(build_front_end(config)(samples, RATE)[..., 10:-10].max()) - 0.9) / 0.1
    assert -3.0 < peak < 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalisation", ["none", "clip", "running"])
def test_silence_and_scraps_stay_finite(kind: str, normalisation: str) -> None:
    """Digital silence is at the floor, one sample is a frame, and nothing is infinite."""
    front_end = build_front_end(small(kind, normalisation=normalisation))
    for n_samples in (1, 100, RATE):
        assert torch.isfinite(front_end(torch.zeros(2, n_samples), RATE)).all()
    if kind not in ("mfcc", "waveform"):
        assert front_end.levels(torch.zeros(1, RATE), RATE).max() == 0


def test_level_scale_and_floor_are_settings() -> None:
    """Levels are `level_per_db × dB + level_at_reference`, never below the floor's."""
    config = small(level_per_db=0.01, level_at_reference=0.8, floor_db=-50.0)
    samples = music(1)
    plain = decibels(build_front_end(small())(samples, RATE))
    found = build_front_end(config)(samples, RATE)
    assert found.numpy() == pytest.approx(np.maximum(plain, -50) * 0.01 + 0.8, abs=1e-4)


def test_clip_normalisation_is_mean_0_and_deviation_1() -> None:
    """Each clip by itself."""
    levels = build_front_end(small(normalisation="clip"))(music(3), RATE)
    assert levels.mean(dim=(1, 2)) == pytest.approx([0, 0, 0], abs=1e-4)
    assert levels.std(dim=(1, 2)) == pytest.approx([1, 1, 1], abs=1e-3)


def test_running_normalisation_learns_only_in_training() -> None:
    """Statistics are those of all training batches, and are saved with the weights."""
    config = small(normalisation="running")
    front_end = build_front_end(config)
    plain = build_front_end(small())
    batches = [music(2, seed=seed, seconds=1.0 + seed) for seed in range(3)]
    assert torch.equal(front_end.eval()(batches[0], RATE), plain(batches[0], RATE))
    front_end.train()
    for batch in batches:
        front_end(batch, RATE)
    columns = torch.cat([plain(batch, RATE).transpose(0, 1).flatten(1) for batch in batches], dim=1)
    state = front_end.state_dict()
    assert state["normalisation.mean"].numpy() == pytest.approx(columns.mean(1).numpy(), abs=1e-5)
    variance = columns.var(1, correction=0).numpy()
    assert state["normalisation.variance"].numpy() == pytest.approx(variance, rel=1e-3, abs=1e-7)
    again = build_front_end(config)
    again.load_state_dict(state)
    before = {name: value.clone() for name, value in again.state_dict().items()}
    assert torch.equal(again.eval()(batches[1], RATE), front_end.eval()(batches[1], RATE))
    assert all(torch.equal(before[name], value) for name, value in again.state_dict().items())


def test_only_learnt_statistics_are_saved() -> None:
    """Tables of a rate are no weights: they are made anew and never travel."""
    for kind in KINDS:
        front_end = build_front_end(small(kind))
        front_end(music(1, seconds=0.5), RATE)
        assert front_end.state_dict() == {}


def test_native_rate_follows_the_file_and_fixed_rate_resamples() -> None:
    """Rate 0 takes what comes, each with its own bands; a fixed rate brings all to one."""
    native = build_front_end(small(sample_rate=0))
    fixed = build_front_end(small())
    tone = {
        rate: torch.sin(2 * torch.pi * 3000 * torch.arange(rate) / rate)[None]
        for rate in (16000, 22050, 48000)
    }
    assert native(tone[48000], 48000).shape[-1] > 2 * native(tone[16000], 16000).shape[-1]
    rows = {rate: int(fixed(samples, rate)[0].mean(1).argmax()) for rate, samples in tone.items()}
    assert len(set(rows.values())) == 1
    n_columns = {fixed(samples, rate).shape[-1] for rate, samples in tone.items()}
    assert n_columns == {44}


def test_tables_made_for_inference_serve_training() -> None:
    """A front end used without gradients can be differentiated through afterwards."""
    front_end = build_front_end(small("cqt", n_bins=24))
    with torch.inference_mode():
        front_end(music(1, seconds=0.5), RATE)
    samples = music(1, seconds=0.5).requires_grad_()
    front_end(samples, RATE).sum().backward()
    assert samples.grad is not None


def test_autocast_does_not_reach_the_transform() -> None:
    """Levels under bfloat16 autocast are those in float32."""
    front_end = build_front_end(small())
    samples = music(1)
    with torch.autocast("cpu", torch.bfloat16):
        under = front_end(samples, RATE)
    assert torch.equal(under, front_end(samples, RATE))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_columns", [0, 20])
def test_a_gpu_gives_the_same(kind: str, n_columns: int) -> None:
    """Within 0.05 dB of the processor's levels."""
    front_end = build_front_end(small(kind, n_columns=n_columns))
    samples = music(2)
    on_cpu = front_end(samples, RATE)
    assert torch.allclose(front_end.cuda()(samples.cuda(), RATE).cpu(), on_cpu, atol=6e-4)


@pytest.mark.parametrize("name", sorted(FRONT_ENDS))
def test_presets_build(name: str) -> None:
    """Every preset gives finite columns of the rows it promises."""
    config = FRONT_ENDS[name]
    rate = config.sample_rate or 44100
    levels = build_front_end(config)(music(1, seconds=2.0, rate=rate), rate)
    assert levels.shape[1] == n_rows_of(config)
    assert torch.isfinite(levels).all()


def test_model_presets_have_front_ends_that_build() -> None:
    """Small, middle and large each name settings that work."""
    assert set(MODELS) == {"tiny", "base", "large"}
    for model in MODELS.values():
        build_front_end(model.front_end)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_bins": 0}, "n_bins = 0: give at least 1"),
        ({"fft_size": 1023}, "even"),
        ({"hop_samples": 0}, "hop_samples"),
        ({"floor_db": 0.0}, "floor_db"),
        ({"min_hz": 500.0, "max_hz": 400.0}, "max_hz above it"),
        ({"min_hz": -1.0}, "min_hz from 0"),
        ({"min_hz": 12000.0}, "holds nothing above 11025 Hz"),
        ({"column_span": 0.0}, "column_span"),
        ({"magnitude_power": 0.0}, "magnitude_power"),
        ({"kind": "mfcc", "n_coefficients": 49}, "at most n_bins = 48"),
        ({"kind": "cqt", "n_bins": 128}, "Lower n_bins or min_hz"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    """The message names the setting and what it may be."""
    with pytest.raises(ConfigError, match=message):
        build_front_end(dataclasses.replace(small(), **settings))


def test_constant_q_rows_beyond_a_low_rate_are_silent() -> None:
    """At a file's own rate, rows that it cannot hold stay at the floor."""
    config = FrontEndConfig(kind="cqt", n_bins=96, sample_rate=0)
    levels = build_front_end(config)(music(1, rate=8000), 8000)
    above = cqt_frequencies(config) > 4000
    assert levels[0, above].max() == 0
    assert levels[0, ~above].max() == pytest.approx(1)


def test_a_waveform_must_be_a_batch() -> None:
    """One axis too few is our bug, and is named with the shape."""
    with pytest.raises(ValueError, match=r"\[batch, samples\], not \[100\]"):
        build_front_end(small())(torch.zeros(100), RATE)


def test_gtzan_rows_begin_below_zero_hertz() -> None:
    """Rows of the preset repeat low bins and end near 10.7 kHz, as the pictures do."""
    bins = log_frequency_bins(FRONT_ENDS["gtzan-log"], RATE).tolist()
    assert bins[:12] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3]
    assert bins[-3:] == [926, 958, 991]
