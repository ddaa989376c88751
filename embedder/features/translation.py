"""Translate the levels of one front end to those that another gives for the same audio.

    levels ── nearest columns ── power of each row ── mel bands ── decibels ── levels

It serves stored spectrograms that were made by another front end than the network's. A row counts
as the mean power around its frequency; frequencies above the highest row stay silent.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError
from embedder.features.axes import row_edges_hz
from embedder.features.banks import highest_hz, mel_edges
from embedder.features.checking import check_front_end
from embedder.features.normalisation import build_normalisation

USUAL_RATE = 44_100
"""Assumed for front ends that keep a file's own rate."""
STEP_HZ = 0.5
"""The frequency grid on which bands are summed."""
SILENT_POWER = 1e-12
SOURCE_KINDS = ("log-mel", "log-frequency")

Matrix = NDArray[np.float64]


class Translation(nn.Module):
    """Levels [batch, rows, columns] of `source` to normalised levels of `target`."""

    def __init__(
        self, source: FrontEndConfig, target: FrontEndConfig, *, excerpt_seconds: float
    ) -> None:
        super().__init__()
        check_translation(source, target)
        self.source, self.target = source, target
        self.columns_per_column = _columns_per_second(
            target, excerpt_seconds
        ) / _columns_per_second(source, excerpt_seconds)
        with torch.device("cpu"):  # even if the network is made on the meta device
            weights = row_weights(source, target)
        self.weights: Tensor
        self.register_buffer("weights", torch.as_tensor(weights, dtype=torch.float32))
        lowest = target.floor_db * target.level_per_db + target.level_at_reference
        self.floor = max(lowest, 0.0)
        self.normalisation = build_normalisation(target.normalisation, n_rows=target.n_bins)

    def columns_after(self, n_columns: int) -> int:
        """How many columns `n_columns` become."""
        return max(int(n_columns * self.columns_per_column + 0.5), 1)

    def least_columns(self, n_after: int) -> int:
        """The fewest columns that become `n_after`."""
        if n_after <= 1:
            return 1  # any number of columns becomes one at least
        n_columns = max(int((n_after - 0.5) / self.columns_per_column) - 1, 1)
        while self.columns_after(n_columns) < n_after:
            n_columns += 1
        return n_columns

    def forward(self, levels: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, target rows, target columns]."""
        with torch.autocast(levels.device.type, enabled=False):  # powers span eight decades
            columns = levels.float().index_select(2, self._columns(levels))
            decibels = (columns - self.source.level_at_reference) / self.source.level_per_db
            power = self.weights @ torch.pow(10.0, decibels / 10)
            decibels = 10 * power.clamp(min=SILENT_POWER).log10()
            decibels = decibels - decibels.amax(dim=(1, 2), keepdim=True)
            translated = decibels * self.target.level_per_db + self.target.level_at_reference
            is_uncovered = self.weights.sum(dim=1, keepdim=True) == 0
            is_silence = levels.amax(dim=(1, 2), keepdim=True) <= 0
            translated = translated.masked_fill(is_uncovered | is_silence, self.floor)
            normalised: Tensor = self.normalisation(translated.clamp(self.floor, 1.0))
            return normalised

    def _columns(self, levels: Tensor) -> Tensor:
        """The source column that covers the middle of each target column."""
        n_columns = levels.shape[2]
        n_after = self.columns_after(n_columns)
        halves = 2 * torch.arange(n_after, device=levels.device) + 1
        return torch.div(halves * n_columns, 2 * n_after, rounding_mode="floor")


def check_translation(source: FrontEndConfig, target: FrontEndConfig) -> None:
    """Refuse front ends whose levels are not the power of a frequency; the error says why."""
    check_front_end(source)
    check_front_end(target)
    if source.kind not in SOURCE_KINDS or target.kind != "log-mel":
        raise ConfigError(
            f"translate: {source.kind} cannot be translated to {target.kind}; "
            f"{' and '.join(SOURCE_KINDS)} can be translated to log-mel"
        )
    if source.normalisation != "none":
        raise ConfigError(
            f"translate: levels are needed, and front_end.normalisation is {source.normalisation!r}"
        )
    if target.reference != "clip" or target.normalisation == "running":
        raise ConfigError(
            "translate: the model takes levels that only its own front end can give "
            f"(reference {target.reference!r}, normalisation {target.normalisation!r})"
        )


def row_weights(source: FrontEndConfig, target: FrontEndConfig) -> Matrix:
    """How much of each source row's power is in each target row: [target rows, source rows].

    A row of weights sums to 1 if the source rows cover all of that band.
    """
    rate = source.sample_rate or USUAL_RATE
    edges = row_edges_hz(source, rate)
    assert edges is not None  # noqa: S101  # of the kinds that are translated
    hertz = np.arange(0.0, edges[-1], STEP_HZ)
    owners = np.clip(np.searchsorted(edges, hertz, side="right") - 1, 0, source.n_bins - 1)
    weights = np.zeros((target.n_bins, source.n_bins))
    bands = mel_edges(target, target.sample_rate or USUAL_RATE)
    for row, (low, middle, high) in enumerate(zip(bands[:-2], bands[1:-1], bands[2:], strict=True)):
        if middle < highest_hz(source, rate):
            rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
            triangle = np.maximum(np.minimum(rising, falling), 0) * (2 / (high - low) * STEP_HZ)
            weights[row] = np.bincount(owners, weights=triangle, minlength=source.n_bins)
    return weights


def _columns_per_second(config: FrontEndConfig, excerpt_seconds: float) -> float:
    if config.n_columns:
        return config.n_columns / (excerpt_seconds * config.column_span)
    return (config.sample_rate or USUAL_RATE) / config.hop_samples
