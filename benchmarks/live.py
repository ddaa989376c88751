"""Measure `listen`: how soon a sound is named, what it costs, an hour at full speed, memory.

    python benchmarks/live.py [--models default musicnn] [--minutes 60]

The sounds are synthesised: hiss and thuds, 20 takes of each in a library, which votes. For latency,
a file plays by the clock, with each sound longer than the window. Latency is the time from a
sound's start to the first answer that names it, less the window. A model that is not installed is
left out.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.writing import write_audio
from embedder.encoding.encoder import TrackEncoder
from embedder.errors import UnknownChoice, UsageError
from index.library import Library
from soundalike.live.listening import open_listener
from soundalike.live.settings import ListenSettings
from soundalike.live.sources.file import FileSource

RATE = 22_050
N_TAKES = 20
SOUND_SECONDS, PAUSE_SECONDS = 3.0, 3.0
N_SOUNDS = 8
LOOK_EVERY = 200
WARM_SHARE = 0.1
"""Memory is compared from here on: before, caches fill."""
GOALS = {"median": 0.25, "95 %": 0.4, "core": 0.4, "speed": 60.0, "memory": 1.05}

Floats = NDArray[np.float64]


def hiss(seconds: float, generator: np.random.Generator) -> Floats:
    """A kettle: noise over a whistle."""
    time_axis = np.arange(round(seconds * RATE)) / RATE
    whistle = np.sin(2 * np.pi * generator.uniform(2400, 2800) * time_axis)
    return 0.1 * generator.standard_normal(len(time_axis)) + 0.05 * whistle


def thuds(seconds: float, generator: np.random.Generator) -> Floats:
    """A door: low, damped tones, three a second."""
    time_axis = np.arange(round(seconds * RATE)) / RATE
    decay = np.exp(-15 * (time_axis % (1 / 3)))
    return 0.6 * decay * np.sin(2 * np.pi * generator.uniform(90, 140) * time_axis)


SOUNDS = {"kettle": hiss, "door": thuds}


def make_library(folder: Path, model: str) -> Library:
    """A library of takes with a label in the tag genre."""
    generator = np.random.default_rng(0)
    for label, make in SOUNDS.items():
        for number in range(N_TAKES):
            path = folder / "takes" / label / f"{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = make(2.0, generator)[None].astype(np.float32)
            write_audio(path, samples, RATE, tags={"genre": label, "title": f"{label} {number}"})
    library = Library.open_or_create(folder / f"library-{model}")
    library.index([folder / "takes"], model=model)
    return library


def write_sounds(path: Path) -> list[tuple[float, str]]:
    """Sounds with silence between: when each starts, and its label."""
    generator = np.random.default_rng(1)
    silence = np.zeros(round(PAUSE_SECONDS * RATE))
    parts, starts = [silence], []
    for number in range(N_SOUNDS):
        label = list(SOUNDS)[number % 2]
        starts.append((sum(map(len, parts)) / RATE, label))
        parts += [SOUNDS[label](SOUND_SECONDS, generator), silence]
    write_audio(path, np.concatenate(parts)[None].astype(np.float32), RATE)
    return starts


def write_hour(path: Path, minutes: float) -> None:
    """Sounds without a pause."""
    generator = np.random.default_rng(2)
    parts = [make(7.0, generator) for _ in range(4) for make in SOUNDS.values()]
    minute = np.resize(np.concatenate(parts), 60 * RATE)
    samples = np.tile(minute, max(round(minutes), 1))[: round(60 * minutes * RATE)]
    write_audio(path, samples[None].astype(np.float32), RATE)


def resident_bytes() -> int:
    """The memory that the process has now."""
    n_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return n_pages * 4096


def measure_latency(library: Library, folder: Path) -> dict[str, float]:
    """Latencies beyond the window, and the share of a core at four answers a second."""
    starts = write_sounds(folder / "sounds.flac")
    settings = ListenSettings()
    listener = open_listener(FileSource(folder / "sounds.flac"), library=library, settings=settings)
    answers = list(listener.heard())
    latencies = []
    for start, label in starts:
        within = [a for a in answers if start < a.seconds <= start + SOUND_SECONDS + PAUSE_SECONDS]
        named = next((a for a in within if a.label == label), None)
        delay = float("inf") if named is None else named.seconds + named.latency_seconds - start
        latencies.append(delay - settings.window_seconds)
    summary = listener.summary()
    median, high = np.percentile(latencies, [50, 95]).tolist()
    print(f"  {summary}")
    return {"median": median, "95 %": high, "core": summary.core_share}


def measure_hour(library: Library, folder: Path, minutes: float) -> dict[str, float]:
    """How many times faster than real time, and how memory grows."""
    write_hour(folder / "hour.flac", minutes)
    source = FileSource(folder / "hour.flac", speed=0)
    listener = open_listener(source, library=library)
    before = time.perf_counter()
    sizes = [resident_bytes() for n, _ in enumerate(listener.heard()) if n % LOOK_EVERY == 0]
    elapsed = time.perf_counter() - before
    summary = listener.summary()
    warm = sizes[max(int(WARM_SHARE * len(sizes)), 1) :] or sizes
    print(f"  {summary}; {warm[0] / 2**20:.0f} to {max(warm) / 2**20:.0f} MiB")
    return {"speed": summary.seconds / elapsed, "memory": max(warm) / warm[0]}


def measure(model: str, minutes: float) -> dict[str, float]:
    """All figures of a model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with make_library(folder, model) as library:
            return measure_latency(library, folder) | measure_hour(library, folder, minutes)


def main() -> int:
    """Print each figure beside its goal; 1 if one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["default", "musicnn"])
    parser.add_argument("--minutes", type=float, default=60.0)
    arguments = parser.parse_args()
    is_missed = False
    for model in arguments.models:
        try:
            TrackEncoder.load(model)
        except (UnknownChoice, UsageError) as error:
            print(f"{model}: left out. {error}")
            continue
        print(model)
        figures = measure(model, arguments.minutes)
        for name, value in figures.items():
            is_good = value >= GOALS[name] if name == "speed" else value <= GOALS[name]
            counts = model == "default" or name != "core"
            is_missed |= counts and not is_good
            print(f"  {name:8} {value:8.3f}  goal {GOALS[name]:g}{'' if is_good else '  MISSED'}")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
