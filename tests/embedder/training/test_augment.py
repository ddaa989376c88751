"""Augmentation is seeded, works on batches, stays in range, and does what its name says."""

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.config.batches import AugmentationConfig
from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError
from embedder.training.augment import spectrogram, waveform
from embedder.training.augment.building import Augmentation, build_augmentation

RATE = 8000
ON_SPECTROGRAMS: dict[str, AugmentationConfig] = {
    "gain": AugmentationConfig(gain_db=6),
    "noise": AugmentationConfig(noise=0.1),
    "tilt": AugmentationConfig(tilt_db=6),
    "equaliser": AugmentationConfig(equaliser_db=6),
    "time masks": AugmentationConfig(time_masks=2, time_mask_share=0.3),
    "frequency masks": AugmentationConfig(frequency_masks=2, frequency_mask_share=0.3),
    "time shift": AugmentationConfig(time_shift_share=0.4),
    "frequency shift": AugmentationConfig(frequency_shift_rows=3),
    "bandwidth": AugmentationConfig(bandwidth_limit_share=0.5),
    "mix-up": AugmentationConfig(mix_up=0.4),
}
ON_WAVEFORMS: dict[str, AugmentationConfig] = {
    "gain": AugmentationConfig(gain_db=6),
    "noise": AugmentationConfig(noise=0.2),
    "tilt": AugmentationConfig(tilt_db=6),
    "equaliser": AugmentationConfig(equaliser_db=6),
    "time shift": AugmentationConfig(time_shift_share=0.4),
    "mix-up": AugmentationConfig(mix_up=0.4),
    "pitch": AugmentationConfig(pitch_semitones=3),
    "tempo": AugmentationConfig(tempo_share=0.2),
}
CASES = [(False, name) for name in ON_SPECTROGRAMS] + [(True, name) for name in ON_WAVEFORMS]


def seeded(seed: int = 0) -> torch.Generator:
    """A seeded generator."""
    return torch.Generator().manual_seed(seed)


def a_batch(*, sound: bool, n: int = 6) -> torch.Tensor:
    """Levels [n, 16, 24], or tones [n, 8000]."""
    if sound:
        seconds = torch.arange(RATE) / RATE
        tones = torch.linspace(200, 900, n)[:, None]
        return 0.5 * torch.sin(2 * torch.pi * tones * seconds)
    return torch.rand(n, 16, 24, generator=seeded(9)) * 0.8 + 0.1


def operation(name: str, *, sound: bool) -> Augmentation:
    """The case by its name."""
    config = (ON_WAVEFORMS if sound else ON_SPECTROGRAMS)[name]
    return build_augmentation(config, FrontEndConfig(), on_waveforms=sound)


@pytest.mark.parametrize(("sound", "name"), CASES)
def test_the_same_seed_gives_the_same_batch_and_another_one_another(sound: bool, name: str) -> None:
    """The global random state does not change."""
    change, batch = operation(name, sound=sound), a_batch(sound=sound)
    before = torch.get_rng_state()
    once, again = (change(batch, generator=seeded(1)) for _ in range(2))
    other_seed = change(batch, generator=seeded(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other_seed)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("sound", "name"), CASES)
def test_shapes_and_ranges_are_kept_and_the_input_is_not_touched(sound: bool, name: str) -> None:
    """Levels stay in 0…1, and samples in -1…1."""
    batch = a_batch(sound=sound)
    before = batch.clone()
    for seed in range(5):
        changed = operation(name, sound=sound)(batch, generator=seeded(seed))
        assert changed.shape == batch.shape
        assert changed.dtype == batch.dtype
        assert bool(changed.isfinite().all())
        assert float(changed.max()) <= 1.0 + 1e-6
        assert float(changed.min()) >= (-1.0 - 1e-6 if sound else 0.0)
    assert torch.equal(batch, before)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    rows=st.integers(2, 20),
    columns=st.integers(2, 30),
    n=st.integers(1, 5),
    strength=st.floats(0, 1),
)
def test_everything_at_once_keeps_the_laws_at_any_size(
    seed: int, rows: int, columns: int, n: int, strength: float
) -> None:
    """Shapes and ranges hold for tiny spectrograms at full strength."""
    config = AugmentationConfig(
        gain_db=40 * strength,
        noise=strength,
        tilt_db=40 * strength,
        equaliser_db=40 * strength,
        time_masks=3,
        time_mask_share=strength,
        frequency_masks=3,
        frequency_mask_share=strength,
        time_shift_share=strength,
        frequency_shift_rows=round(30 * strength),
        bandwidth_limit_share=strength,
        mix_up=0.49 * strength,
    )
    batch = torch.rand(n, rows, columns, generator=seeded(seed))
    changed = build_augmentation(config, FrontEndConfig())(batch, generator=seeded(seed))
    assert changed.shape == batch.shape
    assert 0.0 <= float(changed.min()) <= float(changed.max()) <= 1.0


