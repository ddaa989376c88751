"""Networks as ONNX graphs and numpy front ends, against the same models in torch."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors import torch as safetensors

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import BadInput
from embedder.geometry import geometry_of
from embedder.models.array_geometry import mean_of, projected
from embedder.models.arrays import NoGraph, load_arrays
from embedder.models.graphs import protobuf, session
from embedder.models.graphs.network import network_file
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network

FRONT_END = FrontEndConfig(n_bins=24, fft_size=512, hop_samples=256, sample_rate=8000)
PLAIN = BackboneConfig(filters=(4, 6, 8), pooling="mean")
MOMENTS = BackboneConfig(kind="moments", filters=(6, 5, 12, 7))
BACKBONES = {
    "plain": PLAIN,
    "dropout": dataclasses.replace(PLAIN, dropout=0.2, convolutions_per_stage=2),
    "stride": dataclasses.replace(PLAIN, pool=1, stride=2, time_stages=2),
    "short-chunk": BackboneConfig(kind="short-chunk", filters=(4, 4, 6), pooling="max"),
    "members": BackboneConfig(kind="short-chunk", filters=(4, 6), members=2, dropout=0.1),
    "attention": dataclasses.replace(PLAIN, pooling="attention", row_statistics=True),
    "crnn": BackboneConfig(kind="crnn", filters=(4, 6)),
    "moments": MOMENTS,
    "moments of two": dataclasses.replace(MOMENTS, members=2),
    "only moments": BackboneConfig(kind="moments", filters=(5,)),
    **{
        kind: dataclasses.replace(PLAIN, activation=kind)
        for kind in ("leaky-relu", "prelu", "elu", "gelu", "tanh", "sigmoid")
    },
}


def trained(config: ModelConfig, folder: Path, *, weight_bits: Any = 32) -> EmbeddingNetwork:
    """A saved network whose batch normalisation has statistics, as after training."""
    network = seeded_network(config, seed=0)
    generator = torch.Generator().manual_seed(1)
    for name, buffer in network.named_buffers():
        noise = torch.rand(buffer.shape, generator=generator)
        if name.endswith("running_mean"):
            buffer.copy_(0.2 * noise)
        elif name.endswith("running_var"):
            buffer.copy_(0.5 + noise)
    save_model(folder, network, weight_bits=weight_bits)
    return network


def levels(n: int, *, n_rows: int = 24, n_columns: int = 40) -> np.ndarray:
    generator = np.random.default_rng(2)
    return generator.random((n, n_rows, n_columns), dtype=np.float32)


def vectors_of_both(folder: Path, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        in_torch = load_model(folder).network(torch.from_numpy(features)).numpy()
    return in_torch, load_arrays(folder).network(features)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_gives_the_vectors_of_torch(name: str, tmp_path: Path) -> None:
    """For each backbone, pooling and activation, and for batches of any size."""
    config = ModelConfig(front_end=FRONT_END, backbone=BACKBONES[name], embedding_size=8)
    trained(config, tmp_path / "model")
    for n_excerpts in (1, 3):
        expected, vectors = vectors_of_both(tmp_path / "model", levels(n_excerpts))
        np.testing.assert_allclose(vectors, expected, atol=2e-5)


@pytest.mark.parametrize("geometry", ["cosine", "euclidean", "poincare"])
def test_several_backbones_are_read_side_by_side(geometry: Any, tmp_path: Path) -> None:
    """One projection reads all of them, in each geometry."""
    config = ModelConfig(
        front_end=FRONT_END,
        backbone=BACKBONES["members"],
        beside=(MOMENTS, PLAIN),
        embedding_size=8,
        geometry=geometry,
        curvature=0.5,
    )
    trained(config, tmp_path / "model")
    expected, vectors = vectors_of_both(tmp_path / "model", levels(2))
    np.testing.assert_allclose(vectors, expected, atol=2e-5)


def test_a_waveform_network_needs_no_spectrogram(tmp_path: Path) -> None:
    """The front end passes samples on, and the network is one of convolutions over time."""
    config = ModelConfig(
        excerpts=ExcerptConfig(excerpt_seconds=0.5),
        front_end=FrontEndConfig(kind="waveform", sample_rate=8000, normalisation="clip"),
        backbone=BackboneConfig(kind="waveform-cnn", filters=(4, 6), stride=3),
        embedding_size=8,
    )
    trained(config, tmp_path / "model")
    samples = levels(2, n_rows=1, n_columns=4000)[:, 0]
    with torch.inference_mode():
        in_torch = load_model(tmp_path / "model")
        expected = in_torch.network(in_torch.front_end(torch.from_numpy(samples), 8000)).numpy()
    arrays = load_arrays(tmp_path / "model")
    vectors = arrays.network(arrays.front_end(samples, 8000))
    np.testing.assert_allclose(vectors, expected, atol=2e-5)


def test_a_busy_session_is_optimised_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a number of inputs the graph is opened again; the vectors stay the same."""
    levels_opened = []
    opened = session._opened

    def counting(data: bytes, *, is_optimised: bool) -> Any:
        levels_opened.append(is_optimised)
        return opened(data, is_optimised=is_optimised)

    monkeypatch.setattr(session, "_opened", counting)
    config = ModelConfig(front_end=FRONT_END, backbone=BACKBONES["members"], embedding_size=8)
    trained(config, tmp_path / "model")
    model = load_arrays(tmp_path / "model")
    features = levels(20)
    first, *_, last = [model.network(features) for _ in range(7)]
    assert levels_opened == [False, True]
    np.testing.assert_allclose(last, first, atol=2e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_packed_weights_are_unpacked(bits: int, tmp_path: Path) -> None:
    """Weights of 8 or 16 bits give the vectors that torch makes of them."""
    config = ModelConfig(front_end=FRONT_END, backbone=PLAIN, embedding_size=8)
    trained(config, tmp_path / "model", weight_bits=bits)
    expected, vectors = vectors_of_both(tmp_path / "model", levels(2))
    np.testing.assert_allclose(vectors, expected, atol=2e-5)


def test_the_file_is_valid_onnx() -> None:
    """The `onnx` package reads the file and finds nothing wrong with it."""
    config = ModelConfig(front_end=FRONT_END, backbone=MOMENTS, embedding_size=8)
    state = seeded_network(config, seed=0).state_dict()
    data = network_file(config, {name: tensor.numpy() for name, tensor in state.items()})
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model)
    assert model.opset_import[0].version == protobuf.OPSET
    assert [port.name for port in model.graph.output] == ["vector"]


