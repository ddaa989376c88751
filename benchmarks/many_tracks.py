"""Libraries of made-up tracks, as large as a measurement needs, without files."""

import random
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalogue.ledger import FileFacts, Ledger
from index.catalogue.vector_rows import TrackVectors
from index.library import Library
from index.library_folder.model_notes import ModelNotes, keep_up

FINGERPRINT = "b" * 64
BLOCK = 5000


def facts(
    number: int,
    *,
    title: str,
    artist: str,
    album: str,
    genre: str = "",
    year: int = 2000,
    track_number: int = 1,
    path: str = "",
) -> FileFacts:
    """A track of 200 seconds; `number` is the digest of its sound."""
    tags = (("title", title), ("artist", artist), ("genre", genre))
    return FileFacts(
        path=(path or f"/music/{artist}/{number}.mp3").encode(),
        part=0,
        size_bytes=1,
        modified_ns=1,
        start_seconds=None,
        end_seconds=None,
        audio_digest=number.to_bytes(16, "little"),
        title=title,
        artist=artist,
        album=album,
        genre=genre,
        year=year,
        track_number=track_number,
        duration_seconds=200.0,
        tags=tuple((name, value) for name, value in tags if value),
    )


def songs_by_number(n_tracks: int) -> Iterable[FileFacts]:
    """`Song 0`, `Song 1`, … by 5,000 artists, twelve to an album, of twelve genres."""
    for number in range(n_tracks):
        yield facts(
            number,
            title=f"Song {number}",
            artist=f"Artist {number % 5000}",
            album=f"Album {number // 12}",
            genre=f"genre {number % 12}",
            year=1960 + number % 60,
            track_number=number % 12 + 1,
        )


def write_library(
    folder: Path, tracks: Iterable[FileFacts], blocks: Iterable[NDArray[np.float32]]
) -> None:
    """A library of tracks, whose vectors come in blocks [n, size]; ids go from 1."""
    left = iter(tracks)
    with Library.open_or_create(folder) as library, library.writing() as catalogue:
        ledger = Ledger(catalogue)
        with catalogue.database.transaction():
            for block in blocks:
                model = catalogue.model_with(
                    FINGERPRINT, embedding_size=block.shape[1], geometry="cosine", curvature=1.0
                )
                rows = [
                    TrackVectors(ledger.insert(next(left)), vector, vector[None], (0.0,), 3.0)
                    for vector in block
                ]
                catalogue.vectors.put(model.id, rows)
            ledger.switch_to(model.id)
            keep_up(catalogue, ModelNotes(FINGERPRINT))
    with Library.open(folder) as library:
        library.store.ids()  # writes vectors.faiss


def made_up_tracks(n: int) -> Iterator[FileFacts]:
    """Tracks with titles of made-up words, one in 10,000 of them `Boom Boom` by John Lee Hooker."""
    generator = random.Random(0)  # noqa: S311 - seeds the made-up titles, no secret
    syllables = [first + second for first in "bcdfghklmnprst" for second in "aeiou"]
    vocabulary = ["".join(generator.choices(syllables, k=1 + n % 5)) for n in range(20_000)]
    weights = list(accumulate((rank + 1) ** -0.8 for rank in range(len(vocabulary))))

    def name(n_words: int) -> str:
        return " ".join(generator.choices(vocabulary, cum_weights=weights, k=n_words)).title()

    artists = [name(2) for _ in range(max(n // 20, 10))]
    for number in range(n):
        artist, album, title = generator.choice(artists), name(3), name(1 + number % 4)
        if number % 10_000 == 77:
            artist, title = "John Lee Hooker", "Boom Boom"
        genre = ("jazz", "blues", "rock", "folk")[number % 4]
        yield facts(
            number,
            title=title,
            artist=artist,
            album=album,
            genre=genre,
            year=1950 + number % 70,
            track_number=number % 12,
            path=f"/music/{artist}/{album}/{number:08d} {title}.mp3",
        )
