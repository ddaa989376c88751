"""Time `encode_many` against bliss-audio and librosa, and check that its memory stays flat.

    python benchmarks/encoding.py [--model M] [--tracks 8] [--memory-files 2000]

The songs are synthesised 4-minute MP3s. Each contender is a process of its own, pinned to one core
(two for two workers). `encode_many` gets the songs sixty times, since its second worker is a
process that takes seconds to start. Contenders take turns for two rounds, and the better round
counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROUNDS = 2
GOALS = {"bliss-audio": 6.0, "librosa + MFCC": 20.0, "one worker": 1.8}

CONTENDER = """
import json, os, sys, time
name, cores, model, *files = json.loads(sys.argv[1])
os.sched_setaffinity(0, set(cores))
if name.startswith("encode_many"):
    from embedder.encoding.encoder import TrackEncoder
    encoder = TrackEncoder.load(model, device="cpu")
    def analyse():
        results = list(encoder.encode_many(files, workers=len(cores)))
        assert all(hasattr(result, "vector") for result in results), results
elif name == "bliss-audio":
    from pathlib import Path
    from index.evaluate.bliss import Bliss
    bliss = Bliss()
    def analyse():
        for file in files:
            bliss.describe(Path(file))
else:
    import librosa
    def analyse():
        for file in files:
            samples, rate = librosa.load(file)
            librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=20)
start = time.perf_counter()
analyse()
print(json.dumps(len(files) / (time.perf_counter() - start)))
"""

MEMORY = """
import json, os, sys
import psutil
from embedder.encoding.encoder import TrackEncoder
model, workers, files = json.loads(sys.argv[1])
process = psutil.Process()
def resident():
    processes = [process, *process.children(recursive=True)]
    sizes = [process.memory_full_info() for process in processes]
    return sum(size.pss for size in sizes), sum(size.rss for size in sizes)
at_200 = 0
encoder = TrackEncoder.load(model, device="cpu")
for n, result in enumerate(encoder.encode_many(files, workers=workers)):
    assert hasattr(result, "vector"), result
    if n + 1 == 200:
        at_200 = resident()
    if n + 1 == len(files):
        print(json.dumps([at_200, resident()]))
"""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="", help="a model's name or folder (default: untrained base)"
    )
    parser.add_argument("--tracks", type=int, default=8)
    parser.add_argument("--memory-files", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or untrained_model(Path(folder) / "model")
        songs = four_minute_songs(Path(folder) / "songs", options.tracks)
        report_speed(model, songs)
        if options.memory_files:
            report_memory(model, many_files(songs, Path(folder) / "many", options.memory_files))


def report_speed(model: str, songs: list[str]) -> None:
    """Print the tracks per second of each contender, and whether the ratios reach their goals."""
    cores = sorted(os.sched_getaffinity(0))
    one_core, two_cores = cores[:1], cores[:2]
    contenders = {
        "encode_many, one core": one_core,
        **({"bliss-audio": one_core} if bliss_runs(songs[0]) else {}),
        "librosa + MFCC": one_core,
        "encode_many, two workers": two_cores,
    }
    best = dict.fromkeys(contenders, 0.0)
    for _ in range(ROUNDS):
        for name, on_cores in contenders.items():
            files = songs * 60 if name.startswith("encode_many") else songs[:3]
            rate = run(CONTENDER, [name, on_cores, model, *files])
            best[name] = max(best[name], rate)
    print(f"{'contender':28} {'tracks/s':>9}")
    for name, rate in best.items():
        print(f"{name:28} {rate:9.2f}")
    one_core_rate = best["encode_many, one core"]
    ratios = {
        **({"bliss-audio": one_core_rate / best["bliss-audio"]} if "bliss-audio" in best else {}),
        "librosa + MFCC": one_core_rate / best["librosa + MFCC"],
        "one worker": best["encode_many, two workers"] / one_core_rate,
    }
    for name, ratio in ratios.items():
        verdict = "reached" if ratio >= GOALS[name] else "MISSED"
        print(f"against {name:20} {ratio:6.2f} times (goal {GOALS[name]:g}: {verdict})")


def bliss_runs(song: str) -> bool:
    """Whether bliss-audio is installed and runs on this processor; otherwise prints why not."""
    from embedder.errors import ForeignCodeCrashed, UsageError
    from index.evaluate.bliss import Bliss

    try:
        with Bliss() as bliss:
            bliss.describe(Path(song))
    except (UsageError, ForeignCodeCrashed) as error:
        print(f"left out: {error}")
        return False
    return True


def report_memory(model: str, files: list[str]) -> None:
    """Print the memory of all processes after 200 files and at the end; shared pages count once."""
    (at_200, _), (at_end, resident) = run(MEMORY, [model, 2, files])
    growth = at_end / at_200 - 1
    verdict = "reached" if growth <= 0.1 else "MISSED"
    print(
        f"memory: {at_200 / 2**20:.0f} MB after 200 files, {at_end / 2**20:.0f} MB after "
        f"{len(files)}: {growth:+.1%} (goal at most +10 %: {verdict}); "
        f"{resident / 2**20:.0f} MB if pages that processes share count for each"
    )


def run(program: str, arguments: list[object]) -> Any:
    """Run a contender in a process of its own; returns what it prints."""
    command = [sys.executable, "-c", program, json.dumps(arguments)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(finished.stdout.splitlines()[-1])


def untrained_model(folder: Path) -> str:
    """The `base` preset with seeded weights: training does not change its speed."""
    from embedder.config.presets import MODELS
    from embedder.models.kinds.network import save_model
    from embedder.networks.network import seeded_network

    save_model(folder, seeded_network(MODELS["base"], seed=0))
    return str(folder)


def four_minute_songs(folder: Path, n_songs: int) -> list[str]:
    """Synthesised MP3s of four minutes, in all styles."""
    from embedder.audio.writing import write_audio
    from embedder.datasets.synthesis.songs import STYLES, synthesise_song

    folder.mkdir()
    paths = []
    for number in range(n_songs):
        style = list(STYLES)[number % len(STYLES)]
        samples = synthesise_song(
            style, seed=1, artist=0, song=number, seconds=240.0, sample_rate=44100
        )
        path = folder / f"{number:02}-{style}.mp3"
        write_audio(path, samples, 44100)
        paths.append(str(path))
    return paths


def many_files(songs: list[str], folder: Path, n_files: int) -> list[str]:
    """Hard links to the songs under many names."""
    folder.mkdir()
    paths = []
    for number in range(n_files):
        path = folder / f"{number:05}.mp3"
        path.hardlink_to(songs[number % len(songs)])
        paths.append(str(path))
    return paths


if __name__ == "__main__":
    main()
