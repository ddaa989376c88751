"""Time MusiCNN on one core: ten patches of a track, and the same network without its shortcuts.

    python benchmarks/musicnn.py DATA_FOLDER [--model musicnn]

DATA_FOLDER holds `fma-clips` and `musicnn/reference.npz`, the outputs of the original graph for
three patches. The model must have been fetched (`soundalike models get musicnn`).
The script prints the processor time of a track's steps (decoding, mel patches, network), for
three, five and ten patches, how far the vectors of fewer patches are from those of ten, and the
largest difference from the original's outputs. Everything runs without torch, as in `index`. The
plain network computes every filter. The exit code is 0 if a track takes at most 0.25 s for ten
patches, decoding included.
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
import safetensors.numpy

from embedder.audio.excerpts import load_excerpts
from embedder.config.model import ModelConfig
from embedder.datasets.files import audio_files_below
from embedder.models.arrays import load_arrays
from embedder.models.graphs.musicnn import INPUT_NAME, musicnn_file
from embedder.models.graphs.session import GraphSession
from embedder.models.loaded import ArrayModel
from embedder.models.registry import list_models
from embedder.networks import musicnn_weights
from embedder.networks.musicnn_weights import Layer

MOST_SECONDS = 0.25
N_TRACKS = 12
N_REPEATS = 3
LAYERS: dict[Layer, str] = {
    "penultimate": "penultimate",
    "mean-pool": "mean_pool",
    "max-pool": "max_pool",
}
"""By layer, the names in the file of reference outputs."""
Result = TypeVar("Result")


def main() -> None:
    """Time each step, compare numbers of patches, print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--model", default="musicnn")
    options = parser.parse_args()
    clips = list(audio_files_below(options.data / "fma-clips"))[:N_TRACKS]
    if options.model not in {listed.name for listed in list_models()}:
        print(f"left out: it needs `soundalike models get {options.model}`")
        return
    model = load_arrays(options.model)
    print_differences(model, options.data / "musicnn" / "reference.npz")
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
            seconds, patches = timed(partial(model.front_end, decoded.samples, model.sample_rate))
            mel.append(seconds)
            seconds, outputs = timed(partial(model.network, patches))
            network.append(seconds)
            of_tracks.append(outputs[:, :size].mean(axis=0))
        vectors[n_patches] = np.stack(of_tracks)
        steps = [np.median(step) for step in (decoding, mel, network)]
        print(
            f"{n_patches:2} patches: decoding {steps[0]:.3f} s, mel {steps[1]:.3f} s, "
            f"network {steps[2]:.3f} s, together {sum(steps):.3f} s"
        )
        ten_patches = float(sum(steps))
    for n_patches in (3, 5):
        cosines = cosine(vectors[n_patches], vectors[10])
        print(f"{n_patches} patches against 10: cosine {cosines.mean():.3f} on average")
    musicnn_weights.NEGLIGIBLE = -1.0
    seconds, _ = timed(partial(load_arrays(options.model).network, patches))
    print(f"10 patches with every filter computed: network {seconds:.3f} s")
    sys.exit(ten_patches > MOST_SECONDS)


def print_differences(model: ArrayModel, path: Path) -> None:
    """The largest difference from each output of the original."""
    reference = np.load(path)
    tensors = safetensors.numpy.load_file(model.folder / "weights.safetensors")
    patches = np.ascontiguousarray(reference["patch"].transpose(0, 2, 1))
    for layer, name in LAYERS.items():
        size = reference[name].shape[1]
        config = ModelConfig(embedding_size=size, geometry="euclidean")
        data = musicnn_file(config, tensors, layer, n_tags=len(model.tags))
        session = GraphSession(data, input_name=INPUT_NAME, optimised_after=0)
        outputs = session.run(patches)
        difference = np.abs(outputs[:, :size] - reference[name]).max()
        print(f"{layer}: {difference:.1e} from the original at most")
    difference = np.abs(outputs[:, size:] - reference["tags"]).max()
    print(f"tags: {difference:.1e} from the original at most")


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """The least processor time of a few runs, and the result."""
    seconds = []
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
