"""Small seeded data sets of arrays on which a network learns in a second."""

from pathlib import Path

import numpy as np

from embedder.config.batches import SamplerConfig
from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import (
    DoctorConfig,
    LoopConfig,
    OptimiserConfig,
    StoppingConfig,
    TrainingConfig,
)

GENRES = ("dance", "folk", "jazz", "rock")


def write_array_set(
    folder: Path, *, tracks_per_genre: int = 24, rows: int = 16, columns: int = 24, seed: int = 0
) -> Path:
    """Spectrograms whose rows depend on the genre, plus noise; four tracks for each artist."""
    generator = np.random.default_rng(seed)
    shapes = generator.uniform(60, 190, size=(len(GENRES), rows, 1))
    arrays, lines = [], ["track,genre,artist,split"]
    for number in range(len(GENRES) * tracks_per_genre):
        genre, within = number % len(GENRES), number // len(GENRES)
        artist = f"{GENRES[genre]} artist {within // 4}"
        split = "validation" if within % 12 >= 8 else "training"
        noise = generator.normal(0, 25, size=(rows, columns))
        arrays.append(np.clip(shapes[genre] + noise, 0, 255).astype(np.uint8))
        lines.append(f"t{number:03},{GENRES[genre]},{artist},{split}")
    folder.mkdir(parents=True, exist_ok=True)
    names = np.array([line.split(",")[0] for line in lines[1:]])
    np.savez(folder / "spectrograms.npz", spectrogram=np.stack(arrays), track=names)
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n")
    return folder


def small_config(**loop: object) -> TrainingConfig:
    """A network of a thousand weights and three epochs of triplets, in float32."""
    return TrainingConfig(
        model=ModelConfig(
            front_end=FrontEndConfig(n_bins=16, n_columns=24),
            backbone=BackboneConfig(filters=(4, 8), dropout=0.1, pooling="mean"),
            embedding_size=8,
        ),
        objectives=(ObjectiveConfig(kind="triplet", mining="all"),),
        sampler=SamplerConfig(groups_per_batch=4, tracks_per_group=4),
        optimiser=OptimiserConfig(learning_rate=0.01),
        stopping=StoppingConfig(n_neighbours=5),
        doctor=DoctorConfig(every_steps=1),
        loop=LoopConfig(**{"epochs": 3, "precision": "32", "device": "cpu", **loop}),  # type: ignore[arg-type]  # plain words
    )
