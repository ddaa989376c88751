"""Libraries for playlists: tracks whose vectors and tags are given, without any file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import GeometryKind
from index.catalogue.ledger import FileFacts, Ledger
from index.catalogue.vector_rows import TrackVectors
from index.library import Library


@dataclass(frozen=True, slots=True)
class Song:
    """A track to be. Its path is /music/ARTIST/ALBUM/TITLE.flac unless it is given."""

    title: str
    artist: str = "Somebody"
    album: str = ""
    genre: str = ""
    seconds: float | None = 200.0
    path: str = ""
    digest: bytes = b""
    tags: tuple[tuple[str, str], ...] = ()

    def place(self, number: int) -> str:
        return (
            self.path
            or f"/music/{self.artist}/{self.album or 'single'}/{number:04} {self.title}.flac"
        )


def write_library(
    folder: Path,
    songs: Sequence[Song],
    vectors: NDArray[np.float32],
    *,
    geometry: GeometryKind = "cosine",
) -> Library:
    """A library of songs with vectors [n, d], open; ids go from 1."""
    library = Library.open_or_create(folder)
    with library.writing() as catalogue, catalogue.database.transaction():
        model = catalogue.model_with(
            "toy", embedding_size=vectors.shape[1], geometry=geometry, curvature=1.0
        )
        ledger = Ledger(catalogue)
        ledger.switch_to(model.id)
        rows = []
        for number, (song, vector) in enumerate(zip(songs, vectors, strict=True), start=1):
            track_id = ledger.insert(_facts(song, number))
            rows.append(TrackVectors(track_id, vector, vector[None], (0.0,), 1.0))
        catalogue.vectors.put(model.id, rows)
    return library


def line_of_styles(
    n: int, *, n_artists: int = 30, size: int = 16, seed: int = 0
) -> tuple[list[Song], NDArray[np.float32]]:
    """Tracks spread along a bow from one style to another, with some breadth: songs, vectors."""
    rng = np.random.default_rng(seed)
    along = np.sort(rng.uniform(0, 1, n))
    angle = along * np.pi / 2
    vectors = np.zeros((n, size), dtype=np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angle), np.sin(angle)
    vectors += 0.05 * rng.standard_normal((n, size), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    songs = [
        Song(
            title=f"Song {i}",
            artist=f"Artist {rng.integers(n_artists)}",
            album=f"Album {i // 8}",
            genre="ambient" if along[i] < 0.5 else "rock",
            seconds=float(rng.uniform(120, 300)),
            tags=(("bpm", f"{60 + 100 * along[i]:.0f}"),),
        )
        for i in range(n)
    ]
    return songs, vectors


def progress(library: Library, order: list[int]) -> NDArray[np.float32]:
    """How far along the straight way from the first to the last track each one is, 0 to 1."""
    vectors = library.vectors(order)
    way = vectors[-1] - vectors[0]
    shares: NDArray[np.float32] = (vectors - vectors[0]) @ way / (way @ way)
    return shares


def _facts(song: Song, number: int) -> FileFacts:
    tags = {"title": song.title, "artist": song.artist, "album": song.album, "genre": song.genre}
    named = tuple((field, value) for field, value in tags.items() if value)
    return FileFacts(
        path=os.fsencode(song.place(number)),
        part=0,
        size_bytes=1,
        modified_ns=0,
        start_seconds=None,
        end_seconds=None,
        audio_digest=song.digest or number.to_bytes(16, "big"),
        title=song.title,
        artist=song.artist,
        album=song.album,
        genre=song.genre,
        year=None,
        track_number=None,
        duration_seconds=song.seconds,
        tags=(*named, *song.tags),
    )
