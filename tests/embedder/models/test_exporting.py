"""Exporting models as folders and files: written whole, and never over other files."""

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.errors import MissingExtra, OutputExists, UsageError
from embedder.models.exporting import export_model, onnx_bytes
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    config = ModelConfig(backbone=BackboneConfig(filters=(2,)))
    save_model(tmp_path / "small", seeded_network(config, seed=2))
    return tmp_path / "small"


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_exported_folder_is_the_model(model: Path, tmp_path: Path) -> None:
    """The copy loads and has the same fingerprint."""
    export_model(model, tmp_path / "deep" / "copy")
    assert load_model(tmp_path / "deep" / "copy").fingerprint == load_model(model).fingerprint


def test_replacing_a_model_leaves_nothing_of_the_old_one(model: Path, tmp_path: Path) -> None:
    """Files that only the old model had are removed."""
    export_model(model, tmp_path / "copy")
    (tmp_path / "copy" / "learnt.bin").write_bytes(b"of the old model")
    (tmp_path / "copy" / "base").mkdir()
    export_model(model, tmp_path / "copy", replace=True)
    assert files_of(tmp_path / "copy") == files_of(model)


def test_a_folder_of_other_files_is_never_replaced(model: Path, tmp_path: Path) -> None:
    """It is refused even with `replace`."""
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.flac").touch()
    with pytest.raises(UsageError, match="music holds no model"):
        export_model(model, tmp_path / "music", replace=True)
    assert files_of(tmp_path / "music") == {"song.flac"}


def test_a_model_is_not_exported_into_itself(model: Path) -> None:
    """A folder inside the model is refused."""
    with pytest.raises(UsageError, match="inside the model"):
        export_model(model, model / "copy")


@pytest.mark.parametrize("existing", ["small.onnx", "small.toml", "small.zip", "copy"])
def test_an_export_does_not_overwrite_unasked(model: Path, tmp_path: Path, existing: str) -> None:
    """An existing file or model is refused, and so is the TOML file of an ONNX file."""
    name = "small.onnx" if existing == "small.toml" else existing
    if existing == "copy":
        export_model(model, tmp_path / "copy")
    else:
        (tmp_path / existing).touch()
    with pytest.raises(OutputExists, match=re.escape(existing)):
        export_model(model, tmp_path / name)


def test_the_missing_extra_has_the_package_that_is_missing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `onnx`, the message names an extra that contains it."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra) as refused:
        export_model(model, tmp_path / "small.onnx")
    extra = re.search(r"\[(\w+)\]", str(refused.value))
    assert extra
    packages = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    assert "onnx" in [re.split(r"\W", package)[0] for package in packages[extra[1]]]


def test_exported_moments_take_any_number_of_excerpts(tmp_path: Path) -> None:
    """The number of excerpts of the example that is traced is not a part of the file."""
    config = ModelConfig(
        front_end=FrontEndConfig(n_bins=12, fft_size=512, sample_rate=8000),
        backbone=BackboneConfig(kind="moments", filters=(4, 3, 6, 5)),
        embedding_size=4,
    )
    network = seeded_network(config, seed=0).eval()
    data = onnx_bytes(network, normalisation=nn.Identity())
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    levels = np.random.default_rng(0).random((3, 12, 20), dtype=np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(levels)).numpy()
    (vectors,) = session.run(None, {"spectrogram": levels})
    assert np.allclose(vectors, expected, atol=1e-5)
