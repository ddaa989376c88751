"""Batches, single columns, and the loudest frame of a clip."""

from dataclasses import replace

import pytest
import torch

from embedder.config.model import FrontEndConfig
from embedder.features.axes import n_rows_of
from embedder.features.building import build_front_end
from embedder.features.frames import column_frames
from embedder.features.loudest import loudest_frames
from tests.embedder.features.front_end_cases import KINDS, RATE, music, small


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_its_items_one_by_one(kind: str) -> None:
    """An item's result does not depend on the rest of the batch."""
    front_end = build_front_end(small(kind))
    samples = music(3, seconds=1.0) * torch.tensor([[1.0], [0.01], [0.3]])
    together = front_end(samples, RATE)
    assert together.shape[:2] == (3, n_rows_of(front_end.config))
    for item, levels in zip(samples, together, strict=True):
        assert torch.allclose(front_end(item[None], RATE)[0], levels, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_columns_are_frames_of_the_whole(kind: str) -> None:
    """Sampled columns equal those of the full spectrogram, with the same reference."""
    samples = music(2, seconds=4.0)
    all_levels = build_front_end(small(kind))(samples, RATE)
    sampled = build_front_end(small(kind, n_columns=16))(samples, RATE)
    n_frames = all_levels.shape[-1]
    shown = [int((column + 0.5) * n_frames / 16) for column in range(16)]
    assert torch.allclose(sampled, all_levels[:, :, shown], atol=2e-3)


def test_reference_is_the_whole_clip_between_columns_too() -> None:
    """A click between the columns, of any pitch, sets the reference."""
    for hertz in (60.0, 700.0, 5000.0):
        samples = music(1, seconds=6.0) * 0.01
        times = torch.arange(2000) / RATE
        samples[0, 60000:62000] += 0.8 * torch.sin(2 * torch.pi * hertz * times)
        all_levels = build_front_end(small())(samples, RATE)
        sampled = build_front_end(small(n_columns=3))(samples, RATE)
        assert all_levels.max() == pytest.approx(1)
        assert sampled.max() < 0.7
        n_frames = all_levels.shape[-1]
        shown = [int((column + 0.5) * n_frames / 3) for column in range(3)]
        assert torch.allclose(sampled, all_levels[:, :, shown], atol=1e-3)


def test_loudest_frames_find_the_maximum_of_noise() -> None:
    """The result is within 0.2 dB even for noise, which has no loudest band."""
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


def test_columns_show_the_middle_of_their_parts() -> None:
    """Ten columns of a hundred frames show the middle of each ten, plus the shift."""
    config = small(n_columns=10)
    frames = column_frames(config, n_frames=100, sample_rate=RATE)
    assert frames.tolist() == [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    later = replace(config, column_shift_seconds=3 * config.hop_samples / RATE)
    moved = column_frames(later, n_frames=100, sample_rate=RATE)
    assert moved.tolist() == [8, 18, 28, 38, 48, 58, 68, 78, 88, 98]


def test_columns_never_leave_the_grid() -> None:
    """With a large shift, columns show the first or the last frame."""
    for seconds, frame in ((-9.0, 0), (9.0, 99)):
        config = small(n_columns=10, column_shift_seconds=seconds)
        assert set(column_frames(config, n_frames=100, sample_rate=RATE).tolist()) == {frame}
