"""Models of soundalike itself, imported from folders and zip files."""

import json
import shutil
from pathlib import Path

import pytest

from embedder.config.model import BackboneConfig, ModelConfig
from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from embedder.models.exporting import export_model
from embedder.models.importing import import_model
from embedder.models.kinds.network import save_model
from embedder.models.registry import user_models_folder
from embedder.networks.network import seeded_network


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model's folder; the user's models are in an empty folder of their own."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    config = ModelConfig(backbone=BackboneConfig(filters=(2,)))
    save_model(tmp_path / "small", seeded_network(config, seed=2))
    return tmp_path / "small"


def test_a_zip_carries_a_model_to_another_machine(model: Path, tmp_path: Path) -> None:
    """Exported and imported under another name, it is the same model."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    card = import_model(archive, name="other")
    assert card.name == "other"
    assert card.fingerprint == json.loads((model / "card.json").read_text())["fingerprint"]


def test_a_zip_of_a_models_folder_is_imported(model: Path, tmp_path: Path) -> None:
    """File managers put the folder itself into the zip, not only its files."""
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, model.name)
    assert import_model(archive, name="other").name == "other"
    files = {path.name for path in (user_models_folder() / "other").iterdir()}
    assert files == {"card.json", "weights.safetensors"}


def test_half_a_zip_is_refused(model: Path, tmp_path: Path) -> None:
    """A download that broke off is named, and nothing is left of it."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(CorruptArtefact, match="not a complete zip"):
        import_model(archive, name="broken")
    assert not list(user_models_folder().iterdir())


def test_a_zip_without_a_model_is_named_itself(tmp_path: Path, model: Path) -> None:
    """The message has the path that the user gave, not that of a temporary copy."""
    (model / "card.json").unlink()
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, model.name)
    with pytest.raises(CorruptArtefact) as refused:
        import_model(archive, name="m")
    assert str(refused.value).startswith(f"{archive}: ")
    assert str(user_models_folder()) not in str(refused.value)


def test_an_altered_model_is_named_itself(model: Path) -> None:
    """So is a folder whose weights do not match its card."""
    weights = model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(FingerprintMismatch) as refused:
        import_model(model, name="m")
    assert str(refused.value).startswith(f"{model}: ")


def test_importing_again_leaves_nothing_of_the_old_model(model: Path) -> None:
    """With `replace`, files that only the old model had are gone."""
    import_model(model, name="m")
    (user_models_folder() / "m" / "head.safetensors").touch()
    import_model(model, name="m", replace=True)
    assert not (user_models_folder() / "m" / "head.safetensors").exists()


@pytest.mark.parametrize("name", ["nosuch.onnx", "nosuch.zip"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """Before any option that the file would need."""
    with pytest.raises(BadInput, match=f"{name}: no such file"):
        import_model(tmp_path / name, name="other")
