"""One backbone with its row normalisation and pooling: from levels to features.

[batch, rows, columns] ─row normalisation─backbone (or members)─pooling over time─▶ [batch, n]
"""

from torch import Tensor, nn

from embedder.config.model import BackboneConfig
from embedder.networks.crnn import Crnn
from embedder.networks.members import Backbone, Members
from embedder.networks.moments import Moments
from embedder.networks.plain_cnn import PlainCnn
from embedder.networks.pooling import MeanPooling, build_pooling
from embedder.networks.short_chunk import ShortChunkCnn
from embedder.networks.waveform_cnn import WaveformCnn

BACKBONES: dict[str, type[Backbone]] = {
    "plain-cnn": PlainCnn,
    "short-chunk": ShortChunkCnn,
    "crnn": Crnn,
    "waveform-cnn": WaveformCnn,
    "moments": Moments,
}


class Branch(nn.Module):
    """One of several backbones side by side; the projection reads the features of all."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        self.row_norm: nn.Module
        self.backbone: Backbone | Members
        build = BACKBONES[config.kind]
        if config.members == 1:
            self.row_norm = nn.BatchNorm1d(n_rows)
            self.backbone = build(config, n_rows=n_rows)
        else:  # each member has its own
            self.row_norm = nn.Identity()
            self.backbone = Members(build, config, n_rows=n_rows)
        self.pooling: MeanPooling = build_pooling(
            "mean" if config.kind == "moments" else config.pooling,
            n_features=self.backbone.n_features,
        )
        self.n_features: int = self.backbone.n_features * self.pooling.multiple

    def forward(self, levels: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, n_features]."""
        pooled: Tensor = self.pooling(self.backbone(self.row_norm(levels)))
        return pooled
