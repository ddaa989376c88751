"""ONNX files as encoders, with tiny graphs made here: layouts, fixed batches, outputs, exports."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from embedder.config.loading import from_dict, read_toml
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import (
    BadInput,
    ConfigError,
    CorruptArtefact,
    FingerprintMismatch,
    ForeignCodeCrashed,
    OutputExists,
    UnknownChoice,
    UnsupportedFormat,
    UsageError,
)
from embedder.features.building import build_front_end
from embedder.models.exporting import export_model
from embedder.models.importing import find_recipe, import_model
from embedder.models.kinds.foreign_mel import MelFrontEnd
from embedder.models.kinds.network import save_model
from embedder.models.kinds.onnx_file import arrange, front_end_of
from embedder.models.kinds.onnx_spec import MelSetUp, OnnxSpec, check_spec
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

Shape = Sequence[int | str]
WAVEFORM = """
sample_rate = 8000
licence = "CC0"
[excerpts]
excerpt_seconds = 0.25
"""


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def write_onnx(
    path: Path, nodes: list[Any], *, given: Shape, outputs: dict[str, Shape], **constants: Any
) -> Path:
    """An ONNX file with one input `x` and some outputs."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))
    return path


def weights(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def linear_onnx(folder: Path, *, n_in: int = 2000, batch: int | str = "n") -> Path:
    """X [batch, n_in] times a matrix: 4 features."""
    from onnx import helper

    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return write_onnx(
        folder / "linear.onnx",
        [node],
        given=[batch, n_in],
        outputs={"y": [batch, 4]},
        w=weights(n_in, 4),
    )


def frames_onnx(folder: Path) -> Path:
    """X [batch, columns, 6] to frames [batch, columns, 4], and to classes [batch, columns, 2]."""
    from onnx import helper

    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["frames"]),
        helper.make_node("MatMul", ["frames", "v"], ["classes"]),
    ]
    return write_onnx(
        folder / "frames.onnx",
        nodes,
        given=["n", "t", 6],
        outputs={"frames": ["n", "t", 4], "classes": ["n", "t", 2]},
        w=weights(6, 4),
        v=weights(4, 2),
    )