def test_whole_numbers_are_written_as_in_protobuf() -> None:
    """Long and negative attributes come back as they were."""
    for value in (0, 1, 127, 128, 300, 2**40, -1, -(2**40)):
        node = onnx.NodeProto.FromString(protobuf.node("Op", ["a"], "b", {"key": value}))
        assert onnx.helper.get_node_attr_value(node, "key") == value


@pytest.mark.parametrize(
    ("shape", "message"), [((1, 23, 40), "takes .batch, 24, columns"), ((1, 24, 3), "at least 8")]
)
def test_inputs_that_do_not_fit_are_refused(
    shape: tuple[int, ...], message: str, tmp_path: Path
) -> None:
    """The message is that of the network in torch."""
    config = ModelConfig(front_end=FRONT_END, backbone=PLAIN, embedding_size=8)
    trained(config, tmp_path / "model")
    with pytest.raises(BadInput, match=message):
        load_arrays(tmp_path / "model").network(np.zeros(shape, dtype=np.float32))


def test_altered_weights_are_left_to_torch_which_refuses_them(tmp_path: Path) -> None:
    """No vector comes from weights that do not fit the card."""
    folder = tmp_path / "model"
    trained(ModelConfig(front_end=FRONT_END, backbone=PLAIN, embedding_size=8), folder)
    tensors = safetensors.load_file(folder / "weights.safetensors")
    tensors["network.projection.bias"] += 1
    safetensors.save_file(tensors, folder / "weights.safetensors")
    with pytest.raises(NoGraph, match="do not fit the card"):
        load_arrays(folder)


def test_a_tensor_without_a_place_is_left_to_torch(tmp_path: Path) -> None:
    """A graph that ignores a part of the weights is not made."""
    config = ModelConfig(front_end=FRONT_END, backbone=PLAIN, embedding_size=8)
    state = {
        name: tensor.numpy() for name, tensor in seeded_network(config, seed=0).state_dict().items()
    }
    with pytest.raises(NoGraph, match=r"extra\.weight has no place"):
        network_file(config, {**state, "extra.weight": np.zeros(3, dtype=np.float32)})
    with pytest.raises(NoGraph, match=r"projection\.weight is missing"):
        network_file(config, {n: array for n, array in state.items() if n != "projection.weight"})


def test_translating_networks_are_left_to_torch(tmp_path: Path) -> None:
    """Translation between front ends has no graph, and the reason says so."""
    config = ModelConfig(
        front_end=FRONT_END, backbone=PLAIN, embedding_size=8, translated_to=FRONT_END
    )
    save_model(tmp_path / "model", seeded_network(config, seed=0))
    assert json.loads((tmp_path / "model" / "card.json").read_text())["config"]["translated_to"]
    with pytest.raises(NoGraph, match="translation"):
        load_arrays(tmp_path / "model")


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "poincare"])
def test_projection_and_mean_equal_those_of_the_geometry(kind: Any) -> None:
    """In numpy as in torch, also of long vectors, of none, and of those that cancel out."""
    generator = np.random.default_rng(0)
    outputs = generator.standard_normal((5, 6)).astype(np.float32)
    outputs[3] = -outputs[2]
    outputs[4] *= 100
    geometry = geometry_of(kind, curvature=0.7)
    vectors = geometry.project(torch.from_numpy(outputs)).numpy()
    np.testing.assert_allclose(projected(outputs, kind, curvature=0.7), vectors, atol=1e-6)
    for part in (vectors, vectors[2:4], vectors[:1]):
        expected = geometry.mean(torch.from_numpy(part)).numpy()
        np.testing.assert_allclose(mean_of(part, kind, curvature=0.7), expected, atol=1e-5)
