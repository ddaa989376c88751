"""Small data sets in memory with vectors of their own, for evaluation and audit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.dataset import Dataset
from embedder.datasets.grouping import with_groups
from embedder.datasets.records import Side, TrackRow
from embedder.geometry import Cosine
from index.evaluate.vector_set import VectorSet

GENRES = ("dance", "folk", "jazz", "rock")


def dataset_of(
    labels: Sequence[str | tuple[str, ...]],
    artists: Sequence[str],
    vectors: NDArray[np.floating],
    *,
    sides: Sequence[Side] = (),
    duplicates: dict[int, int] | None = None,
) -> Dataset:
    """Tracks t0, t1 … with one genre or several; `duplicates`: track to the one it repeats."""
    repeated = duplicates or {}
    rows = [
        TrackRow(
            key=f"t{i}",
            labels={"genre": (label,) if isinstance(label, str) else label},
            artist=artist,
            album=f"album of {artist}" if artist else "",
            split=sides[i] if sides else "",
            duplicate_of=f"t{repeated[i]}" if i in repeated else "",
        )
        for i, (label, artist) in enumerate(zip(labels, artists, strict=True))
    ]
    return Dataset(
        root=Path("small"),
        layout="manifest",
        rows=tuple(with_groups(rows, [""] * len(rows))),
        extra_vectors={"given": np.asarray(vectors, dtype=np.float32)},
        split_origin="column 'split'" if sides else "",
    )


def plain(vectors: NDArray[np.floating]) -> VectorSet:
    """Vectors as a model gives them: cosine, unscaled."""
    return VectorSet(
        "given",
        "model",
        np.asarray(vectors, dtype=np.float32),
        np.arange(len(vectors)),
        Cosine(),
    )


def noisy_genres(
    n_tracks: int = 60,
    *,
    size: int = 6,
    tracks_an_artist: int = 3,
    noise: float = 1.0,
    seed: int = 0,
) -> tuple[list[str], list[str], NDArray[np.float32]]:
    """Genres as clouds that overlap; artists of one genre each."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((len(GENRES), size))
    labels, artists, vectors = [], [], []
    for i in range(n_tracks):
        artist = i // tracks_an_artist
        genre = artist % len(GENRES)
        labels.append(GENRES[genre])
        artists.append(f"artist {artist}")
        vectors.append(centres[genre] + noise * generator.standard_normal(size))
    return labels, artists, np.array(vectors, dtype=np.float32)
