"""Libraries made of given vectors and tags, without files or a model."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalogue.ledger import FileFacts, Ledger
from index.catalogue.vector_rows import TrackVectors
from index.library import Library
from index.library_folder.model_notes import ModelNotes, keep_up

FINGERPRINT = "f" * 64


def library_of(
    folder: Path,
    vectors: NDArray[np.floating],
    tags: Sequence[Mapping[str, str]] | None = None,
    *,
    geometry: str = "cosine",
    digests: Sequence[int] | None = None,
    notes: ModelNotes | None = None,
) -> Library:
    """A library whose tracks have ids 1 … n, paths /music/0.mp3 … and these vectors [n, d]."""
    tags = tags or [{}] * len(vectors)
    library = Library.open_or_create(folder)
    with library.writing() as catalogue:
        ledger = Ledger(catalogue)
        model = catalogue.model_with(
            FINGERPRINT, embedding_size=vectors.shape[1], geometry=geometry, curvature=1.0
        )
        ids = [
            ledger.insert(_facts(row, some, (digests or range(len(vectors)))[row]))
            for row, some in enumerate(tags)
        ]
        catalogue.vectors.put(
            model.id,
            [
                TrackVectors(track_id, vector, np.stack([vector, -vector]), (0.0, 5.0), 3.0)
                for track_id, vector in zip(ids, vectors.astype(np.float32), strict=True)
            ],
        )
        ledger.switch_to(model.id)
        keep_up(catalogue, notes or ModelNotes(FINGERPRINT))
    return library


def unit_vectors(n_tracks: int, size: int = 8, *, seed: int = 0) -> NDArray[np.float32]:
    """Random directions [n, size]."""
    vectors = np.random.default_rng(seed).standard_normal((n_tracks, size))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _facts(row: int, tags: Mapping[str, str], digest: int) -> FileFacts:
    year = tags.get("year")
    return FileFacts(
        path=os.fsencode(tags.get("path", f"/music/{row}.mp3")),
        part=0,
        size_bytes=1,
        modified_ns=1,
        start_seconds=None,
        end_seconds=None,
        audio_digest=digest.to_bytes(16, "little"),
        title=tags.get("title", ""),
        artist=tags.get("artist", ""),
        album=tags.get("album", ""),
        genre=tags.get("genre", ""),
        year=int(year) if year else None,
        track_number=None,
        duration_seconds=float(row),
        tags=tuple(
            (field, part)
            for field, text in tags.items()
            if field != "path"
            for part in sorted(set(text.split("; ")))
        ),
    )
