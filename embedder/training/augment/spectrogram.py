"""Seeded changes to whole batches of spectrograms: float32 [batch, rows, columns], levels 0…1.

A level is a position between floor and reference in decibels, so gain adds. A level at the
floor stays there: its true level is unknown, and the empty upper rows of a low-rate MP3
must stay empty. Every function draws each example's values at once; a loop over examples
would cost as much as the network.
"""

import torch
from torch import Tensor

from embedder.datasets import draws


def uniform(
    shape: tuple[int, ...], low: float, high: float, *, generator: torch.Generator, like: Tensor
) -> Tensor:
    """Random numbers from `low` to `high`, drawn on the generator's device, moved to `like`'s."""
    uniforms = draws.uniform(shape, generator=generator)
    return (low + (high - low) * uniforms).to(device=like.device, dtype=like.dtype)


def gain(batch: Tensor, *, db: float, level_per_db: float, generator: torch.Generator) -> Tensor:
    """Up to `db` louder or quieter."""
    size = (len(batch), 1, 1)
    change = uniform(size, -db, db, generator=generator, like=batch) * level_per_db
    return _shifted_levels(batch, change)


def noise(batch: Tensor, *, deviation: float, generator: torch.Generator) -> Tensor:
    """Normal noise on the levels, its deviation drawn up to `deviation` for each example."""
    strength = uniform((len(batch), 1, 1), 0.0, deviation, generator=generator, like=batch)
    samples = draws.normal(tuple(batch.shape), generator=generator)
    return (batch + strength * samples.to(batch)).clamp(0.0, 1.0)


def tilt(batch: Tensor, *, db: float, level_per_db: float, generator: torch.Generator) -> Tensor:
    """A straight line over the rows: -x at the lowest to +x at the highest, x up to `db`."""
    slope = uniform((len(batch), 1, 1), -db, db, generator=generator, like=batch)
    line = torch.linspace(-1.0, 1.0, batch.shape[1], device=batch.device)[None, :, None]
    return _shifted_levels(batch, slope * line * level_per_db)


def equalise(
    batch: Tensor, *, db: float, level_per_db: float, generator: torch.Generator, n_bands: int = 6
) -> Tensor:
    """Bands up to `db` up or down, blending into each other over the rows."""
    bands = uniform((len(batch), 1, n_bands), -db, db, generator=generator, like=batch)
    curve = torch.nn.functional.interpolate(
        bands, size=batch.shape[1], mode="linear", align_corners=True
    )
    return _shifted_levels(batch, curve.transpose(1, 2) * level_per_db)


def mask_columns(
    batch: Tensor, *, n_masks: int, longest_share: float, generator: torch.Generator
) -> Tensor:
    """Stretches of time set to the floor."""
    is_open = _outside_masks(batch, batch.shape[2], n_masks, longest_share, generator)
    return batch * is_open[:, None, :]


def mask_rows(
    batch: Tensor, *, n_masks: int, longest_share: float, generator: torch.Generator
) -> Tensor:
    """Bands of frequency set to the floor."""
    is_open = _outside_masks(batch, batch.shape[1], n_masks, longest_share, generator)
    return batch * is_open[:, :, None]


def shift_columns(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Shift in time by up to that share; columns that leave on one side enter on the other."""
    n_columns = batch.shape[2]
    moved = uniform((len(batch), 1), -share, share, generator=generator, like=batch) * n_columns
    at = torch.arange(n_columns, device=batch.device)[None, :] - moved.round().long()
    return batch.gather(2, (at % n_columns)[:, None, :].expand_as(batch))


def shift_rows(batch: Tensor, *, rows: int, generator: torch.Generator) -> Tensor:
    """Shift in frequency by up to `rows`; empty rows enter."""
    n_rows = batch.shape[1]
    moved = uniform((len(batch), 1), -rows - 0.5, rows + 0.5, generator=generator, like=batch)
    moved = moved.round().clamp(-rows, rows).long()
    at = torch.arange(n_rows, device=batch.device)[None, :] - moved
    inside = (at >= 0) & (at < n_rows)
    shifted = batch.gather(1, at.clamp(0, n_rows - 1)[:, :, None].expand_as(batch))
    return shifted * inside[:, :, None]


def limit_bandwidth(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Up to that share of the upper rows emptied, as encoders at low rates do."""
    cut = uniform((len(batch), 1), 0.0, share, generator=generator, like=batch)
    rows = torch.arange(batch.shape[1], device=batch.device)[None, :]
    return batch * (rows < ((1.0 - cut) * batch.shape[1]).ceil())[:, :, None]


def mix_up(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Mix another example of the batch into each, by up to that share (below a half).

    The target stays that of the louder track.
    """
    order = draws.permutation(len(batch), generator=generator)
    under = uniform((len(batch), 1, 1), 0.0, share, generator=generator, like=batch)
    return (1 - under) * batch + under * batch[order.to(batch.device)]


def crop_columns(batch: Tensor, *, n_columns: int, generator: torch.Generator) -> Tensor:
    """A random stretch of each example, [batch, rows, n_columns]; all of it if it is shorter."""
    room = batch.shape[2] - n_columns
    if room <= 0:
        return batch
    start = uniform((len(batch), 1), 0.0, room + 1.0, generator=generator, like=batch)
    start = start.floor().clamp_max(room).long()
    at = start + torch.arange(n_columns, device=batch.device)[None, :]
    return batch.gather(2, at[:, None, :].expand(-1, batch.shape[1], -1))


def _shifted_levels(batch: Tensor, change: Tensor) -> Tensor:
    return torch.where(batch > 0, (batch + change).clamp(0.0, 1.0), batch)


def _outside_masks(
    batch: Tensor, length: int, n_masks: int, longest_share: float, generator: torch.Generator
) -> Tensor:
    """The positions without a mask, bool [batch, length]."""
    size = (len(batch), n_masks, 1)
    widths = uniform(size, 0.0, longest_share, generator=generator, like=batch) * length
    starts = uniform(size, 0.0, 1.0, generator=generator, like=batch) * (length - widths)
    at = torch.arange(length, device=batch.device)[None, None, :]
    first = starts.round()
    return ~((at >= first) & (at < first + widths.round())).any(dim=1)
