"""A small model with an untrained tagging head, and audio for it."""

from pathlib import Path

import numpy as np

from embedder.audio.writing import write_audio
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.models.card import Card
from embedder.models.heads import Head
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network

TAGS = ("calm", "loud", "piano")
CONFIG = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=3, excerpt_seconds=0.5),
    front_end=FrontEndConfig(sample_rate=8000, fft_size=256, n_bins=8, n_columns=10),
    backbone=BackboneConfig(filters=(2, 3), pooling="mean"),
    embedding_size=4,
)


def some_head(*, size: int = 4) -> Head:
    """A head of three tags with random weights."""
    weight = np.random.default_rng(5).standard_normal((len(TAGS), size)).astype(np.float32)
    return Head(weight, np.array([0.5, 0.0, -0.5], dtype=np.float32), TAGS)


def write_tagger(folder: Path, *, head: Head | None = None) -> Card:
    """The model's folder."""
    return save_model(folder, seeded_network(CONFIG, seed=1), tag_head=head or some_head())


def write_noise(path: Path, *, seed: int = 0) -> Path:
    """Two seconds of noise that gets louder, so that excerpts differ."""
    noise = np.random.default_rng(seed).normal(size=(1, 16000)) * np.linspace(0.01, 0.3, 16000)
    write_audio(path, noise.astype(np.float32), 8000)
    return path