@pytest.mark.parametrize("sound", [False, True])
def test_zero_strength_and_zero_probability_are_the_identity(sound: bool) -> None:
    """The batch is returned unchanged."""
    batch = a_batch(sound=sound)
    full = AugmentationConfig(gain_db=6, noise=0.3, mix_up=0.3, time_shift_share=0.3)
    for config in (AugmentationConfig(), replace(full, probability=0.0)):
        assert config.is_off
        change = build_augmentation(config, FrontEndConfig(), on_waveforms=sound)
        assert torch.equal(change(batch, generator=seeded()), batch)
    assert not full.is_off


def test_every_strength_is_reached_by_an_operation() -> None:
    """Every setting of a strength is read by an operation."""
    settings_read = {
        name
        for cases in (ON_SPECTROGRAMS, ON_WAVEFORMS)
        for config in cases.values()
        for name in (item.name for item in fields(AugmentationConfig))
        if getattr(config, name) != getattr(AugmentationConfig(), name)
    }
    not_strengths = {"probability", "crop_columns"}
    assert settings_read | not_strengths == {item.name for item in fields(AugmentationConfig)}


def test_a_probability_leaves_that_share_of_examples_alone() -> None:
    """Each example is drawn separately."""
    batch = a_batch(sound=False, n=400)
    config = AugmentationConfig(gain_db=6, probability=0.3)
    changed = build_augmentation(config, FrontEndConfig())(batch, generator=seeded())
    touched = (changed != batch).flatten(1).any(dim=1).float().mean()
    assert float(touched) == pytest.approx(0.3, abs=0.08)


def test_gain_adds_decibels_and_leaves_the_floor_alone() -> None:
    """Six of eighty decibels are 0.075 of a level, and empty rows stay empty."""
    batch = torch.full((200, 4, 4), 0.5)
    batch[:, 3] = 0
    changed = spectrogram.gain(batch, db=6, level_per_db=1 / 80, generator=seeded())
    step = changed[:, :3] - 0.5
    assert float(step.abs().max()) == pytest.approx(0.075, rel=0.05)
    assert not bool(changed[:, 3].any())
    assert float(step.flatten(1).std(dim=1).max()) < 1e-6


def test_masks_are_bands_of_at_most_their_length() -> None:
    """A mask of at most a quarter of twenty columns is at most five adjacent columns."""
    batch = torch.ones(300, 4, 20)
    changed = spectrogram.mask_columns(batch, n_masks=1, longest_share=0.25, generator=seeded())
    gone = changed[:, 0] == 0
    assert int(gone.sum(dim=1).max()) == 5
    edges = (gone[:, 1:] != gone[:, :-1]).sum(dim=1)
    assert int(edges.max()) <= 2
    rows = spectrogram.mask_rows(
        batch.transpose(1, 2), n_masks=1, longest_share=0.25, generator=seeded()
    )
    assert torch.equal(rows.transpose(1, 2), changed)


def test_time_shift_goes_round_and_frequency_shift_lets_empty_rows_in() -> None:
    """Columns are rotated; rows are shifted without wrapping."""
    batch = torch.arange(1, 13).float().div(12).reshape(1, 3, 4).repeat(50, 1, 1)
    turned = spectrogram.shift_columns(batch, share=0.5, generator=seeded())
    assert torch.equal(turned.sort(dim=2).values, batch.sort(dim=2).values)
    rotations = {tuple(row.tolist()) for row in turned[:, 0]}
    assert len(rotations) == 4
    moved = spectrogram.shift_rows(batch, rows=1, generator=seeded())
    up = torch.cat([torch.zeros(1, 4), batch[0, :2]])
    down = torch.cat([batch[0, 1:], torch.zeros(1, 4)])
    for example in moved:
        assert any(
            torch.equal(example, allowed_example) for allowed_example in (up, down, batch[0])
        )
    assert len({tuple(m.flatten().tolist()) for m in moved}) == 3


