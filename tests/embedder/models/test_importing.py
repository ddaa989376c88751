"""Importing soundalike's own models from folders and zip files."""

import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from embedder.config.model import BackboneConfig, ModelConfig
from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from embedder.models import model_files
from embedder.models.exporting import export_model
from embedder.models.importing import import_model
from embedder.models.kinds.network import save_model
from embedder.models.registry import user_models_folder
from embedder.networks.network import seeded_network


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a small model; the folder of the user's models is empty."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    config = ModelConfig(backbone=BackboneConfig(filters=(2,)))
    save_model(tmp_path / "small", seeded_network(config, seed=2))
    return tmp_path / "small"


def test_a_zip_carries_a_model_to_another_machine(model: Path, tmp_path: Path) -> None:
    """Exported and imported under another name, the model has the same fingerprint."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    card = import_model(archive, name="other")
    assert card.name == "other"
    assert card.fingerprint == json.loads((model / "card.json").read_text())["fingerprint"]


def test_a_zip_of_a_models_folder_is_imported(model: Path, tmp_path: Path) -> None:
    """A zip may contain the folder itself, as file managers make it."""
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, model.name)
    assert import_model(archive, name="other").name == "other"
    files = {path.name for path in (user_models_folder() / "other").iterdir()}
    assert files == {"card.json", "weights.safetensors"}


def test_half_a_zip_is_refused(model: Path, tmp_path: Path) -> None:
    """The message names a truncated zip, and nothing of it is kept."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(CorruptArtefact, match="not a complete zip"):
        import_model(archive, name="broken")
    assert not list(user_models_folder().iterdir())


def test_a_zip_without_a_model_is_named_itself(tmp_path: Path, model: Path) -> None:
    """The message has the user's path, not that of a temporary copy."""
    (model / "card.json").unlink()
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, model.name)
    with pytest.raises(CorruptArtefact) as refused:
        import_model(archive, name="m")
    assert str(refused.value).startswith(f"{archive}: ")
    assert str(user_models_folder()) not in str(refused.value)


def test_an_altered_model_is_named_itself(model: Path) -> None:
    """The message names the user's folder if its weights do not match its card."""
    weights = model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(FingerprintMismatch) as refused:
        import_model(model, name="m")
    assert str(refused.value).startswith(f"{model}: ")


def test_importing_again_leaves_nothing_of_the_old_model(model: Path) -> None:
    """With `replace`, files that only the old model had are removed."""
    import_model(model, name="m")
    (user_models_folder() / "m" / "head.safetensors").touch()
    import_model(model, name="m", replace=True)
    assert not (user_models_folder() / "m" / "head.safetensors").exists()


@pytest.mark.parametrize("name", ["nosuch.onnx", "nosuch.zip"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """It is reported before a missing option."""
    with pytest.raises(BadInput, match=f"{name}: no such file"):
        import_model(tmp_path / name, name="other")


def test_only_a_models_own_files_are_copied(model: Path, tmp_path: Path) -> None:
    """Links and other files are not copied by import and export."""
    (tmp_path / "private").write_text("secret")
    (model / "secret").symlink_to(tmp_path / "private")
    (model / "notes.py").write_text("secret")
    (model / "huggingface").mkdir()
    (model / "huggingface" / "modeling.py").write_text("secret")
    import_model(model, name="m")
    export_model(model, tmp_path / "folder")
    (archive,) = export_model(model, tmp_path / "m.zip")
    file_names = {"card.json", "weights.safetensors"}
    for folder in (user_models_folder() / "m", tmp_path / "folder"):
        assert {path.name for path in folder.rglob("*")} == file_names
    assert set(zipfile.ZipFile(archive).namelist()) == file_names


def test_a_linked_weights_file_is_refused(model: Path, tmp_path: Path) -> None:
    """A link with the name of a model's file could lead to any file of this machine."""
    (model / "weights.safetensors").rename(tmp_path / "elsewhere")
    (model / "weights.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="a link"):
        import_model(model, name="m")
    assert not list(user_models_folder().iterdir())


def test_an_archive_gives_only_a_models_own_files(model: Path, tmp_path: Path) -> None:
    """Paths outside the folder and unknown names are not unpacked."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        for name in ("../escaped", "base/../../escaped", "/escaped", "evil.py"):
            opened.writestr(name, "x")
    import_model(archive, name="m")
    assert {path.name for path in (user_models_folder() / "m").rglob("*")} == {
        "card.json",
        "weights.safetensors",
    }
    assert not list(tmp_path.rglob("escaped"))


def test_a_link_in_an_archive_is_refused(model: Path, tmp_path: Path) -> None:
    """A link with the name of a model's file is refused."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    link = zipfile.ZipInfo("learnt.bin")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(CorruptArtefact, match=r"learnt\.bin is a link"):
        import_model(archive, name="m")


def test_a_model_has_a_bound_on_its_size(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Larger folders and archives are refused before anything is copied."""
    (archive,) = export_model(model, tmp_path / "small.zip")
    monkeypatch.setattr(model_files, "MAX_BYTES", 100)
    with pytest.raises(BadInput, match="larger than"):
        import_model(model, name="m")
    with pytest.raises(CorruptArtefact, match="larger than"):
        import_model(archive, name="m")


def test_an_archive_that_explodes_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries a thousand times as large as the archive are refused before any is unpacked."""
    monkeypatch.setattr(model_files, "SMALL_BYTES", 10**5)
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(model / "card.json", "card.json")
        opened.writestr("weights.safetensors", bytes(2 * 10**6))
    with pytest.raises(CorruptArtefact, match="times as large as the archive"):
        import_model(archive, name="m")
    assert not list(user_models_folder().iterdir())


def test_an_entry_larger_than_it_declares_is_refused(model: Path, tmp_path: Path) -> None:
    """The declared size bounds what is unpacked, whatever the data hold."""
    archive = tmp_path / "liar.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(model / "card.json", "card.json")
        opened.writestr("weights.safetensors", bytes(10**6))
    size = (10**6).to_bytes(4, "little")
    archive.write_bytes(archive.read_bytes().replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(CorruptArtefact, match="not a complete zip"):
        import_model(archive, name="m")


@pytest.mark.parametrize(
    "card",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"null",
        b'{"format": "1"}',
        b'{"format": 1, "name": 3, "fingerprint": [], "config": "x"}',
        b'{"format": 1, "name": "a", "fingerprint": "b", "config": {"front_end": 5}}',
    ],
    ids=["deep-list", "deep-object", "null", "format", "types", "config"],
)
def test_a_damaged_card_is_a_corrupt_artefact(model: Path, card: bytes) -> None:
    """Deep nesting and wrong types are reported as damage."""
    (model / "card.json").write_bytes(card)
    with pytest.raises(CorruptArtefact, match=r"card\.json"):
        import_model(model, name="m")


@pytest.mark.parametrize("position", [0.1, 0.5, 0.99])
def test_a_flipped_byte_in_the_weights_is_noticed(model: Path, position: float) -> None:
    """Any flipped bit is refused: by the fingerprint or by the file format."""
    weights = model / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[int(position * len(data))] ^= 1
    weights.write_bytes(data)
    with pytest.raises((CorruptArtefact, FingerprintMismatch), match="again"):
        import_model(model, name="m")
