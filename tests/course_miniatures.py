"""Miniatures of the courses' data sets, laid out as their students get them.

A label has its own pitch and level of noise, so that a small network can learn it from a few
seconds of audio.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.writing import write_audio
from tests.embedder.datasets.dataset_miniatures import write_rows

SAMPLE_RATE = 16000
GENRES = ("blues", "classical", "metal")
FORMATS = (".wav", ".mp3", ".m4a", ".flac", ".aif")
TAGS = ("guitar", "female vocals", "woman singing", "drums", "slow", "piano")


def sound(label: int, number: int, *, seconds: float) -> NDArray[np.float32]:
    """A tone of the label's pitch, slightly out of tune, with the label's noise."""
    generator = np.random.default_rng([label, number])
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 180 * 2.2**label * generator.uniform(0.96, 1.04)
    samples = 0.3 * np.sin(2 * np.pi * pitch * time)
    samples += (0.01 + 0.03 * label) * generator.normal(size=len(time))
    return samples.astype(np.float32)[None]


def write_sound(path: Path, label: int, number: int, *, seconds: float = 4.0) -> None:
    """Write it; the suffix decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sound(label, number, seconds=seconds)
    if path.suffix == ".aif":
        path.write_bytes(_aiff(samples[0]))
    else:
        write_audio(path, samples, SAMPLE_RATE)


def _aiff(samples: NDArray[np.float32]) -> bytes:
    """Big-endian 16-bit samples with the chunks of an AIFF file; the rate is an 80-bit float."""
    data = (samples * 32767).astype(">i2").tobytes()
    exponent = SAMPLE_RATE.bit_length() - 1
    rate = struct.pack(">HQ", 16383 + exponent, SAMPLE_RATE << (63 - exponent))
    common = struct.pack(">4sIhIh", b"COMM", 18, 1, len(samples), 16) + rate
    sound_data = struct.pack(">4sIII", b"SSND", len(data) + 8, 0, 0) + data
    return struct.pack(">4sI4s", b"FORM", 4 + len(common) + len(sound_data), b"AIFF") + (
        common + sound_data
    )


def gtzan(root: Path) -> Path:
    """`genres/blues/blues.00000.wav`: ten tracks of each of three genres."""
    for label, genre in enumerate(GENRES):
        for number in range(10):
            write_sound(root / "genres" / genre / f"{genre}.{number:05d}.wav", label, number)
    return root


def cats_dogs(root: Path) -> Path:
    """`train/cat/cat_1.wav` and `test/cat/…`, in every format."""
    for label, animal in enumerate(("cat", "dog")):
        for number in range(10):
            side = "test" if number >= 7 else "train"
            name = f"{animal}_{number}{FORMATS[number % len(FORMATS)]}"
            write_sound(root / side / animal / name, label, number)
    return root


def fma_small(root: Path) -> Path:
    """`000/000002.mp3` with `fma_metadata/tracks.csv` beside it."""
    columns = ("split", "subset", "genre_top", "genres", "name")
    rows: list[list[object]] = [
        ["", "set", "set", "track", "track", "artist"],
        ["", *columns],
        ["track_id", "", "", "", "", ""],
    ]
    for number in range(36):
        label, within = number % 3, number // 3
        side = ("training", "training", "validation", "test")[within % 4]
        name = f"{number // 1000:03d}/{number:06d}.mp3"
        write_sound(root / name, label, number)
        rows.append([number, side, "small", GENRES[label], "[]", f"Artist {number}"])
    write_rows(root.parent / "fma_metadata" / "tracks.csv", rows)
    return root


def magnatagatune(root: Path, *, folders: Sequence[str] = "0123cdef") -> Path:
    """`annotations_final.csv`, and the clips as `waveform/0/….npy` under .mp3 names."""
    rows: list[list[object]] = [["clip_id", *TAGS, "mp3_path"]]
    for number in range(len(folders) * 6):
        label = number % 3
        name = f"{folders[number // 6]}/artist_{number}-album-01-song-0-29"
        array = root / "waveform" / f"{name}.npy"
        array.parent.mkdir(parents=True, exist_ok=True)
        np.save(array, sound(label, number, seconds=4.0)[0])
        tags = [label == 0, label == 1, label == 1 and number % 2, label == 2]
        tags += [number % 2, label != 2]
        rows.append([number, *map(int, tags), f"{name}.mp3"])
    write_rows(root / "annotations_final.csv", rows, separator="\t")
    return root
