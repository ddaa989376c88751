"""Time the decoding of a 4-minute song: all of it, only its excerpts, and by other libraries.

    python benchmarks/decoding.py [--seconds 240] [--rounds 5] [--file SONG]

The ways of reading take turns on one core, and the best round counts. The exit code is 1 if ten
excerpts take more than a sixth of the time of bliss-audio's analysis (most of which is decoding),
or more than a third of the time of decoding everything.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from embedder.audio.decoding import read_stretches, read_whole
from embedder.audio.excerpts import load_excerpts
from embedder.audio.starts import grid_starts
from embedder.audio.writing import write_audio
from embedder.config.model import ExcerptConfig
from embedder.datasets.synthesis.songs import synthesise_song

BASE = "ten 3-second excerpts"
GOALS = {"bliss-audio, whole analysis": 6.0, "all of it": 3.0}


def main() -> int:
    """Measure, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the songs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=Path, help="measure this file, and not synthesised songs")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        songs = [options.file] if options.file else made_songs(Path(folder), options.seconds)
        for song in songs:
            print(f"\n{song.name}")
            failed |= not report(song, options.rounds)
    return int(failed)


def made_songs(folder: Path, seconds: float) -> list[Path]:
    """One synthesised rock song in the common formats."""
    samples = synthesise_song("rock", seed=1, seconds=seconds, sample_rate=44100)
    paths = [folder / f"song{ending}" for ending in (".mp3", ".flac", ".ogg", ".m4a")]
    for path in paths:
        write_audio(path, samples, 44100, bit_rate_kbps=192)
    return paths


def report(song: Path, rounds: int) -> bool:
    """Print milliseconds and ratios; returns whether the goals were reached."""
    best = measured(ways_of_reading(song), rounds)
    reached = True
    for name, seconds in best.items():
        ratio = seconds / best[BASE]
        goal = GOALS.get(name, 0.0) if song.suffix == ".mp3" else 0.0
        verdict = f"goal {goal:g}: {'reached' if ratio >= goal else 'MISSED'}" if goal else ""
        reached &= ratio >= goal
        print(f"  {name:34} {1000 * seconds:8.1f} ms {ratio:7.2f} times  {verdict}")
    return reached


def ways_of_reading(song: Path) -> dict[str, Callable[[], object]]:
    """A function for each way of reading, by name."""
    grid = ExcerptConfig(n_excerpts=10, excerpt_seconds=3.0)

    def middle(seconds: float) -> tuple[float]:
        return (max(0.0, seconds / 2 - 15),)

    ways: dict[str, Callable[[], object]] = {
        BASE: lambda: read_stretches(song, lambda s: grid_starts(s, grid), seconds=3.0),
        "the same at 22 050 Hz": lambda: load_excerpts(song, grid, sample_rate=22050),
        "the same at 16 000 Hz": lambda: load_excerpts(song, grid, sample_rate=16000),
        "30 seconds from the middle": lambda: read_stretches(song, middle, seconds=30.0),
        "all of it": lambda: read_whole(song),
    }
    try:
        import librosa
    except ImportError:
        print("  librosa is not installed: left out")
    else:
        if song.suffix != ".m4a":  # librosa needs the ffmpeg program for M4A
            ways |= {
                "librosa.load, native rate": lambda: librosa.load(song, sr=None),
                "librosa.load, 22 050 Hz": lambda: librosa.load(song),
            }
    from embedder.errors import ForeignCodeCrashed, UsageError
    from index.evaluate.bliss import Bliss

    try:
        bliss = Bliss()
        bliss.describe(song)
    except (UsageError, ForeignCodeCrashed) as error:
        print(f"  left out: {error}")
    else:
        ways["bliss-audio, whole analysis"] = lambda: bliss.describe(song)
    return ways


def measured(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The best time of each way in seconds. The ways take turns, so that load slows all alike."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, read_song in ways.items():
            began = time.perf_counter()
            read_song()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


if __name__ == "__main__":
    sys.exit(main())
