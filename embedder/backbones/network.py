"""The whole network from a front end's output to a vector on its geometry.

    [batch, rows, columns] ─row normalisation─backbone─pooling over time─projection─geometry─▶
    [batch, embedding_size]

Before it, levels may be translated to those of another front end; beside the backbone, the
projection may read statistics of the rows. The network refuses an input with other rows than its
configuration's, or too short for its strides.
"""

import torch
from torch import Tensor, nn

from embedder.backbones.members import Backbone, Members
from embedder.backbones.plain_cnn import PlainCnn
from embedder.backbones.pooling import RowStatistics, build_pooling
from embedder.backbones.short_chunk import ShortChunkCnn
from embedder.backbones.stages import check_backbone, least_columns
from embedder.backbones.waveform_cnn import WaveformCnn
from embedder.config.model import ModelConfig
from embedder.errors import BadInput, ConfigError, UnknownChoice
from embedder.features.front_end import n_rows_of
from embedder.features.translation import Translation
from embedder.geometry import geometry_of

BACKBONES: dict[str, type[Backbone]] = {
    "plain-cnn": PlainCnn,
    "short-chunk": ShortChunkCnn,
    "waveform-cnn": WaveformCnn,
}


class EmbeddingNetwork(nn.Module):
    """Spectrograms (or waveforms) to vectors; `config.excerpts` counts in translation alone.

    Initial weights come from torch's own generator at construction; for a seeded network use
    `seeded_network`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        _check(config)
        self.config = config
        self.n_rows = n_rows_of(config.front_end)
        self.least_columns = least_columns(config.backbone)
        self.translation = _translation(config)
        n_heard = self.n_rows
        if self.translation is not None:
            n_heard = n_rows_of(self.translation.wanted)
            self.least_columns = self.translation.least_columns(self.least_columns)
        self.geometry = geometry_of(config.geometry, curvature=config.curvature)
        build = BACKBONES[config.backbone.kind]
        self.row_norm: nn.Module
        self.backbone: Backbone | Members
        if config.backbone.members == 1:
            self.row_norm = nn.BatchNorm1d(n_heard)
            self.backbone = build(config.backbone, n_rows=n_heard)
        else:  # each has its own
            self.row_norm = nn.Identity()
            self.backbone = Members(build, config.backbone, n_rows=n_heard)
        self.pooling = build_pooling(config.backbone.pooling, n_features=self.backbone.n_features)
        self.row_statistics = RowStatistics() if config.backbone.row_statistics else None
        if self.row_statistics:
            self.least_columns = max(self.least_columns, RowStatistics.least_columns)
        pooled = self.backbone.n_features * self.pooling.multiple
        self.feature_sizes = (pooled, 3 * self.n_rows) if self.row_statistics else (pooled,)
        """How many features are of the backbone, and how many of the rows."""
        self.feature_size = sum(self.feature_sizes)
        self.projection = nn.Linear(self.feature_size, config.embedding_size)
        if self.geometry.kind == "poincare":
            # Outputs as long as they come would all start on the rim, where no gradient pulls
            # a point inwards.
            nn.init.normal_(self.projection.weight, std=0.03 / self.feature_size**0.5)

    def features(self, spectrogram: Tensor) -> Tensor:
        """What the projection starts from: [batch, rows, columns] to [batch, feature_size]."""
        self._check_input(spectrogram)
        heard = spectrogram if self.translation is None else self.translation(spectrogram)
        pooled: Tensor = self.pooling(self.backbone(self.row_norm(heard)))
        if self.row_statistics is None:
            return pooled
        return torch.cat([pooled, self.row_statistics(spectrogram).to(pooled.dtype)], dim=1)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Spectrogram float32 [batch, rows, columns] to points float32 [batch, embedding_size]."""
        return self.geometry.project(self.projection(self.features(spectrogram)))

    def train(self, mode: bool = True) -> "EmbeddingNetwork":
        """Frozen parts stay as in inference: their statistics are kept too, nothing drops out."""
        super().train(mode)
        for part in (self.row_norm, self.backbone, self.pooling):
            weights = list(part.parameters())
            if weights and not any(weight.requires_grad for weight in weights):
                part.eval()
        return self

    def _check_input(self, spectrogram: Tensor) -> None:
        shape = tuple(spectrogram.shape)
        if len(shape) != 3 or shape[1] != self.n_rows:
            raise BadInput(
                f"input of shape {list(shape)}: the network takes [batch, {self.n_rows}, columns]"
            )
        if shape[2] < self.least_columns:
            raise BadInput(
                f"input of {shape[2]} columns: the network's strides and pooling need at least "
                f"{self.least_columns}. Give longer excerpts or a smaller backbone.pool."
            )


def seeded_network(config: ModelConfig, *, seed: int) -> EmbeddingNetwork:
    """A network with the initial weights of a seed; torch's own generator is left as it was."""
    # torch.nn's initialisers take no generator, so the global one is lent and put back.
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
    if config.backbone.kind not in BACKBONES:
        raise UnknownChoice("backbone", config.backbone.kind, BACKBONES)
    if config.front_end.kind == "waveform" and config.backbone.kind != "waveform-cnn":
        raise ConfigError(
            f"backbone.kind = {config.backbone.kind!r} takes a spectrogram, and "
            "front_end.kind is 'waveform': use waveform-cnn, or another front end"
        )
    if config.embedding_size < 1:
        raise ConfigError(f"embedding_size = {config.embedding_size}: give at least 1")
    check_backbone(config.backbone)
