"""Models of other kinds without torch, against the same models in torch."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.geometry import geometry_of
from embedder.models.array_geometry import ArrayGeometry, distances
from embedder.models.arrays import NoGraph, load_arrays
from embedder.models.kinds.foreign_mel import MelFrontEnd
from embedder.models.kinds.foreign_mel_arrays import MelArrays
from embedder.models.kinds.musicnn_file import MEL, save_musicnn
from embedder.models.kinds.network import save_model
from embedder.models.kinds.onnx_spec import MelSetUp
from embedder.models.kinds.projection import save_projection, seeded_projection
from embedder.models.registry import load_model
from embedder.networks.musicnn_weights import expected_shapes
from embedder.networks.network import seeded_network
from tests.embedder.models.get.checkpoint_files import random_tensors

SET_UPS = {
    "musicnn": MEL,
    "short windows": MelSetUp(window_samples=400, compression="none", magnitude_power=1.0),
    "centred htk": MelSetUp(
        scale="htk", centred=True, window_samples=400, compression="ln", min_hz=50, max_hz=7000
    ),
    "fixed width": MelSetUp(norm="slaney", n_columns=400, fft_size=1024),
}
TAGS = ("calm", "loud", "piano")


def noise(n: int, n_samples: int) -> np.ndarray:
    values = np.random.default_rng(0).standard_normal((n, n_samples))
    return (0.1 * values).astype(np.float32)


@pytest.mark.parametrize("name", SET_UPS)
@pytest.mark.parametrize("sample_rate", [16000, 44100])
@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_mel_spectrograms_equal_those_of_torch(name: str, sample_rate: int) -> None:
    """For each scale, window, compression and length, and at another rate."""
    samples = noise(2, 20_000)
    expected = MelFrontEnd(SET_UPS[name], sample_rate=16000)(torch.from_numpy(samples), sample_rate)
    mel = MelArrays(SET_UPS[name], sample_rate=16000)(samples, sample_rate)
    np.testing.assert_allclose(mel, expected.numpy(), atol=2e-4)


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    """A random MusiCNN of the published size; every third filter is dead."""
    return dict(random_tensors(expected_shapes(len(TAGS)), seed=3))


@pytest.mark.parametrize("layer", ["penultimate", "mean-pool", "max-pool"])
def test_musicnn_gives_the_values_of_torch(
    tensors: dict[str, np.ndarray], layer: str, tmp_path: Path
) -> None:
    """Vectors and tags of waveforms, for each layer."""
    save_musicnn(
        tmp_path,
        tensors,
        name="m",
        tags=TAGS,
        layer=layer,
        n_excerpts=2,
        licence="",
        description="",
        facts={},
    )
    arrays, in_torch = load_arrays(tmp_path), load_model(tmp_path)
    samples = noise(2, 48_128) * np.array([[1.0], [0.1]], dtype=np.float32)
    with torch.inference_mode():
        expected = in_torch.network(in_torch.front_end(torch.from_numpy(samples), 16000)).numpy()
    outputs = arrays.network(arrays.front_end(samples, 16000))
    assert arrays.tags == TAGS
    np.testing.assert_allclose(outputs, expected, atol=1e-4)


@pytest.mark.parametrize("hidden_size", [0, 5])
@pytest.mark.parametrize("geometry", ["cosine", "poincare"])
def test_a_projection_gives_the_vectors_of_torch(
    hidden_size: int, geometry: Any, tmp_path: Path
) -> None:
    """Linear or with a hidden layer, on any geometry; an altered file is left to torch."""
    config = ModelConfig(
        front_end=FrontEndConfig(n_bins=24, fft_size=512, hop_samples=256, sample_rate=8000),
        backbone=BackboneConfig(filters=(4, 6), pooling="mean"),
        embedding_size=8,
    )
    save_model(tmp_path / "base", seeded_network(config, seed=0))
    base = load_model(tmp_path / "base")
    projection = seeded_projection(
        dataclasses.replace(config, embedding_size=3, geometry=geometry),
        n_inputs=8,
        hidden_size=hidden_size,
        seed=1,
    )
    projection.standardise_by(torch.rand(20, 8))
    save_projection(tmp_path / "top", projection, base=base)
    features = np.random.default_rng(1).random((3, 24, 40), dtype=np.float32)
    with torch.inference_mode():
        expected = load_model(tmp_path / "top").network(torch.from_numpy(features)).numpy()
    vectors = load_arrays(tmp_path / "top").network(features)
    np.testing.assert_allclose(vectors, expected, atol=2e-5)
    path = tmp_path / "top" / "projection.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\x00\x00\x80\x3f")
    with pytest.raises(NoGraph, match="does not fit the card"):
        load_arrays(tmp_path / "top")


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "poincare"])
def test_distances_equal_those_of_the_geometry(kind: Any) -> None:
    """Also between equal vectors, and near the rim."""
    outputs = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    outputs[4] *= 100
    geometry = geometry_of(kind, curvature=0.7)
    vectors = geometry.project(torch.from_numpy(outputs))
    expected = geometry.pairwise(vectors, vectors[1:]).numpy()
    result = distances(vectors.numpy(), vectors[1:].numpy(), ArrayGeometry(kind, 0.7))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
