"""From the pictures of one front end to what another one would have made of the same sound.

    levels ── nearest columns ── power of each row ── mel bands ── decibels ── levels

For spectrograms that lie ready, made by a front end that is not the network's. A row stands for the
mean power around its frequency; what lies above the highest row stays silent.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError
from embedder.features.axes import row_edges_hz
from embedder.features.banks import highest_hz, mel_edges
from embedder.features.building import check_front_end
from embedder.features.normalisation import build_normalisation

USUAL_RATE = 44_100
"""Taken for front ends that keep a file's own rate."""
STEP_HZ = 0.5
"""The grid on which bands are summed up."""
SILENT_POWER = 1e-12
GIVEN_KINDS = ("log-mel", "log-frequency")

Matrix = NDArray[np.float64]


class Translation(nn.Module):
    """Levels [batch, rows, columns] of `given` to normalised levels of `wanted`."""

    def __init__(
        self, given: FrontEndConfig, wanted: FrontEndConfig, *, excerpt_seconds: float
    ) -> None:
        super().__init__()
        check_translation(given, wanted)
        self.given, self.wanted = given, wanted
        self.columns_per_column = _columns_per_second(
            wanted, excerpt_seconds
        ) / _columns_per_second(given, excerpt_seconds)
        with torch.device("cpu"):  # also where a network is built of shapes alone
            weights = row_weights(given, wanted)
        self.weights: Tensor
        self.register_buffer("weights", torch.as_tensor(weights, dtype=torch.float32))
        lowest = wanted.floor_db * wanted.level_per_db + wanted.level_at_reference
        self.floor = max(lowest, 0.0)
        self.normalisation = build_normalisation(wanted.normalisation, n_rows=wanted.n_bins)

    def columns_after(self, n_columns: int) -> int:
        """How many columns there are then."""
        return max(int(n_columns * self.columns_per_column + 0.5), 1)

    def least_columns(self, wanted: int) -> int:
        """The fewest columns of which so many are left."""
        n_columns = max(int((wanted - 0.5) / self.columns_per_column) - 1, 1)
        while self.columns_after(n_columns) < wanted:
            n_columns += 1
        return n_columns

    def forward(self, levels: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, other rows, other columns]."""
        with torch.autocast(levels.device.type, enabled=False):  # powers span eight decades
            shown = levels.float().index_select(2, self._columns(levels))
            decibels = (shown - self.given.level_at_reference) / self.given.level_per_db
            power = self.weights @ torch.pow(10.0, decibels / 10)
            decibels = 10 * power.clamp(min=SILENT_POWER).log10()
            decibels = decibels - decibels.amax(dim=(1, 2), keepdim=True)
            other = decibels * self.wanted.level_per_db + self.wanted.level_at_reference
            is_unheard = self.weights.sum(dim=1, keepdim=True) == 0
            is_silence = levels.amax(dim=(1, 2), keepdim=True) <= 0
            other = other.masked_fill(is_unheard | is_silence, self.floor)
            normalised: Tensor = self.normalisation(other.clamp(self.floor, 1.0))
            return normalised

    def _columns(self, levels: Tensor) -> Tensor:
        """The column in whose stretch of time the middle of each new one lies."""
        n_columns = levels.shape[2]
        n_after = self.columns_after(n_columns)
        halves = 2 * torch.arange(n_after, device=levels.device) + 1
        return torch.div(halves * n_columns, 2 * n_after, rounding_mode="floor")


def check_translation(given: FrontEndConfig, wanted: FrontEndConfig) -> None:
    """Refuse front ends whose levels are not the power of a frequency, with the reason."""
    check_front_end(given)
    check_front_end(wanted)
    if given.kind not in GIVEN_KINDS or wanted.kind != "log-mel":
        raise ConfigError(
            f"translate: from {given.kind} to {wanted.kind} nothing is translated; from "
            f"{' and '.join(GIVEN_KINDS)} to log-mel is"
        )
    if given.normalisation != "none":
        raise ConfigError(
            f"translate: levels are needed, and front_end.normalisation is {given.normalisation!r}"
        )
    if wanted.reference != "clip" or wanted.normalisation == "running":
        raise ConfigError(
            "translate: the model hears levels that only its own front end can give "
            f"(reference {wanted.reference!r}, normalisation {wanted.normalisation!r})"
        )


def row_weights(given: FrontEndConfig, wanted: FrontEndConfig) -> Matrix:
    """How much of each row's power is in each wanted row: [wanted rows, given rows].

    A row of weights sums up to 1 where the given rows hold all of that band.
    """
    rate = given.sample_rate or USUAL_RATE
    edges = row_edges_hz(given, rate)
    assert edges is not None  # noqa: S101  # of the kinds that are translated
    hertz = np.arange(0.0, edges[-1], STEP_HZ)
    owners = np.clip(np.searchsorted(edges, hertz, side="right") - 1, 0, given.n_bins - 1)
    weights = np.zeros((wanted.n_bins, given.n_bins))
    bands = mel_edges(wanted, wanted.sample_rate or USUAL_RATE).numpy()
    for row, (low, middle, high) in enumerate(zip(bands[:-2], bands[1:-1], bands[2:], strict=True)):
        if middle < highest_hz(given, rate):
            rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
            triangle = np.maximum(np.minimum(rising, falling), 0) * (2 / (high - low) * STEP_HZ)
            weights[row] = np.bincount(owners, weights=triangle, minlength=given.n_bins)
    return weights


def _columns_per_second(config: FrontEndConfig, excerpt_seconds: float) -> float:
    if config.n_columns:
        return config.n_columns / (excerpt_seconds * config.column_span)
    return (config.sample_rate or USUAL_RATE) / config.hop_samples
