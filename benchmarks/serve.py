"""The server at 100,000 tracks: `similar` requests at a fixed rate, the first page, memory.

python -m benchmarks.serve [--folder FOLDER] [--rate 200] [--seconds 30]
FOLDER keeps the library for a second run. Vectors are 128 numbers in 300 clusters, seed 0. The
clients are eight processes on loopback with one connection each. Goals: 200 requests a second with
less than 50 ms at 99 % on two cores, a first page in 0.5 s after the start, and flat memory.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.many_tracks import BLOCK, songs_by_number, write_library

N_TRACKS = 100_000
N_CLIENTS = 8
N_STARTS = 5
SIZE = 128
PORT = 8765
ROOT = Path(__file__).parents[1]


def clustered(generator: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """Unit vectors in 300 clusters, a block after the other."""
    centres = generator.standard_normal((300, SIZE))
    for _ in range(0, N_TRACKS, BLOCK):
        block = centres[generator.integers(0, 300, BLOCK)]
        block = block + 0.5 * generator.standard_normal(block.shape)
        yield (block / np.linalg.norm(block, axis=1, keepdims=True)).astype(np.float32)


def ask_at_a_rate(seed: int, rate: float, seconds: float, results: "multiprocessing.Queue") -> None:
    """One client: a request every 1/rate seconds; late ones count from when they were due."""
    generator = random.Random(seed)  # noqa: S311 - chooses tracks
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    start = time.perf_counter() + generator.random() / rate
    latencies = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.request("GET", f"/api/v1/similar?id={generator.randint(1, N_TRACKS)}&k=10")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or len(json.loads(body)["neighbours"]) != 10:
            raise SystemExit(f"a wrong answer: {answer.status} {body[:200]!r}")
        latencies.append(time.perf_counter() - due)
    results.put(latencies)


def first_page(process: "subprocess.Popen[bytes]", start: float) -> float:
    """Seconds from the start of the process to the first page of songs."""
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/api/v1/tracks?limit=100")
            if connection.getresponse().status == 200:
                return time.perf_counter() - start
        except OSError:
            time.sleep(0.01)
    raise SystemExit("the server ended")


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or Path(place) / "library"
        if not (folder / "library.json").exists():
            write_library(folder, songs_by_number(N_TRACKS), clustered(np.random.default_rng(0)))
        command = [
            sys.executable,
            "-m",
            "cli",
            "--library",
            str(folder),
            "serve",
            "--port",
            str(PORT),
        ]
        compile_sources()
        starts = []
        for number in range(N_STARTS):
            start = time.perf_counter()
            process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
            try:
                starts.append(first_page(process, start))
                if number == N_STARTS - 1:
                    print(
                        f"process to first page: {min(starts):.2f} s at best, "
                        f"{np.median(starts):.2f} in the median of {N_STARTS}"
                    )
                    measure(process, options.rate, options.seconds)
            finally:
                process.terminate()
                process.wait()


def compile_sources() -> None:
    """Write bytecode beside the sources, as an installation does."""
    packages = ("cli", "embedder", "index", "soundalike")
    command = [sys.executable, "-m", "compileall", "-q", *packages]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)


def environment() -> dict[str, str]:
    """Without the variable that keeps Python from writing and using new bytecode."""
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def measure(process: "subprocess.Popen[bytes]", rate: float, seconds: float) -> None:
    """The figures of a running server."""
    again = time.perf_counter()
    first_page(process, again)
    print(f"a page of 100 songs: {1000 * (time.perf_counter() - again):.1f} ms")
    server = psutil.Process(process.pid)
    for turn in ("warm-up", "measured"):
        results: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
        clients = [
            multiprocessing.Process(
                target=ask_at_a_rate, args=(seed, rate / N_CLIENTS, seconds, results)
            )
            for seed in range(N_CLIENTS)
        ]
        before, cpu = server.memory_info().rss, sum(server.cpu_times()[:2])
        began = time.perf_counter()
        for client in clients:
            client.start()
        latencies = np.concatenate([results.get() for _ in clients]) * 1000
        for client in clients:
            client.join()
        took = time.perf_counter() - began
        used = sum(server.cpu_times()[:2]) - cpu
        low, middle, high = np.percentile(latencies, [50, 95, 99])
        print(
            f"{turn}: {len(latencies) / took:.0f} requests a second; {low:.1f} ms in the median, "
            f"{middle:.1f} at 95 %, {high:.1f} at 99 %; {1000 * used / len(latencies):.1f} ms of "
            f"processor time each; memory {before >> 20} to {server.memory_info().rss >> 20} MiB"
        )


if __name__ == "__main__":
    main()
