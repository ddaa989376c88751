"""The whole network from a front end's output to a vector on its geometry.

    [batch, rows, columns] ─row normalisation─backbone─pooling over time─projection─geometry─▶
    [batch, embedding_size]

Levels may first be translated to those of another front end. The projection may also read further
backbones, and statistics of the rows. The network refuses an input with another number of rows
than its configuration says, or with too few columns for its strides.
"""

import torch
from torch import Tensor, nn

from embedder.config.model import ModelConfig
from embedder.errors import ConfigError, UnknownChoice
from embedder.features.axes import n_rows_of
from embedder.features.translation import Translation
from embedder.geometry import geometry_of
from embedder.networks.branch import BACKBONES, Branch
from embedder.networks.pooling import RowStatistics
from embedder.networks.stages import check_backbone, check_input, least_columns


class EmbeddingNetwork(nn.Module):
    """Spectrograms (or waveforms) to vectors; only translation uses `config.excerpts`.

    Initial weights come from torch's global generator; use `seeded_network` for a seed.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        _check(config)
        self.config = config
        self.n_rows = n_rows_of(config.front_end)
        self.least_columns = max(map(least_columns, (config.backbone, *config.beside)))
        self.translation = _translation(config)
        n_rows = self.n_rows
        if self.translation is not None:
            n_rows = n_rows_of(self.translation.target)
            self.least_columns = self.translation.least_columns(self.least_columns)
        self.geometry = geometry_of(config.geometry, curvature=config.curvature)
        # The first branch's parts are attributes here: every model file has them under these names.
        first = Branch(config.backbone, n_rows=n_rows)
        self.row_norm, self.backbone, self.pooling = first.row_norm, first.backbone, first.pooling
        beside = [Branch(backbone, n_rows=n_rows) for backbone in config.beside]
        self.beside = nn.ModuleList(beside)
        self.row_statistics = RowStatistics() if config.backbone.row_statistics else None
        if self.row_statistics:
            self.least_columns = max(self.least_columns, RowStatistics.least_columns)
        sizes = [first.n_features, *(branch.n_features for branch in beside)]
        self.feature_sizes = (*sizes, 3 * self.n_rows) if self.row_statistics else tuple(sizes)
        """How many features each backbone has, and how many the row statistics."""
        self.feature_size = sum(self.feature_sizes)
        self.projection = nn.Linear(self.feature_size, config.embedding_size)
        if self.geometry.kind == "poincare":
            # With the usual weights all vectors would start on the rim, where no gradient pulls
            # them inwards.
            nn.init.normal_(self.projection.weight, std=0.03 / self.feature_size**0.5)

    def features(self, spectrogram: Tensor) -> Tensor:
        """The input of the projection: [batch, rows, columns] to [batch, feature_size]."""
        self._check_input(spectrogram)
        levels = spectrogram if self.translation is None else self.translation(spectrogram)
        pooled: Tensor = self.pooling(self.backbone(self.row_norm(levels)))
        parts = [pooled, *(branch(levels) for branch in self.beside)]
        if self.row_statistics is not None:
            parts.append(self.row_statistics(spectrogram).to(pooled.dtype))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Spectrogram float32 [batch, rows, columns] to vectors float32 [batch, embedding_size]."""
        return self.geometry.project(self.projection(self.features(spectrogram)))

    def train(self, mode: bool = True) -> "EmbeddingNetwork":
        """Frozen parts stay in eval mode: no dropout, and their statistics do not change."""
        super().train(mode)
        for part in (self.row_norm, self.backbone, self.pooling, *self.beside):
            weights = list(part.parameters())
            if weights and not any(weight.requires_grad for weight in weights):
                part.eval()
        return self

    def _check_input(self, spectrogram: Tensor) -> None:
        check_input(tuple(spectrogram.shape), n_rows=self.n_rows, least=self.least_columns)


def seeded_network(config: ModelConfig, *, seed: int) -> EmbeddingNetwork:
    """A network with the initial weights of a seed; torch's global generator is unchanged."""
    # torch.nn's initialisers take no generator: seed the global one and restore it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(config)


def _translation(config: ModelConfig) -> Translation | None:
    if config.translated_to is None:
        return None
    return Translation(
        config.front_end,
        config.translated_to,
        excerpt_seconds=config.excerpts.excerpt_seconds,
    )


def _check(config: ModelConfig) -> None:
    for backbone in (config.backbone, *config.beside):
        if backbone.kind not in BACKBONES:
            raise UnknownChoice("backbone", backbone.kind, BACKBONES)
        if config.front_end.kind == "waveform" and backbone.kind != "waveform-cnn":
            raise ConfigError(
                f"backbone.kind = {backbone.kind!r} takes a spectrogram, and "
                "front_end.kind is 'waveform': use waveform-cnn, or another front end"
            )
        check_backbone(backbone)
    if any(backbone.row_statistics for backbone in config.beside):
        raise ConfigError("beside.row_statistics: set it in backbone; the rows are read once")
    if config.embedding_size < 1:
        raise ConfigError(f"embedding_size = {config.embedding_size}: give at least 1")
