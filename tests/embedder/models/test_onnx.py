"""ONNX files as encoders: layouts, fixed batches, pooled frames, mel front ends, exports."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from embedder.config.loading import from_dict, read_toml
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import UnknownChoice
from embedder.features.building import build_front_end
from embedder.models.exporting import export_model
from embedder.models.importing import find_recipe, import_model
from embedder.models.kinds.foreign_mel import MelFrontEnd
from embedder.models.kinds.network import save_model
from embedder.models.kinds.onnx_arrays import arrange
from embedder.models.kinds.onnx_file import front_end_of
from embedder.models.kinds.onnx_spec import MelSetUp, OnnxSpec, check_spec
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network
from tests.embedder.models.onnx_files import (
    WAVEFORM,
    frames_onnx,
    frames_spec,
    linear_onnx,
    noise,
    spec_file,
    weights,
)


def test_a_waveform_model_gives_what_its_graph_computes(tmp_path: Path) -> None:
    """The vector is the graph's output at unit length, and the card describes the model."""
    card = import_model(linear_onnx(tmp_path), name="linear", spec=spec_file(tmp_path, WAVEFORM))
    model = load_model("linear")
    expected = noise().numpy() @ weights(2000, 4)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    vectors = model.network(model.front_end(noise(), 8000)).numpy()
    assert np.allclose(vectors, expected, atol=1e-5)
    assert (card.kind, card.licence, card.config.embedding_size) == ("onnx", "CC0", 4)
    assert (model.sample_rate, model.runs_on_devices) == (8000, False)


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_a_file_with_a_fixed_batch_takes_any_number(tmp_path: Path, batch: int) -> None:
    """Excerpts are batched and padded; the padding does not appear in the result."""
    spec = spec_file(tmp_path, WAVEFORM)
    import_model(linear_onnx(tmp_path), name="free", spec=spec)
    import_model(linear_onnx(tmp_path, batch=batch), name="fixed", spec=spec)
    free, fixed = load_model("free"), load_model("fixed")
    features = free.front_end(noise(5), 8000)
    assert torch.allclose(fixed.network(features), free.network(features), atol=1e-5)


