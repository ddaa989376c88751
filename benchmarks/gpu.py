"""Try what a GPU is for: training, encoding and exact search. A few minutes on one GPU.

    python benchmarks/gpu.py [--tracks 256] [--vectors 1000000] [--skip-tests]

1. The tests of devices (`tests/embedder/training/test_devices.py`).
2. The bundled model on the GPU and on one core of the CPU: excerpts that are decoded already,
   tracks a second, and the least cosine between the two vectors of a track; then `encode_many` on
   the same music as files.
3. Exact search with 4,096 queries at once in a million vectors: seconds on the GPU and on the CPU,
   and how many queries have the same ten neighbours.

Without a GPU the script says so and ends with exit code 0. Otherwise the exit code is 0 if the
tests pass, the least cosine is at least 0.9999 (float32) and 0.999 of the queries agree.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors.contenders import clustered
from embedder.audio.writing import write_audio
from embedder.encoding.encoder import TrackEncoder
from embedder.models.registry import load_model
from index.vectors.distances import Space
from index.vectors.faiss_part import GPU_BATCH
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings

DEVICE_TESTS = "tests/embedder/training/test_devices.py"
SAMPLE_RATE = 44_100
SECONDS = 30.0
LEAST_COSINE = 0.9999
LEAST_AGREEMENT = 0.999
N_QUERIES = 4096
K = 10
BATCH = 32

Floats = NDArray[np.float32]
Result = TypeVar("Result")


def main() -> int:
    """Run the parts that this machine can run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=256)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--skip-tests", action="store_true", help="leave out the tests of devices")
    options = parser.parse_args()
    name = gpu_name()
    if not name:
        print("left out: this machine has no GPU that torch can use")
        return 0
    print(f"GPU: {name}")
    passed = [options.skip_tests or run_tests(), compare_encoding(options.tracks)]
    passed.append(compare_search(options.vectors))
    return 0 if all(passed) else 1


def gpu_name() -> str:
    """The GPU that torch would use; empty if there is none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def run_tests() -> bool:
    """The tests of devices."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "-rs", DEVICE_TESTS]
    return subprocess.run(command, cwd=root, check=False).returncode == 0


def compare_encoding(n_tracks: int) -> bool:
    """Print speed and agreement of the bundled model on both devices."""
    samples = noises(n_tracks)
    on_gpu = TrackEncoder(load_model("default"), device="cuda", precision="float32")
    on_cpu = TrackEncoder.load("default", device="cpu")
    on_gpu.encode_samples(samples[:BATCH], SAMPLE_RATE)  # the first batch prepares the GPU
    vectors: dict[str, Floats] = {}
    for name, encoder in (("GPU", on_gpu), ("CPU", on_cpu)):
        seconds, vectors[name] = timed(lambda encoder=encoder: in_batches(encoder, samples))
        print(f"decoded excerpts on the {name}: {n_tracks / seconds:.1f} tracks a second")
    least = float((vectors["GPU"] * vectors["CPU"]).sum(axis=1).min())
    print(f"least cosine of a track's two vectors: {least:.6f} (at least {LEAST_COSINE})")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.wav" for number in range(min(n_tracks, 64))]
        for path, track in zip(paths, samples, strict=False):
            write_audio(path, track[None], SAMPLE_RATE)
        seconds, results = timed(lambda: list(on_gpu.encode_many(paths)))
        alone = np.stack([on_cpu.encode(path).vector for path in paths])
    print(f"encode_many of WAV files with the GPU: {len(paths) / seconds:.1f} tracks a second")
    of_files = np.stack([np.asarray(result.vector) for result in results])
    least_of_files = float((of_files * alone).sum(axis=1).min())
    print(f"least cosine of files: {least_of_files:.6f} (at least {LEAST_COSINE})")
    return min(least, least_of_files) >= LEAST_COSINE


def compare_search(n_vectors: int) -> bool:
    """Print the time of exact search on both devices, and how often they agree."""
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        print("left out: this FAISS has no GPU code, or sees no GPU")
        return True
    vectors = clustered(n_vectors, seed=1)
    queries = clustered(N_QUERIES, seed=2)
    ids = np.arange(n_vectors)
    store = FaissStore.build(Space(), ids, vectors=vectors, settings=StoreSettings("exact"))
    copy_seconds, _ = timed(lambda: store.search(queries[:GPU_BATCH], K))
    gpu_seconds, (_, of_gpu) = timed(lambda: store.search(queries, K))
    few = GPU_BATCH // 2  # so few queries stay on the CPU
    parts = [queries[start : start + few] for start in range(0, len(queries), few)]
    cpu_seconds, results = timed(lambda: [store.search(part, K)[1] for part in parts])
    of_cpu = np.concatenate(results)
    agreement = float((np.sort(of_gpu, axis=1) == np.sort(of_cpu, axis=1)).all(axis=1).mean())
    print(
        f"{N_QUERIES:,} queries in {n_vectors:,} vectors: {gpu_seconds:.3f} s on the GPU, "
        f"{cpu_seconds:.3f} s on the CPU; the first search copies the vectors: {copy_seconds:.1f} s"
    )
    print(f"queries with the same {K} neighbours: {agreement:.4f} (at least {LEAST_AGREEMENT})")
    return agreement >= LEAST_AGREEMENT


def noises(n_tracks: int) -> Floats:
    """Coloured noise that swells, different in each track: float32 [tracks, samples]."""
    n_samples = round(SECONDS * SAMPLE_RATE)
    swell = np.linspace(0.05, 0.3, n_samples, dtype=np.float32)
    tracks = np.empty((n_tracks, n_samples), dtype=np.float32)
    for number, track in enumerate(tracks):
        noise = np.random.default_rng(number).standard_normal(n_samples, dtype=np.float32)
        width = 1 + number % 12
        track[:] = np.convolve(noise, np.ones(width, dtype=np.float32) / width, "same") * swell
    return tracks


def in_batches(encoder: TrackEncoder, samples: Floats) -> Floats:
    """The vector of each track, some at a time."""
    starts = range(0, len(samples), BATCH)
    return np.concatenate(
        [encoder.encode_samples(samples[start : start + BATCH], SAMPLE_RATE) for start in starts]
    )


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds and result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    sys.exit(main())
