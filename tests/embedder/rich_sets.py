"""A seeded data set in which every kind of positive pair is visible in the spectrograms."""

from pathlib import Path

import numpy as np

from embedder.audio.writing import write_audio
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig

ROWS, COLUMNS = 16, 24
GENRES = ("dance", "folk", "jazz", "rock")
TAGS = ("calm", "fast", "guitar", "loud", "piano", "voice")
N_TRACKS = 96

HEARS = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=3, excerpt_seconds=0.5),
    front_end=FrontEndConfig(sample_rate=8000, fft_size=256, n_bins=16, n_columns=10),
    backbone=BackboneConfig(filters=(4, 6), pooling="mean"),
    embedding_size=6,
)


def write_rich_set(folder: Path, *, n_tracks: int = N_TRACKS, seed: int = 0) -> Path:
    """Spectrograms that add up from genre, artist (4 tracks), album (2), tags (2) and the track.

    Every third artist is held out. `teacher.npz` has a vector a track that follows the genre.
    """
    generator = np.random.default_rng(seed)

    def profiles(n: int, strength: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return generator.normal(0, strength, size=(n, ROWS, 1))

    by_genre, by_tag = profiles(len(GENRES), 30), profiles(len(TAGS), 20)
    by_artist, by_album, by_track = (profiles(n_tracks, s) for s in (12, 12, 10))
    teacher = generator.normal(size=(len(GENRES), 6))
    arrays, vectors, lines = [], [], ["track,genre,artist,album,tag,split"]
    for number in range(n_tracks):
        artist, album = number // 4, number // 2
        genre, first = artist % len(GENRES), artist % len(TAGS)
        tags = (first, (first + 1 + number % 2) % len(TAGS))
        sound = by_genre[genre] + by_artist[artist] + by_album[album] + by_track[number]
        sound = 128 + sound + by_tag[tags[0]] + by_tag[tags[1]]
        noise = generator.normal(0, 20, size=(ROWS, COLUMNS))
        arrays.append(np.clip(sound + noise, 0, 255).astype(np.uint8))
        vectors.append(teacher[genre] + generator.normal(0, 0.1, size=6))
        side = "validation" if artist % 3 == 2 else "training"
        names = ";".join(TAGS[tag] for tag in tags)
        lines.append(f"t{number:03},{GENRES[genre]},artist {artist},album {album},{names},{side}")
    folder.mkdir(parents=True, exist_ok=True)
    keys = np.array([line.split(",")[0] for line in lines[1:]])
    np.savez(folder / "spectrograms.npz", spectrogram=np.stack(arrays), track=keys)
    np.savez(folder / "teacher.npz", vector=np.stack(vectors).astype(np.float32), track=keys)
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_audio_set(folder: Path, *, n_tracks: int = 16, seconds: float = 2.0) -> Path:
    """Folders `high` and `low` of pulsed tones at 8 kHz; each track has its own pitch."""
    generator = np.random.default_rng(1)
    time = np.arange(int(seconds * 8000)) / 8000
    for number in range(n_tracks):
        label, lowest = ("high", 1200) if number % 2 else ("low", 200)
        pulse = 0.6 + 0.4 * np.sign(np.sin(2 * np.pi * (2 + 3 * (number % 2)) * time))
        tone = np.sin(2 * np.pi * (lowest + 40 * number) * time)
        samples = 0.3 * pulse * tone + 0.02 * generator.normal(size=len(time))
        path = folder / label / f"{number:02}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, samples.astype(np.float32)[None], 8000)
    return folder
