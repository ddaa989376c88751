"""MusiCNN: the fast network against the published formulas, and against the original's outputs."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from embedder.models.get.checkpoint.bundle import read_checkpoint
from embedder.networks.musicnn import Musicnn
from embedder.networks.musicnn_weights import EPSILON, Tensors, expected_shapes
from tests.embedder.models.get.checkpoint_files import random_tensors

N_FILTERS = {204: 6, 51: 5, 64: 4, 561: 27, 1506: 78, 200: 8}
SHAPES = {
    name: tuple(N_FILTERS.get(size, size) if axis or len(shape) < 4 else size
                for axis, size in enumerate(shape))
    for name, shape in expected_shapes(3).items()
}  # fmt: skip
"""The published shapes with fewer filters; the kernels keep their sizes."""
REFERENCE = "musicnn/reference.npz"


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    """A random network with few filters, some of them dead."""
    return random_tensors(SHAPES, seed=5)


@pytest.fixture(scope="module")
def patches() -> NDArray[np.float32]:
    """Two patches of log-mel values: [2, 187, 96]."""
    return np.random.default_rng(2).uniform(0, 5, (2, 187, 96)).astype(np.float32)


def by_the_formulas(tensors: Tensors, patches: NDArray[np.float32]) -> dict[str, torch.Tensor]:
    """Every layer in float64 and in the published order, without shortcuts."""
    weights = {name: torch.from_numpy(tensor).double() for name, tensor in tensors.items()}

    def normalised(values: torch.Tensor, number: int, axis: int) -> torch.Tensor:
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        gamma, beta, mean, variance = (
            weights[f"{name}/{part}"].reshape([-1 if a == axis else 1 for a in range(values.ndim)])
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return gamma * (values - mean) / torch.sqrt(variance + EPSILON) + beta

    def convolved(image: torch.Tensor, number: int) -> torch.Tensor:
        name = f"conv2d_{number}" if number else "conv2d"
        kernel = weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        length = kernel.shape[2]
        padded = functional.pad(image, (0, 0, (length - 1) // 2, length // 2))
        rectified = functional.relu(functional.conv2d(padded, kernel, weights[f"{name}/bias"]))
        return normalised(rectified, number + 1, axis=1)

    image = normalised(torch.from_numpy(patches).double()[:, None], 0, axis=1)
    low = torch.cat([convolved(image, number).amax(3) for number in range(5)], dim=1)
    layers = [low, convolved(low.transpose(1, 2)[:, None], 5)[..., 0]]
    for number in (6, 7):
        layers.append(convolved(layers[-1].transpose(1, 2)[:, None], number)[..., 0] + layers[-1])
    features = torch.cat(layers, dim=1)
    pools = torch.stack([features.amax(2), features.mean(2)], dim=2).flatten(1)
    pools = normalised(pools, 9, axis=1)
    dense = functional.relu(pools @ weights["dense/kernel"] + weights["dense/bias"])
    dense = normalised(dense, 10, axis=1)
    logits = dense @ weights["dense_1/kernel"] + weights["dense_1/bias"]
    return {
        "tags": torch.sigmoid(logits),
        "mean_pool": features.mean(2),
        "max_pool": features.amax(2),
        "penultimate": dense,
    }


@pytest.mark.parametrize("output", ["tags", "mean_pool", "max_pool", "penultimate"])
def test_the_network_follows_the_formulas(
    tensors: Tensors, patches: NDArray[np.float32], output: str
) -> None:
    """Negated filters and dead ones left out change no output."""
    with torch.inference_mode():
        computed = getattr(Musicnn(tensors)(torch.from_numpy(patches)), output)
    expected = by_the_formulas(tensors, patches)[output]
    np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=2e-5)


def test_dead_filters_are_not_computed(tensors: Tensors) -> None:
    """Every third filter is dead; the others are live, whatever the sign of their factor."""
    bank = Musicnn(tensors).banks[0]
    assert bank.get_buffer("live").tolist() == [1, 2, 4, 5]
    assert len(bank.get_buffer("kernel")) == 4


def test_other_lengths_are_possible(tensors: Tensors, patches: NDArray[np.float32]) -> None:
    """The network pools over time, so that a longer patch gives as many values."""
    with torch.inference_mode():
        outputs = Musicnn(tensors)(torch.from_numpy(np.concatenate([patches, patches], axis=1)))
    assert outputs.penultimate.shape == (2, 8)


@pytest.mark.slow
def test_the_original_gives_the_same() -> None:
    """Within 1e-4 of the original graph's outputs for three patches of real music.

    Needs SOUNDALIKE_DATA, the folder of the measuring data, and SOUNDALIKE_MUSICNN_WHEEL.
    """
    data, wheel = os.environ.get("SOUNDALIKE_DATA"), os.environ.get("SOUNDALIKE_MUSICNN_WHEEL")
    if not data or not wheel or not (Path(data) / REFERENCE).is_file():
        pytest.skip("the reference outputs or the wheel are not on this machine")
    with zipfile.ZipFile(wheel) as archive:
        folder = "musicnn/MSD_musicnn"
        tensors = read_checkpoint(
            archive.read(f"{folder}/.index"),
            archive.read(f"{folder}/.data-00000-of-00001"),
            wanted=lambda name: "Adam" not in name,
        )
    reference = np.load(Path(data) / REFERENCE)
    with torch.inference_mode():
        outputs = Musicnn(tensors)(torch.from_numpy(reference["patch"]))
    for name, values in outputs._asdict().items():
        # The maxima reach 84, where float32 itself is exact to about 1e-5 of the value.
        np.testing.assert_allclose(values, reference[name], rtol=1e-5, atol=1e-4, err_msg=name)
