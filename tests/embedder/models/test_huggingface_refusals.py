"""Folders of Hugging Face models that are refused, and code that never runs."""

import contextlib
import json
from pathlib import Path

import pytest

from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from embedder.models import model_files
from embedder.models.importing import import_model
from embedder.models.registry import load_model
from tests.embedder.models.tiny_huggingface import noise, save_tiny, tiny_model
from tests.faults.processes import small_disk

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_another_rate_is_refused(tmp_path: Path) -> None:
    """The extractor cannot resample, so the message has both rates."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    import_model(tmp_path / "w2v", name="m")
    with pytest.raises(BadInput, match="8000 Hz: the model takes 16000 Hz"):
        load_model("m").front_end(noise(), 8000)


def test_an_altered_file_is_refused(tmp_path: Path, models_folder: Path) -> None:
    """The fingerprint covers the extractor's settings too."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    import_model(tmp_path / "w2v", name="m")
    path = models_folder / "m" / "huggingface" / "preprocessor_config.json"
    path.write_text(path.read_text().replace("true", "false"))
    with pytest.raises(FingerprintMismatch, match="import the model again"):
        load_model("m")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    """A folder with only pytorch_model.bin is not opened."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    (tmp_path / "w2v" / "model.safetensors").rename(tmp_path / "w2v" / "pytorch_model.bin")
    with pytest.raises(BadInput, match="safetensors"):
        import_model(tmp_path / "w2v", name="m")


def test_an_id_is_not_fetched_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --download a model that is not stored here is refused, with the option's name."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.socket.connect", _no_network)
    with pytest.raises(BadInput, match="--download"):
        import_model("nobody/no-such-audio-model", name="m")


def _no_network(*_: object) -> None:
    raise AssertionError("the network was used")


def test_a_model_without_an_extractor_is_refused(tmp_path: Path) -> None:
    """A folder without a feature extractor is not an audio model."""
    tiny_model("wav2vec2")[0].save_pretrained(tmp_path / "bare")
    with pytest.raises(BadInput, match="feature extractor"):
        import_model(tmp_path / "bare", name="m")


def test_settings_of_wrong_types_are_refused(tmp_path: Path) -> None:
    """The message names the file and does not show a validator's text."""
    save_tiny(tmp_path / "ast", "ast")
    path = tmp_path / "ast" / "config.json"
    path.write_text(path.read_text().replace('"hidden_size": 16', '"hidden_size": "many"'))
    with pytest.raises(CorruptArtefact, match=r"its config\.json .* does not fit"):
        import_model(tmp_path / "ast", name="m")


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    """Weights that do not fit the configuration are a damaged model, not a bug."""
    save_tiny(tmp_path / "ast", "ast")
    path = tmp_path / "ast" / "config.json"
    path.write_text(path.read_text().replace('"hidden_size": 16', '"hidden_size": 32'))
    with pytest.raises(CorruptArtefact, match="or its weights"):
        import_model(tmp_path / "ast", name="m")


def test_a_models_own_code_never_runs(tmp_path: Path) -> None:
    """Code that `auto_map` names is neither run nor copied."""
    folder, marker = tmp_path / "w2v", tmp_path / "marker"
    save_tiny(folder, "wav2vec2")
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    for kind, auto_map in (
        ("wav2vec2", {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
        ("unknown-kind", {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
    ):
        settings = json.loads((folder / "config.json").read_text())
        settings |= {"auto_map": auto_map, "model_type": kind}
        (folder / "config.json").write_text(json.dumps(settings))
        with contextlib.suppress(BadInput, CorruptArtefact):
            import_model(folder, name="m", replace=True)
        assert not marker.exists()
    assert not list((tmp_path / "models").rglob("*.py"))


@pytest.mark.parametrize("size", ["8k", "20k"])
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    """Whichever file does not fit, the error is the disk's, names the model, and leaves nothing."""
    save_tiny(tmp_path / "files", "ast")
    with small_disk(tmp_path / "disk", size=size) as disk:
        monkeypatch.setenv("SOUNDALIKE_MODELS", str(disk))
        with pytest.raises(OSError, match="No space left") as full:
            import_model(tmp_path / "files", name="m")
        assert str(full.value.filename).startswith(str(disk / "m"))
        assert list(disk.iterdir()) == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_linked_file_is_refused(tmp_path: Path, name: str) -> None:
    """A link in a stranger's folder could lead to any file of this machine."""
    save_tiny(tmp_path / "files", "wav2vec2")
    (tmp_path / "files" / name).rename(tmp_path / name)
    (tmp_path / "files" / name).symlink_to(tmp_path / name)
    with pytest.raises(BadInput, match=f"{name}: a link"):
        import_model(tmp_path / "files", name="m")


def test_the_links_of_a_hugging_face_cache_pass(tmp_path: Path) -> None:
    """Its snapshots consist of links to the blobs beside them."""
    folder = tmp_path / "snapshots" / "main"
    save_tiny(folder, "wav2vec2")
    (tmp_path / "blobs").mkdir()
    for path in list(folder.iterdir()):
        path.rename(tmp_path / "blobs" / path.name)
        path.symlink_to(Path("../../blobs") / path.name)
    assert import_model(folder, name="m").kind == "huggingface"


def test_weights_files_elsewhere_are_refused(tmp_path: Path) -> None:
    """A list of weights files may name only files of its own folder."""
    save_tiny(tmp_path / "files", "wav2vec2")
    shards = {"metadata": {}, "weight_map": {"encoder.weight": "../other.safetensors"}}
    (tmp_path / "files" / "model.safetensors.index.json").write_text(json.dumps(shards))
    with pytest.raises(CorruptArtefact, match="files outside the folder"):
        import_model(tmp_path / "files", name="m")


def test_a_folder_has_a_bound_on_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it, nothing is read."""
    save_tiny(tmp_path / "files", "wav2vec2")
    monkeypatch.setattr(model_files, "MAX_BYTES", 1000)
    with pytest.raises(BadInput, match="larger than"):
        import_model(tmp_path / "files", name="m")
