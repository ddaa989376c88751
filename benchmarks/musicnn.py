"""Time MusiCNN on one core: ten patches of a track, and the same network without its shortcuts.

    python benchmarks/musicnn.py DATA_FOLDER [--model musicnn]

DATA_FOLDER holds `fma-clips` and `musicnn/reference.npz`, the outputs of the original graph for
three patches. The model must have been fetched (`soundalike models get musicnn`).
The script prints the processor time of a track's steps (decoding, mel patches, network), for
three, five and ten patches, how far the vectors of fewer patches are from those of ten, and the
largest difference from the original's outputs. The plain network computes every filter. The exit
code is 0 if the network takes at most 0.25 s for ten patches.
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from embedder.audio.excerpts import load_excerpts
from embedder.datasets.files import audio_files_below
from embedder.models.registry import list_models, load_model
from embedder.networks import musicnn

MOST_SECONDS = 0.25
N_TRACKS = 12
N_REPEATS = 3
Result = TypeVar("Result")


def main() -> None:
    """Time each step, compare numbers of patches, print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--model", default="musicnn")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = list(audio_files_below(options.data / "fma-clips"))[:N_TRACKS]
    if options.model not in {listed.name for listed in list_models()}:
        print(f"left out: it needs `soundalike models get {options.model}`")
        return
    model = load_model(options.model)
    print_differences(model.network.network, options.data / "musicnn" / "reference.npz")
    size = model.embedding_size
    vectors: dict[int, np.ndarray] = {}
    ten_patches = 0.0
    for n_patches in (3, 5, 10):
        excerpts = dataclasses.replace(model.config.excerpts, n_excerpts=n_patches)
        decoding, mel, network, of_tracks = [], [], [], []
        for clip in clips:
            seconds, decoded = timed(
                partial(load_excerpts, clip, excerpts, sample_rate=model.sample_rate)
            )
            decoding.append(seconds)
            samples = torch.from_numpy(decoded.samples)
            seconds, patches = timed(partial(model.front_end, samples, model.sample_rate))
            mel.append(seconds)
            seconds, outputs = timed(partial(model.network, patches))
            network.append(seconds)
            of_tracks.append(outputs[:, :size].mean(dim=0).numpy())
        vectors[n_patches] = np.stack(of_tracks)
        steps = [np.median(step) for step in (decoding, mel, network)]
        print(
            f"{n_patches:2} patches: decoding {steps[0]:.3f} s, mel {steps[1]:.3f} s, "
            f"network {steps[2]:.3f} s, together {sum(steps):.3f} s"
        )
        ten_patches = float(steps[2])
    for n_patches in (3, 5):
        cosines = cosine(vectors[n_patches], vectors[10])
        print(f"{n_patches} patches against 10: cosine {cosines.mean():.3f} on average")
    musicnn.NEGLIGIBLE = -1.0
    plain = load_model(options.model).network
    seconds, _ = timed(partial(plain, patches))
    print(f"10 patches with every filter computed: network {seconds:.3f} s")
    sys.exit(ten_patches > MOST_SECONDS)


def print_differences(network: musicnn.Musicnn, path: Path) -> None:
    """The largest difference from each output of the original."""
    reference = np.load(path)
    with torch.inference_mode():
        outputs = network(torch.from_numpy(reference["patch"]))
    for name, values in outputs._asdict().items():
        difference = np.abs(values.numpy() - reference[name]).max()
        print(f"{name}: {difference:.1e} from the original at most")


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """The least processor time of a few runs, and the result."""
    seconds = []
    with torch.inference_mode():
        for _ in range(N_REPEATS):
            start = time.process_time()
            result = work()
            seconds.append(time.process_time() - start)
    return min(seconds), result


def cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Row by row."""
    products = (first * second).sum(axis=1)
    return products / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


if __name__ == "__main__":
    main()