def test_frames_are_pooled_over_time(tmp_path: Path) -> None:
    """The vectors of frames are averaged."""
    import_model(frames_onnx(tmp_path), name="m", spec=spec_file(tmp_path, frames_spec()))
    model = load_model("m")
    mel = model.front_end(noise(), 8000)
    assert mel.shape[:2] == (3, 6)
    expected = mel.mean(dim=2).numpy() @ weights(6, 4)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(model.network(mel).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (("batch", "rows", "columns"), (2, 3, 5)),
        (("batch", "columns", "rows"), (2, 5, 3)),
        (("batch", "1", "columns", "rows"), (2, 1, 5, 3)),
        (("batch", "rows", "columns", "1"), (2, 3, 5, 1)),
        (("rows", "columns"), (2, 3, 5)),
    ],
)
def test_axes_stand_where_the_layout_says(layout: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """Each value is at its row and column in the new layout."""
    features = np.arange(30, dtype=np.float32).reshape(2, 3, 5)
    arranged = arrange(features, layout)
    assert tuple(arranged.shape) == shape
    back = arranged.squeeze() if "1" in layout else arranged
    back = back.swapaxes(1, 2) if layout.index("columns") < layout.index("rows") else back
    assert np.array_equal(back, features)


def test_mel_values_agree_with_librosa() -> None:
    """MusiCNN's set-up: slaney bands of unit area, power, log10(1 + 10000 mel)."""
    librosa = pytest.importorskip("librosa")
    set_up = MelSetUp(
        fft_size=512, hop_samples=256, n_bins=96, norm="slaney", multiplier=10000.0, offset=1.0
    )
    samples = noise(1, 16000)
    mel = librosa.feature.melspectrogram(
        y=samples[0].numpy(), sr=16000, n_fft=512, hop_length=256, n_mels=96, center=False
    )
    levels = MelFrontEnd(set_up, sample_rate=16000)(samples, 16000)[0].numpy()
    assert np.allclose(levels, np.log10(1 + 10000 * mel), atol=2e-4)


@pytest.mark.parametrize(("samples", "columns"), [(100, 96), (8000, 96), (80000, 96)])
def test_mel_columns_are_as_many_as_the_network_takes(samples: int, columns: int) -> None:
    """Short audio is padded, and long audio is cut off."""
    front_end = MelFrontEnd(MelSetUp(n_columns=96), sample_rate=16000)
    mel = front_end(noise(2, samples), 16000)
    assert mel.shape == (2, 64, columns)
    assert torch.isfinite(mel).all()


@pytest.mark.parametrize("kind", ["plain-cnn", "short-chunk", "crnn", "waveform-cnn"])
def test_an_exported_network_comes_back_the_same(tmp_path: Path, kind: str) -> None:
    """After export and import, vectors agree for any batch and length."""
    front_end = FrontEndConfig(
        kind="waveform" if kind == "waveform-cnn" else "log-mel",
        sample_rate=8000,
        fft_size=256,
        hop_samples=128,
        n_bins=16,
        normalisation="running",
    )
    config = ModelConfig(
        excerpts=ExcerptConfig(excerpt_seconds=0.5),
        front_end=front_end,
        backbone=BackboneConfig(kind=kind, filters=(4, 6)),  # type: ignore[arg-type]  # parametrized
        embedding_size=5,
    )
    learnt = build_front_end(front_end).train()
    learnt(noise(), 8000)
    save_model(tmp_path / "ours", seeded_network(config, seed=2), front_end=learnt)
    onnx_file, toml = export_model(tmp_path / "ours", tmp_path / "ours.onnx")
    import_model(onnx_file, name="back", spec=toml)
    trained, back = load_model(tmp_path / "ours"), load_model("back")
    for waveform in (noise(3, 4000), noise(1, 7001)):
        expected = trained.network(trained.front_end(waveform, 8000))
        vectors = back.network(back.front_end(waveform, 8000))
        assert torch.allclose(vectors, expected, atol=1e-4)
    assert back.config.excerpts == config.excerpts
    again = export_model("back", tmp_path / "again.onnx")
    assert again[0].read_bytes() == onnx_file.read_bytes()


@pytest.mark.parametrize(
    ("recipe", "shape"),
    [
        ("vggish", (1, 1, 96, 64)),
        ("musicnn", (1, 187, 96)),
        ("discogs-effnet", (1, 128, 96)),
        ("openl3", (1, 1, 48000)),
    ],
)
def test_a_recipe_makes_what_its_network_takes(recipe: str, shape: tuple[int, ...]) -> None:
    """An excerpt of the recipe's length becomes a tensor of the published shape, unpadded."""
    spec = from_dict(OnnxSpec, read_toml(find_recipe(recipe)))
    check_spec(spec, where=recipe)
    samples = noise(1, round(spec.sample_rate * spec.excerpts.excerpt_seconds))
    features = front_end_of(spec)(samples, spec.sample_rate)
    assert arrange(features.numpy(), spec.input.layout).shape == shape
    assert (features[..., -1] != features[..., -2]).any()


def test_short_windows_start_where_others_start_them() -> None:
    """VGGish's frames equal a loop: 400 samples, windowed, padded to 512."""
    set_up = MelSetUp(window_samples=400, magnitude_power=1.0, compression="none", offset=0.0)
    samples = noise(1, 1200)
    front_end = MelFrontEnd(set_up, sample_rate=16000)
    window = np.hanning(401)[:400]
    frames = [samples[0, s : s + 400].numpy() * window for s in range(0, 1200 - 399, 160)]
    magnitudes = np.abs(np.fft.rfft(np.stack(frames), n=512)).T
    bands = front_end.mel.mel_scale.fb.numpy().T
    assert np.allclose(front_end(samples, 16000)[0].numpy(), bands @ magnitudes, atol=1e-4)


def musicnn_export(folder: Path, names: tuple[str, ...]) -> Path:
    """An export as MusiCNN's are: patches [batch, 187, 96] in, several outputs out."""
    generator = np.random.default_rng(4)
    nodes, outputs, initializers = [], [], []
    nodes.append(onnx.helper.make_node("ReduceMean", ["patch", "axes"], ["mean"], keepdims=0))
    initializers.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"))
    for size, name in enumerate(names, start=4):
        weight = generator.normal(size=(96, size)).astype(np.float32)
        initializers.append(numpy_helper.from_array(weight, f"weight{size}"))
        nodes.append(onnx.helper.make_node("MatMul", ["mean", f"weight{size}"], [name]))
        outputs.append(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", size])
        )
    patch = onnx.helper.make_tensor_value_info("patch", onnx.TensorProto.FLOAT, ["n", 187, 96])
    graph = onnx.helper.make_graph(nodes, "export", [patch], outputs, initializers)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 9
    path = folder / "musicnn-export.onnx"
    onnx.save(model, str(path))
    return path


def test_a_recipe_fits_an_export_of_several_outputs(tmp_path: Path) -> None:
    """The layer below the tags is the vector, without a TOML file of one's own."""
    export = musicnn_export(tmp_path, ("model/Sigmoid", "model/dense/BiasAdd"))
    assert import_model(export, name="m", spec="musicnn").config.embedding_size == 5
    vectors = load_model("m")
    waveform = torch.randn(2, 48_128, generator=torch.Generator().manual_seed(0))
    assert vectors.network(vectors.front_end(waveform, 16_000)).shape == (2, 5)


def test_an_output_can_be_named(tmp_path: Path) -> None:
    """If the recipe knows none of the outputs, the message lists them; one is then chosen."""
    export = musicnn_export(tmp_path, ("activations", "layer"))
    with pytest.raises(UnknownChoice, match=r"musicnn-export\.onnx.*activations, layer") as refused:
        import_model(export, name="m", spec="musicnn")
    assert str(export) in str(refused.value)
    card = import_model(export, name="m", spec="musicnn", output="layer")
    assert card.config.embedding_size == 5


def test_a_folder_of_a_recipes_name_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's folder `musicnn` beside them is no description of an input."""
    (tmp_path / "musicnn").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_recipe("musicnn").name == "musicnn.toml"
