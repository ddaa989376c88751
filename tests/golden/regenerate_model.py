"""Write `model-format-1` anew: `python -m tests.golden.regenerate_model`.

Only for a new format, beside the old one: what stands there must load forever.
"""

import json
from pathlib import Path

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network
from tests.golden.tones import chord

FOLDER = Path(__file__).parent / "model-format-1"
CONFIG = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=0.5),
    front_end=FrontEndConfig(sample_rate=8000, fft_size=256, hop_samples=128, n_bins=8),
    backbone=BackboneConfig(filters=(2, 3), dropout=0.1),
    embedding_size=4,
)


def regenerate() -> None:
    """The model, and the vector that it gives for a chord."""
    save_model(FOLDER, seeded_network(CONFIG, seed=0), licence="Apache-2.0", replace=True)
    model = load_model(FOLDER)
    vector = model.network(model.front_end(chord(), 8000))[0].tolist()
    (FOLDER / "expected.json").write_text(json.dumps(vector) + "\n")


if __name__ == "__main__":
    regenerate()
