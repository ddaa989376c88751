"""Put the network of merge.py and the student of student.py side by side, as one model.

    python -m benchmarks.default_model.combine FRAMES STUDENT FOLDER ... -o runs/combined

FRAMES is the network that reads single frames of 30 seconds (made by merge.py and bundle.py),
STUDENT what student.py wrote, and each FOLDER holds audio to learn from (--labels as in teach.py).
The student's outputs are whitened by how the patches of one file differ from each other, so that
what varies within a recording counts little, and their main directions are kept. No label is
needed for that. OUTPUT is a combined model: frames, and patches with the weight --weight.
"""

import argparse
import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.default_model.teach import files_of
from embedder.config.model import ModelConfig
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure
from embedder.features.front_end import FrontEnd
from embedder.models.card import read_card, write_card
from embedder.models.combining import weighted
from embedder.models.kinds.combined_file import save_combined
from embedder.models.kinds.network import save_model
from embedder.models.parts import TRAINED_PART
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork

SIZE = 128
RIDGE = 0.03
"""Of the mean variance: how little a direction may vary within recordings."""
Matrix = NDArray[np.float64]


def main() -> None:
    """Whiten the student, combine, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=Path)
    parser.add_argument("student", type=Path)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/combined"))
    parser.add_argument("--labels", type=Path, help="FOLDER_NAME/tracks.csv")
    parser.add_argument("--weight", type=float, default=0.8)
    parser.add_argument("--size", type=int, default=SIZE)
    options = parser.parse_args()
    files = [path for folder in options.folders for path in files_of(folder, options.labels)]
    outputs = outputs_of(options.student, files)
    patches = options.output.parent / f"{options.output.name}-patches"
    save_whitened(options.student, patches, *whitening(outputs, options.size))
    frames = options.output.parent / f"{options.output.name}-frames"
    shutil.rmtree(frames, ignore_errors=True)
    shutil.copytree(options.frames, frames)
    write_card(frames, dataclasses.replace(read_card(frames), name="frames"))
    members = [load_model(frames), load_model(patches)]
    weights = [1.0, options.weight]
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)
    card = save_combined(
        options.output,
        members,
        weighted(members, weights),
        name="default",
        weights=weights,
        facts={"sample": "none", TRAINED_PART: 0},
    )
    print(f"{options.output}: {card.fingerprint[:12]}, {len(outputs)} files")


def outputs_of(student: Path, files: Sequence[Path]) -> list[Matrix]:
    """The student's outputs for the patches of each file: [patches, outputs]."""
    encoder = TrackEncoder.load(student, device="cpu")
    results = encoder.encode_many(files)
    return [
        result.excerpt_vectors.astype(np.float64)
        for result in results
        if not isinstance(result, EncodingFailure) and len(result.excerpt_vectors) > 1
    ]


def whitening(outputs: Sequence[Matrix], size: int) -> tuple[Matrix, Matrix]:
    """(mean [outputs], directions [size, outputs]) from the patches of many files."""
    mean = np.mean([patches.mean(axis=0) for patches in outputs], axis=0)
    within = np.mean([np.cov(patches.T) for patches in outputs], axis=0)
    variances, axes = np.linalg.eigh(within)
    factors = (variances + RIDGE * variances.mean()) ** -0.5
    white = (axes * factors) @ axes.T
    tracks = np.stack([_unit((patches - mean) @ white).mean(axis=0) for patches in outputs])
    _, main_axes = np.linalg.eigh(np.cov(tracks.T))
    return mean, main_axes[:, ::-1][:, :size].T @ white


def save_whitened(student: Path, folder: Path, mean: Matrix, directions: Matrix) -> None:
    """The student with vectors of unit length, whose projection is followed by the directions."""
    model = load_model(student)
    assert isinstance(model.network, EmbeddingNetwork)
    assert isinstance(model.front_end, FrontEnd)
    config: ModelConfig = dataclasses.replace(
        model.config, embedding_size=len(directions), geometry="cosine"
    )
    network = EmbeddingNetwork(config).eval()
    state = dict(model.network.state_dict())
    weight, bias = (state[f"projection.{name}"].double().numpy() for name in ("weight", "bias"))
    state["projection.weight"] = torch.from_numpy((directions @ weight).astype(np.float32))
    state["projection.bias"] = torch.from_numpy((directions @ (bias - mean)).astype(np.float32))
    network.load_state_dict(state)
    shutil.rmtree(folder, ignore_errors=True)
    save_model(folder, network, front_end=model.front_end, name="patches", weight_bits=8)


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return unit


if __name__ == "__main__":
    main()
