"""Measure how often a track in another form has its original as the nearest neighbour.

    python benchmarks/robustness.py FOLDER_OF_MUSIC [--model default] [--tracks 400]

Each track of the folder is encoded without change, as MP3 at 64 kbit/s, 12 dB quieter, and
resampled to 16 kHz. Its first and second 15 seconds are compared as well. Use music that the model
was not trained on. Tracks under 30 seconds are left out.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoding import probe, read_whole
from embedder.audio.resampling import resampled
from embedder.audio.writing import write_audio
from embedder.datasets.files import audio_files_below
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest

GOALS = {"64 kbit/s MP3": 0.97, "12 dB quieter": 0.99, "16 kHz": 0.95, "another 15 s": 0.80}
LEAST = 29.9
"""Shorter tracks, in seconds, are left out."""
Vectors = NDArray[np.float32]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--tracks", type=int, default=400)
    options = parser.parse_args()
    encoder = TrackEncoder.load(options.model, device="cpu")
    files = list(audio_files_below(options.folder))
    chosen_rows = np.random.default_rng(0).permutation(len(files))[: options.tracks]
    files = [
        files[row]
        for row in sorted(chosen_rows)
        if (probe(files[row]).duration_seconds or 0) >= LEAST
    ]
    references = vectors_of(encoder, [TrackRequest(file) for file in files])
    first = vectors_of(encoder, [TrackRequest(file, 0.0, 15.0) for file in files])
    second = vectors_of(encoder, [TrackRequest(file, 15.0, LEAST - 15.0) for file in files])
    shares = {
        name: own_track_share(other_form(encoder, files, name), references) for name in OTHER_FORMS
    }
    shares["another 15 s"] = own_track_share(second, first)
    print(f"{len(files)} tracks, {options.model}\n")
    print("| form | own track first | goal |\n|---|---|---|")
    for name, share in shares.items():
        print(f"| {name} | {share:.3f} | {GOALS[name]:.2f} |")
    sys.exit(any(share < GOALS[name] for name, share in shares.items()))


def as_small_mp3(samples: NDArray[np.float32], rate: int, path: Path) -> Path:
    """Write the samples as MP3 at 64 kbit/s."""
    write_audio(path.with_suffix(".mp3"), samples, rate, bit_rate_kbps=64)
    return path.with_suffix(".mp3")


def quieter(samples: NDArray[np.float32], rate: int, path: Path) -> Path:
    """Write the samples at a quarter of their amplitude."""
    write_audio(path.with_suffix(".flac"), samples * np.float32(10 ** (-12 / 20)), rate)
    return path.with_suffix(".flac")


def narrow(samples: NDArray[np.float32], rate: int, path: Path) -> Path:
    """Write the samples without frequencies above 8 kHz."""
    low = np.stack([resampled(channel, from_rate=rate, to_rate=16_000) for channel in samples])
    write_audio(path.with_suffix(".flac"), low, 16_000)
    return path.with_suffix(".flac")


OTHER_FORMS: dict[str, Callable[[NDArray[np.float32], int, Path], Path]] = {
    "64 kbit/s MP3": as_small_mp3,
    "12 dB quieter": quieter,
    "16 kHz": narrow,
}


def other_form(encoder: TrackEncoder, files: list[Path], name: str) -> Vectors:
    """Vectors of the files in another form. Few files are written at a time, to save space."""
    parts = []
    for rows in np.array_split(np.arange(len(files)), max(len(files) // 40, 1)):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for row in rows:
                sound = read_whole(files[row])
                samples = np.atleast_2d(sound.samples)
                path = Path(folder) / f"{row:04}"
                paths.append(OTHER_FORMS[name](samples, sound.sample_rate, path))
            parts.append(vectors_of(encoder, [TrackRequest(path) for path in paths]))
    return np.concatenate(parts)


def vectors_of(encoder: TrackEncoder, requests: list[TrackRequest]) -> Vectors:
    """Unit vectors [tracks, size]."""
    encoded = list(encoder.encode_many(requests, workers=1))
    failure = next((result for result in encoded if isinstance(result, EncodingFailure)), None)
    if failure:
        raise SystemExit(f"{failure.path}: {failure.reason}. Remove it from the folder.")
    vectors = np.stack([result.vector for result in encoded if isinstance(result, TrackEncoding)])
    units: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def own_track_share(queries: Vectors, references: Vectors) -> float:
    """The share of queries whose own track is the nearest."""
    return float(np.mean((queries @ references.T).argmax(axis=1) == np.arange(len(references))))


if __name__ == "__main__":
    main()