def spec_file(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def noise(n: int = 3, samples: int = 2000) -> Tensor:
    return 0.1 * torch.randn(n, samples, generator=torch.Generator().manual_seed(1))


def frames_spec(output: str = 'name = "frames"\npooling = "mean"') -> str:
    mel = "n_bins = 6\nfft_size = 256\nhop_samples = 80"
    layout = 'layout = ["batch", "columns", "rows"]'
    return f"{WAVEFORM}\n[input]\n{layout}\n[input.mel]\n{mel}\n[output]\n{output}\n"


def test_a_waveform_model_gives_what_its_graph_computes(tmp_path: Path) -> None:
    """The vector is the graph's output at unit length, and the card says what it is."""
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
    """Excerpts are cut into batches and filled up; the fill never shows."""
    spec = spec_file(tmp_path, WAVEFORM)
    import_model(linear_onnx(tmp_path), name="free", spec=spec)
    import_model(linear_onnx(tmp_path, batch=batch), name="fixed", spec=spec)
    free, fixed = load_model("free"), load_model("fixed")
    features = free.front_end(noise(5), 8000)
    assert torch.allclose(fixed.network(features), free.network(features), atol=1e-5)


def test_frames_are_pooled_over_time(tmp_path: Path) -> None:
    """A network that gives a vector a frame is averaged over frames."""
    import_model(frames_onnx(tmp_path), name="m", spec=spec_file(tmp_path, frames_spec()))
    model = load_model("m")
    mel = model.front_end(noise(), 8000)
    assert mel.shape[:2] == (3, 6)
    expected = mel.mean(dim=2).numpy() @ weights(6, 4)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(model.network(mel).numpy(), expected, atol=1e-4)


def test_an_output_with_frames_needs_a_pooling(tmp_path: Path) -> None:
    """Without one, the message shows the shape and the setting."""
    spec = spec_file(tmp_path, frames_spec('name = "frames"'))
    with pytest.raises(ConfigError, match=r"\[2, 22, 4\].*output\.pooling"):
        import_model(frames_onnx(tmp_path), name="m", spec=spec)


def test_several_outputs_must_be_told_apart(tmp_path: Path) -> None:
    """The file's own names are listed."""
    spec = spec_file(tmp_path, frames_spec('pooling = "mean"'))
    with pytest.raises(UnknownChoice, match="classes, frames"):
        import_model(frames_onnx(tmp_path), name="m", spec=spec)


def test_a_wrong_shape_shows_both(tmp_path: Path) -> None:
    """What was given and what the file asks for stand in one message; nothing is kept."""
    spec = spec_file(tmp_path, WAVEFORM)
    with pytest.raises(ConfigError, match=r"\[2, 2000\].*asks for \['n', 1999\]"):
        import_model(linear_onnx(tmp_path, n_in=1999), name="m", spec=spec)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no protobuf", b"\x08\x07" * 50])
def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, text, or bytes that only look like a message."""
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact, match="not an ONNX file"):
        import_model(path, name="m", spec=spec_file(tmp_path, WAVEFORM))


def test_an_onnx_file_needs_its_toml(tmp_path: Path) -> None:
    """Nothing is guessed about what goes in."""
    with pytest.raises(UsageError, match="--spec"):
        import_model(linear_onnx(tmp_path), name="m")


def test_a_pickle_is_not_imported(tmp_path: Path) -> None:
    """The refusal says what to do instead."""
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(UnsupportedFormat, match="Export the model to ONNX"):
        import_model(tmp_path / "model.pt", name="m")


def test_an_altered_file_or_description_is_refused(tmp_path: Path, models_folder: Path) -> None:
    """Imported models have a fingerprint as ours have."""
    import_model(linear_onnx(tmp_path), name="m", spec=spec_file(tmp_path, WAVEFORM))
    card = models_folder / "m" / "card.json"
    before = card.read_text()
    content = json.loads(before)
    content["source"]["output"]["pooling"] = "max"
    card.write_text(json.dumps(content))
    with pytest.raises(FingerprintMismatch, match="import the model again"):
        load_model("m")
    card.write_text(before)
    path = models_folder / "m" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(FingerprintMismatch, match="import the model again"):
        load_model("m")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "-x", "a b"])
def test_names_that_are_paths_are_refused(tmp_path: Path, name: str) -> None:
    """An import writes only among the user's models."""
    with pytest.raises(UsageError, match="a model's name has letters"):
        import_model(linear_onnx(tmp_path), name=name, spec=spec_file(tmp_path, WAVEFORM))


def test_a_name_is_taken_once(tmp_path: Path, models_folder: Path) -> None:
    """Without `replace` a model stays; with it, the new one takes its place."""
    spec = spec_file(tmp_path, WAVEFORM)
    first = import_model(linear_onnx(tmp_path), name="m", spec=spec)
    with pytest.raises(OutputExists, match="--force"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec)
    other = spec_file(tmp_path, WAVEFORM + "placement = 'start'")
    second = import_model(linear_onnx(tmp_path), name="m", spec=other, replace=True)
    assert load_model("m").fingerprint == second.fingerprint != first.fingerprint
    assert [path.name for path in models_folder.iterdir()] == ["m"]


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
    """Each value is found again at its row and column."""
    features = torch.arange(30.0).reshape(2, 3, 5)
    arranged = arrange(features, layout)
    assert tuple(arranged.shape) == shape
    back = arranged.squeeze() if "1" in layout else arranged
    back = back.transpose(1, 2) if layout.index("columns") < layout.index("rows") else back
    assert torch.equal(back, features)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "sample_rate is missing"),
        ({"sample_rate": 8000, "input": {"layout": ["batch"]}}, "name columns"),
        ({"sample_rate": 8000, "input": {"mel": {}}}, "a spectrogram needs rows"),
        ({"sample_rate": 8000, "input": {"layout": ["rows", "columns"]}}, "has no rows"),
        ({"sample_rate": 8000, "input": {"mel": {}, "front_end": {}}}, "not both"),
    ],
)
def test_a_toml_that_cannot_be_followed_is_refused(settings: dict[str, Any], message: str) -> None:
    """Each contradiction is named before the file is opened."""
    with pytest.raises(ConfigError, match=message):
        check_spec(from_dict(OnnxSpec, settings), where="spec.toml")


def test_an_unknown_key_in_the_toml_names_the_nearest(tmp_path: Path) -> None:
    """A slip of the pen is answered with the right word."""
    spec = spec_file(tmp_path, "samplerate = 8000")
    with pytest.raises(ConfigError, match="Did you mean sample_rate"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec)


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
    ours = MelFrontEnd(set_up, sample_rate=16000)(samples, 16000)[0].numpy()
    assert np.allclose(ours, np.log10(1 + 10000 * mel), atol=2e-4)


@pytest.mark.parametrize(("samples", "columns"), [(100, 96), (8000, 96), (80000, 96)])
def test_mel_columns_are_as_many_as_the_network_takes(samples: int, columns: int) -> None:
    """Short audio is filled up, long audio cut off."""
    front_end = MelFrontEnd(MelSetUp(n_columns=96), sample_rate=16000)
    mel = front_end(noise(2, samples), 16000)
    assert mel.shape == (2, 64, columns)
    assert torch.isfinite(mel).all()


