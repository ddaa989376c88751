"""Damaged, altered and pickled models are refused."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from embedder.errors import (
    CorruptArtefact,
    FingerprintMismatch,
    UnsupportedFormat,
)
from embedder.models.card import read_card
from embedder.models.fingerprint import network_fingerprint, short_fingerprint
from embedder.models.registry import load_model
from tests.embedder.models.saved_models import CONFIG, edit_card


@pytest.mark.parametrize("where", [0.02, 0.5, 0.999])
def test_an_altered_byte_is_noticed(folder: Path, where: float) -> None:
    """A flipped byte in the header or in the weights is refused."""
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0x10
    path.write_bytes(content)
    with pytest.raises((FingerprintMismatch, CorruptArtefact), match=r"model|weights"):
        load_model(folder)


def test_altered_weights_name_both_fingerprints(folder: Path) -> None:
    """The message has the expected and the actual fingerprint."""
    expected = short_fingerprint(read_card(folder).fingerprint)
    tensors = load_file(folder / "weights.safetensors")
    tensors["network.projection.bias"] += 1e-3
    save_file(tensors, folder / "weights.safetensors")
    file_fingerprint = short_fingerprint(network_fingerprint(CONFIG, tensors))
    with pytest.raises(FingerprintMismatch, match=f"{file_fingerprint}, expected {expected}"):
        load_model(folder)


def test_an_altered_setting_is_noticed(folder: Path) -> None:
    """A card with an edited front end does not fit its fingerprint."""
    config = json.loads((folder / "card.json").read_text())["config"]
    config["front_end"]["hop_samples"] = 100
    edit_card(folder, config=config)
    with pytest.raises(FingerprintMismatch, match="copy the model again"):
        load_model(folder)


@pytest.mark.parametrize("change", ["shape", "missing", "extra", "stray"])
def test_tensors_that_do_not_fit_the_settings_are_named(folder: Path, change: str) -> None:
    """They are refused even if the fingerprint on the card fits the file."""
    tensors = load_file(folder / "weights.safetensors")
    bias = tensors.pop("network.projection.bias")
    if change == "shape":
        tensors["network.projection.bias"] = bias[:3].clone()
    elif change != "missing":
        tensors["network.projection.bias"] = bias
        tensors["network.extra" if change == "extra" else "stray"] = torch.ones(1)
    save_file(tensors, folder / "weights.safetensors")
    edit_card(folder, fingerprint=network_fingerprint(CONFIG, tensors))
    named = {
        "shape": r"projection.bias is float32 \[3\].*expects float32 \[5\]",
        "missing": r"projection.bias is absent.*expects float32 \[5\]",
        "extra": r"network.extra is float32 \[1\].*expects absent",
        "stray": "unknown tensor 'stray'",
    }
    with pytest.raises(CorruptArtefact, match=named[change]):
        load_model(folder)


@pytest.mark.parametrize("n_bytes", [0, 4, 100, -1])
def test_truncated_weights_are_refused(folder: Path, n_bytes: int) -> None:
    """From an empty file to one that lacks a byte."""
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(CorruptArtefact, match="truncated or altered"):
        load_model(folder)


def test_missing_weights_are_refused(folder: Path) -> None:
    """A card without weights is not a model."""
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CorruptArtefact, match="No such file"):
        load_model(folder)


def test_a_folder_without_a_card_is_no_model(folder: Path) -> None:
    """The card is written last, so a folder without it is unfinished."""
    (folder / "card.json").unlink()
    with pytest.raises(CorruptArtefact, match=r"no card\.json"):
        load_model(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("\xff", "not JSON"),
        ("[]", "not a card"),
        ("{}", "format None, expected 1"),
        ('{"format": "1"}', "format '1', expected 1"),
        ('{"format": 1, "name": "m"}', "'fingerprint' is missing"),
    ],
)
def test_a_file_that_is_not_a_card_is_refused(folder: Path, text: str, message: str) -> None:
    """Broken JSON, other JSON and missing fields each have a message."""
    (folder / "card.json").write_text(text, encoding="latin-1")
    with pytest.raises(CorruptArtefact, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lisence": "MIT"}, "unknown setting 'lisence'. Did you mean licence"),
        ({"kind": "tensorflow"}, "use network, onnx, huggingface"),
        ({"config": {"backbon": {}}}, "Did you mean backbone"),
        ({"fingerprint": "abc"}, "'abc', expected 64 hex digits"),
        ({"scores": 3}, "give a table"),
    ],
)
def test_a_card_with_wrong_values_is_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    """The message names an unknown key or a value of the wrong type."""
    edit_card(folder, **changes)
    with pytest.raises(CorruptArtefact, match=message):
        load_model(folder)


def test_a_newer_format_asks_for_a_newer_program(folder: Path) -> None:
    """The message has both numbers, and does not mention unknown fields."""
    edit_card(folder, format=2, something_new=True)
    with pytest.raises(UnsupportedFormat, match=r"format 2.*up to 1.*newer soundalike"):
        load_model(folder)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".ckpt"])
def test_a_pickle_is_never_opened(tmp_path: Path, suffix: str) -> None:
    """It is refused unread, and the message has an alternative."""
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(_Trap(tmp_path / "sprung")))
    with pytest.raises(UnsupportedFormat, match=r"never opens one.*ONNX"):
        load_model(path)
    assert not (tmp_path / "sprung").exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return os.mkdir, (self.path,)