def test_a_bandwidth_limit_empties_upper_rows_only() -> None:
    """The lower rows stay, at least as many as the share allows."""
    changed = spectrogram.limit_bandwidth(torch.ones(100, 20, 3), share=0.4, generator=seeded())
    n_rows_left = (changed[:, :, 0] > 0).sum(dim=1)
    assert int(n_rows_left.min()) >= 12
    assert len(set(n_rows_left.tolist())) > 4
    lower = torch.arange(20)[None, :] < n_rows_left[:, None]
    assert torch.equal(changed[:, :, 0] > 0, lower)


def test_a_crop_is_a_stretch_of_its_example() -> None:
    """Every position occurs; an example that is too short stays whole."""
    batch = torch.arange(10).float().reshape(1, 1, 10).repeat(200, 2, 1)
    crop = spectrogram.crop_columns(batch, n_columns=4, generator=seeded())
    assert crop.shape == (200, 2, 4)
    assert bool((crop.diff(dim=2) == 1).all())
    assert set(crop[:, 0, 0].tolist()) == set(range(7))
    config = AugmentationConfig(crop_columns=12)
    all_columns = build_augmentation(config, FrontEndConfig())(batch, generator=seeded())
    assert torch.equal(all_columns, batch)


def test_mix_up_keeps_the_louder_track_on_top() -> None:
    """More than half of every example is the original."""
    one_hot = torch.eye(30)[:, None, :]
    mixed = spectrogram.mix_up(one_hot, share=0.4, generator=seeded())
    assert bool((mixed[:, 0].argmax(dim=1) == torch.arange(30)).all())
    assert float(mixed.diagonal(dim1=0, dim2=2).min()) >= 0.6


def test_stretching_changes_the_length_and_keeps_the_pitch() -> None:
    """At half the speed, a tone is twice as long and has the same peak."""
    tone = a_batch(sound=True)[:1]
    slow = waveform.stretched(tone, speed=0.5)
    assert slow.shape[1] == 2 * tone.shape[1]
    assert _peak_hz(slow) == pytest.approx(_peak_hz(tone), abs=3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pitch_shift_moves_the_peak_within_its_semitones(seed: int) -> None:
    """The peak moves, by at most the given semitones."""
    tone = a_batch(sound=True)[3:4]
    moved = waveform.change_pitch(tone, semitones=4, generator=seeded(seed))
    ratio = _peak_hz(moved) / _peak_hz(tone)
    assert 2 ** (-4.2 / 12) < ratio < 2 ** (4.2 / 12)
    assert abs(ratio - 1) > 0.005


def test_resampling_is_a_change_of_speed() -> None:
    """With half as many samples, the tone is an octave higher."""
    tone = a_batch(sound=True)[:1]
    assert _peak_hz(waveform.resampled(tone, n_samples=RATE // 2)) == pytest.approx(400, abs=3)


def test_noise_stands_in_proportion_to_the_sound() -> None:
    """A quiet track gets quiet noise, and silence gets none."""
    batch = a_batch(sound=True)[:3] * torch.tensor([0.0, 0.01, 1.0])[:, None]
    added = waveform.noise(batch, share=0.1, generator=seeded()) - batch
    level = added.square().mean(dim=1).sqrt() / batch.square().mean(dim=1).sqrt().clamp_min(1e-9)
    assert float(level[0]) == 0
    assert bool((level[1:] <= 0.105).all())
    assert bool((level[1:] > 0).all())


def test_the_equaliser_changes_each_tone_by_no_more_than_it_may() -> None:
    """Each tone changes by at most six decibels, and no new tones appear."""
    batch = a_batch(sound=True) * 0.5
    changed = waveform.equalise(batch, bands_db=6, tilt_db=0, generator=seeded())
    ratio = changed.square().mean(dim=1) / batch.square().mean(dim=1)
    assert bool((ratio.log10().mul(10).abs() <= 6.1).all())
    assert _peak_hz(changed[:1]) == pytest.approx(_peak_hz(batch[:1]), abs=2)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (AugmentationConfig(mix_up=0.5), r"mix_up = 0\.5"),
        (AugmentationConfig(probability=1.5), r"probability = 1\.5"),
        (AugmentationConfig(time_mask_share=-0.1), "time_mask_share"),
        (AugmentationConfig(pitch_semitones=2), "need audio"),
    ],
)
def test_settings_that_do_not_fit_are_refused(config: AugmentationConfig, message: str) -> None:
    """Each error names its setting."""
    with pytest.raises(ConfigError, match=message):
        build_augmentation(config, FrontEndConfig())


def _peak_hz(sound: torch.Tensor) -> float:
    spectrum = torch.fft.rfft(sound[0] * torch.hann_window(sound.shape[1])).abs()
    return float(spectrum.argmax()) * RATE / sound.shape[1]
