"""Batches, single columns and the loudest of a clip."""

import pytest
import torch

from embedder.config.model import FrontEndConfig
from embedder.features.framing import column_frames, random_frame_shift
from embedder.features.front_end import build_front_end, n_rows_of
from embedder.features.loudest import loudest_frames
from tests.embedder.features.front_end_cases import KINDS, RATE, music, small


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
