"""ONNX files and descriptions that are refused, with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from embedder.config.loading import from_dict
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
from embedder.models.importing import import_model
from embedder.models.kinds.onnx_spec import OnnxSpec, check_spec
from embedder.models.registry import load_model
from tests.embedder.models.onnx_files import (
    WAVEFORM,
    frames_onnx,
    frames_spec,
    linear_onnx,
    spec_file,
    wide_onnx,
)

onnx = pytest.importorskip("onnx")


def test_an_output_with_frames_needs_a_pooling(tmp_path: Path) -> None:
    """The message has the shape and the setting."""
    spec = spec_file(tmp_path, frames_spec('name = "frames"'))
    with pytest.raises(ConfigError, match=r"\[2, 22, 4\].*output\.pooling"):
        import_model(frames_onnx(tmp_path), name="m", spec=spec)


def test_several_outputs_must_be_told_apart(tmp_path: Path) -> None:
    """The message lists the names of the outputs."""
    spec = spec_file(tmp_path, frames_spec('pooling = "mean"'))
    with pytest.raises(UnknownChoice, match="classes, frames"):
        import_model(frames_onnx(tmp_path), name="m", spec=spec)


def test_a_wrong_shape_shows_both(tmp_path: Path) -> None:
    """The message has the given and the required shape, and nothing is stored."""
    spec = spec_file(tmp_path, WAVEFORM)
    with pytest.raises(ConfigError, match=r"\[2, 2000\].*asks for \['n', 1999\]"):
        import_model(linear_onnx(tmp_path, n_in=1999), name="m", spec=spec)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no protobuf", b"\x08\x07" * 50])
def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty files, text, and bytes that look like protobuf."""
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact, match="not an ONNX file"):
        import_model(path, name="m", spec=spec_file(tmp_path, WAVEFORM))


def test_an_onnx_file_needs_its_toml(tmp_path: Path) -> None:
    """The input is not guessed."""
    with pytest.raises(UsageError, match="--spec"):
        import_model(linear_onnx(tmp_path), name="m")


def test_a_pickle_is_not_imported(tmp_path: Path) -> None:
    """The message says what to do instead."""
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(UnsupportedFormat, match="Export the model to ONNX"):
        import_model(tmp_path / "model.pt", name="m")


def test_an_altered_file_or_description_is_refused(tmp_path: Path, models_folder: Path) -> None:
    """The fingerprint covers the ONNX file and its description."""
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
    """An import writes only into the folder of the user's models."""
    with pytest.raises(UsageError, match="a model's name has letters"):
        import_model(linear_onnx(tmp_path), name=name, spec=spec_file(tmp_path, WAVEFORM))


def test_a_name_is_taken_once(tmp_path: Path, models_folder: Path) -> None:
    """Without `replace` the old model stays; with it, the new one replaces it."""
    spec = spec_file(tmp_path, WAVEFORM)
    first = import_model(linear_onnx(tmp_path), name="m", spec=spec)
    with pytest.raises(OutputExists, match="--force"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec)
    other_spec = spec_file(tmp_path, WAVEFORM + "placement = 'start'")
    second = import_model(linear_onnx(tmp_path), name="m", spec=other_spec, replace=True)
    assert load_model("m").fingerprint == second.fingerprint != first.fingerprint
    assert [path.name for path in models_folder.iterdir()] == ["m"]


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
    """Contradictions are named before the ONNX file is opened."""
    with pytest.raises(ConfigError, match=message):
        check_spec(from_dict(OnnxSpec, settings), where="spec.toml")


def test_an_unknown_key_in_the_toml_names_the_nearest(tmp_path: Path) -> None:
    """The message has the nearest key."""
    spec = spec_file(tmp_path, "samplerate = 8000")
    with pytest.raises(ConfigError, match="Did you mean sample_rate"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    """The message says that there is no such file."""
    with pytest.raises(BadInput, match="no such file"):
        import_model(tmp_path / "none.onnx", name="m", spec=spec_file(tmp_path, WAVEFORM))


def test_a_file_that_cannot_be_run_is_named_itself(tmp_path: Path) -> None:
    """The message has the user's path, not that of a temporary copy."""
    path = tmp_path / "text.onnx"
    path.write_text("no graph")
    with pytest.raises(CorruptArtefact) as refused:
        import_model(path, name="m", spec=spec_file(tmp_path, WAVEFORM))
    assert str(refused.value).startswith(f"{path}: ")


def test_an_unknown_recipe_lists_the_known_ones(tmp_path: Path) -> None:
    """The message lists the recipes."""
    with pytest.raises(UnknownChoice, match="discogs-effnet, musicnn, openl3, vggish"):
        import_model(linear_onnx(tmp_path), name="m", spec="vgish")


def test_a_crash_of_the_runtime_ends_in_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An illegal instruction in ONNX Runtime ends only the child process."""
    (tmp_path / "onnxruntime.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = spec_file(tmp_path, WAVEFORM)
    with pytest.raises(ForeignCodeCrashed, match="cannot run it on this processor"):
        import_model(linear_onnx(tmp_path), name="m", spec=spec)


def test_data_outside_the_file_is_refused(tmp_path: Path, models_folder: Path) -> None:
    """A graph with weights in another file is not imported."""
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


@pytest.mark.parametrize(
    ("n_out", "reason"),
    [
        (10**9, "needs more than .* bytes of memory"),
        (70_000, "vectors of 70,000 numbers"),
    ],
)
def test_a_file_that_computes_huge_outputs_is_refused(
    tmp_path: Path, n_out: int, reason: str
) -> None:
    """A small file can ask for any number of outputs: memory and vectors have a bound."""
    path = wide_onnx(tmp_path, n_out=n_out)
    with pytest.raises((BadInput, ConfigError), match=reason):
        import_model(path, name="m", spec=spec_file(tmp_path, WAVEFORM))
