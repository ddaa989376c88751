"""Libraries for maps: tracks in genres whose vectors lie together, written straight to the
catalogue, so that a hundred thousand of them take seconds.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import FileFacts, Ledger
from index.catalogue.vector_rows import TrackVectors
from index.library import Library
from tests.index.browser import Browser

GENRES = (
    "Rock", "Electronic", "Hip-Hop", "Folk", "Jazz", "Classical", "Ambient", "Metal", "Soul",
    "Reggae", "Country", "Latin", "Blues", "Punk", "House", "Drone",
)  # fmt: skip
FIRST = ("Silver", "Midnight", "Paper", "Golden", "Hollow", "Northern", "Electric", "Velvet")
SECOND = ("River", "Engine", "Harbour", "Garden", "Mirror", "Signal", "Window", "Mountain")

EVIL = (
    "</script><img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "{{script}} {{data}}",
    "'\"><svg onload=document.title='owned'>",
    "&lt;b&gt; naïve Ünïcode 夜",
)
N_TRACKS = 60


class MapLibrary:
    """A library that grows by tracks in clusters. `titles` replace the made-up titles."""

    def __init__(
        self, folder: Path, *, n_genres: int = 8, size: int = 16, spread: float = 0.6
    ) -> None:
        self.folder = folder
        self.n_genres = n_genres
        self.size = size
        self.spread = spread
        self.n_tracks = 0
        self._model_id = 0

    def grow(
        self, n_tracks: int, *, seed: int = 0, titles: tuple[str, ...] = (), genre: str = ""
    ) -> Library:
        """Add tracks; the library, open."""
        rng = np.random.default_rng([seed, self.n_tracks])
        library = Library.open_or_create(self.folder)
        with library.writing() as catalogue, catalogue.database.transaction():
            if not self._model_id:
                model = catalogue.model_with(
                    "toy", embedding_size=self.size, geometry="cosine", curvature=1.0
                )
                self._model_id = model.id
                Ledger(catalogue).switch_to(model.id)
            groups = self._groups(rng, n_tracks)
            self._write(catalogue, groups, self._vectors(rng, groups), titles=titles, genre=genre)
        self.n_tracks += n_tracks
        return library

    def _groups(self, rng: np.random.Generator, n_tracks: int) -> NDArray[np.int64]:
        """Genres of unlike sizes."""
        weights = 1 / np.arange(1, self.n_genres + 1) ** 0.6
        return rng.choice(self.n_genres, n_tracks, p=weights / weights.sum())

    def _vectors(self, rng: np.random.Generator, groups: NDArray[np.int64]) -> NDArray[np.float32]:
        """Genres of several styles each; a track stands between two styles, often of one genre."""
        shape = np.random.default_rng(7)
        n_styles = 6
        centres = 0.8 * shape.standard_normal((self.n_genres, 1, self.size))
        styles = centres + 0.75 * shape.standard_normal((self.n_genres, n_styles, self.size))
        styles = styles.reshape(-1, self.size)
        own = groups * n_styles + rng.integers(0, n_styles, len(groups))
        near_by = groups * n_styles + rng.integers(0, n_styles, len(groups))
        anywhere = rng.integers(0, len(styles), len(groups))
        other = np.where(rng.random(len(groups)) < 0.22, anywhere, near_by)
        mix = rng.beta(0.8, 1.4, (len(groups), 1))
        points = (1 - mix) * styles[own] + mix * styles[other]
        points += self.spread * rng.gamma(3, 0.3, mix.shape) * rng.standard_normal(points.shape)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        return points.astype(np.float32)

    def _write(
        self,
        catalogue: Catalogue,
        groups: NDArray[np.int64],
        vectors: NDArray[np.float32],
        *,
        titles: tuple[str, ...],
        genre: str,
    ) -> None:
        ledger = Ledger(catalogue)
        tracks = []
        for row, group in enumerate(groups.tolist()):
            number = self.n_tracks + row
            title = titles[row] if row < len(titles) else _name(number)
            artist = f"The {_name(number // 40 + 11)}s"
            facts = _facts(self.folder, number, title, artist, genre or GENRES[group])
            track_id = ledger.insert(facts)
            tracks.append(TrackVectors(track_id, vectors[row], vectors[row : row + 1], (0.0,), 3.0))
        catalogue.vectors.put(self._model_id, tracks)


def _name(number: int) -> str:
    words = FIRST[number % len(FIRST)], SECOND[number // len(FIRST) % len(SECOND)]
    again = number // (len(FIRST) * len(SECOND))
    return " ".join(words) + (f" {again + 1}" if again else "")


def _facts(folder: Path, number: int, title: str, artist: str, genre: str) -> FileFacts:
    album = f"{artist}, volume {number // 12 % 4 + 1}"
    year = 1965 + number * 7 % 60
    path = folder.parent / "music" / artist / album / f"{number:06d}.mp3"
    tags = {"title": title, "artist": artist, "album": album, "genre": genre}
    tags["bpm"] = str(70 + number * 13 % 110)
    return FileFacts(
        path=str(path).encode(),
        part=0,
        size_bytes=1,
        modified_ns=1,
        start_seconds=None,
        end_seconds=None,
        audio_digest=number.to_bytes(16, "big"),
        title=title,
        artist=artist,
        album=album,
        genre=genre,
        year=year,
        track_number=number % 12 + 1,
        duration_seconds=120.0 + number * 17 % 240,
        tags=tuple((field, value) for field, value in tags.items() if value),
    )


def spot(page: Browser, row: int) -> tuple[float, float]:
    """Where a track stands in the window."""
    x, y, _ = page.run(f"soundalike.page.spot({row})")
    return x, y