@pytest.mark.parametrize("kind", ["plain-cnn", "short-chunk", "waveform-cnn"])
def test_an_exported_network_comes_back_the_same(tmp_path: Path, kind: str) -> None:
    """Export to ONNX with its TOML, import both: the vectors agree, for any batch and length."""
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
    ours, back = load_model(tmp_path / "ours"), load_model("back")
    for waveform in (noise(3, 4000), noise(1, 7001)):
        expected = ours.network(ours.front_end(waveform, 8000))
        vectors = back.network(back.front_end(waveform, 8000))
        assert torch.allclose(vectors, expected, atol=1e-4)
    assert back.config.excerpts == config.excerpts
    again = export_model("back", tmp_path / "again.onnx")
    assert again[0].read_bytes() == onnx_file.read_bytes()


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    """No file, no folder, no id that is here."""
    with pytest.raises(BadInput, match="no such file"):
        import_model(tmp_path / "none.onnx", name="m", spec=spec_file(tmp_path, WAVEFORM))


def test_a_file_that_cannot_be_run_is_named_itself(tmp_path: Path) -> None:
    """The message has the path that the user gave, not that of a temporary copy."""
    path = tmp_path / "text.onnx"
    path.write_text("no graph")
    with pytest.raises(CorruptArtefact) as refused:
        import_model(path, name="m", spec=spec_file(tmp_path, WAVEFORM))
    assert str(refused.value).startswith(f"{path}: ")


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
    """An excerpt of the recipe's length becomes a tensor of the published shape, without fill."""
    spec = from_dict(OnnxSpec, read_toml(find_recipe(recipe)))
    check_spec(spec, where=recipe)
    samples = noise(1, round(spec.sample_rate * spec.excerpts.excerpt_seconds))
    features = front_end_of(spec)(samples, spec.sample_rate)
    assert tuple(arrange(features, spec.input.layout).shape) == shape
    assert (features[..., -1] != features[..., -2]).any()


def test_short_windows_start_where_others_start_them() -> None:
    """VGGish's frames, by a slow loop: 400 samples, windowed, filled up to 512."""
    set_up = MelSetUp(window_samples=400, magnitude_power=1.0, compression="none", offset=0.0)
    samples = noise(1, 1200)
    front_end = MelFrontEnd(set_up, sample_rate=16000)
    window = np.hanning(401)[:400]
    frames = [samples[0, s : s + 400].numpy() * window for s in range(0, 1200 - 399, 160)]
    magnitudes = np.abs(np.fft.rfft(np.stack(frames), n=512)).T
    bands = front_end.mel.mel_scale.fb.numpy().T
    assert np.allclose(front_end(samples, 16000)[0].numpy(), bands @ magnitudes, atol=1e-4)


def test_an_unknown_recipe_lists_the_known_ones(tmp_path: Path) -> None:
    """What is neither a recipe nor a file is answered with the recipes."""
    with pytest.raises(UnknownChoice, match="discogs-effnet, musicnn, openl3, vggish"):
        import_model(linear_onnx(tmp_path), name="m", spec="vgish")


def test_a_crash_of_the_runtime_ends_in_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An illegal instruction in ONNX Runtime ends a child, and not this process."""
    (tmp_path / "onnxruntime.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = spec_file(tmp_path, WAVEFORM)
    with pytest.raises(ForeignCodeCrashed, match="cannot run it on this processor"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec)


def test_data_outside_the_file_is_refused(tmp_path: Path, models_folder: Path) -> None:
    """A graph whose weights stand in another file, wherever that is, is not imported."""
    path = linear_onnx(tmp_path)
    (tmp_path / "folder").mkdir()
    model = onnx.load(str(path))
    onnx.save(
        model,
        str(tmp_path / "folder" / "m.onnx"),
        save_as_external_data=True,
        location="data.bin",
        size_threshold=0,
    )
    moved = onnx.load(str(tmp_path / "folder" / "m.onnx"), load_external_data=False)
    for location in ("data.bin", "../../folder/data.bin", str(tmp_path / "folder" / "data.bin")):
        moved.graph.initializer[0].external_data[0].value = location
        path.write_bytes(moved.SerializeToString())
        with pytest.raises(CorruptArtefact, match="not an ONNX file that can be run"):
            import_model(path, name="m", spec=spec_file(tmp_path, WAVEFORM))
    assert not list(models_folder.iterdir())


@pytest.mark.parametrize("name", ["fft_size", "n_bins", "n_columns"])
def test_a_description_of_a_billion_rows_is_refused(tmp_path: Path, name: str) -> None:
    """Sizes are checked before anything is allocated."""
    text = (
        f'{WAVEFORM}\n[input]\nlayout = ["batch", "rows", "columns"]\n[input.mel]\n{name} = {10**9}'
    )
    with pytest.raises(ConfigError, match=f"{name} = 1000000000: at most"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec_file(tmp_path, text))
