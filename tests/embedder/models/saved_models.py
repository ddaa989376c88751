"""A tiny model on disk, for the tests of model folders."""

import json
from pathlib import Path

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig

CONFIG = ModelConfig(
    excerpts=ExcerptConfig(excerpt_seconds=1.0),
    front_end=FrontEndConfig(sample_rate=8000, fft_size=256, hop_samples=128, n_bins=16),
    backbone=BackboneConfig(filters=(4, 6)),
    embedding_size=5,
)


def edit_card(folder: Path, **changes: object) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
