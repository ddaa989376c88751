"""Models on disk: what is saved is what is loaded, and what was touched is refused."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import (
    CorruptArtefact,
    FingerprintMismatch,
    OutputExists,
    UnknownChoice,
    UnsupportedFormat,
)
from embedder.features.building import build_front_end
from embedder.models.card import read_card, with_facts, write_card
from embedder.models.fingerprint import network_fingerprint, short_fingerprint
from embedder.models.kinds.network import save_model
from embedder.models.registry import find_model, list_models, load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network
from embedder.whole_files import write_whole
from tests.golden.tones import chord

CONFIG = ModelConfig(
    excerpts=ExcerptConfig(excerpt_seconds=1.0),
    front_end=FrontEndConfig(sample_rate=8000, fft_size=256, hop_samples=128, n_bins=16),
    backbone=BackboneConfig(filters=(4, 6)),
    embedding_size=5,
)
OTHER_SETTINGS = {
    "excerpts": ModelConfig(excerpts=ExcerptConfig(n_excerpts=3)),
    "front end": ModelConfig(front_end=FrontEndConfig(hop_samples=256)),
    "backbone": ModelConfig(backbone=BackboneConfig(pool=3)),
    "geometry": ModelConfig(geometry="euclidean"),
}


@pytest.fixture
def network() -> EmbeddingNetwork:
    return seeded_network(CONFIG, seed=1)


@pytest.fixture
def folder(tmp_path: Path, network: EmbeddingNetwork) -> Path:
    save_model(tmp_path / "model", network, licence="CC0", scores={"accuracy": 0.5})
    return tmp_path / "model"


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def spectrograms(n: int = 2) -> Tensor:
    return torch.rand(n, 16, 30, generator=torch.Generator().manual_seed(2))


def edit_card(folder: Path, **changes: object) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_loaded_model_gives_the_vectors_of_the_saved_one(
    folder: Path, network: EmbeddingNetwork
) -> None:
    """Weights, statistics and settings all survive."""
    network.train()(spectrograms())  # so that the running statistics are not the initial ones
    save_model(folder, network, replace=True)
    model = load_model(folder)
    vectors, expected = model.network(spectrograms()), network.eval()(spectrograms())
    assert torch.allclose(vectors, expected, atol=1e-6)
    assert isinstance(model.network, EmbeddingNetwork)
    for name, tensor in network.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], tensor)
    assert model.config == CONFIG
    assert (model.kind, model.sample_rate, model.embedding_size) == ("network", 8000, 5)


def test_waveforms_go_in_and_vectors_come_out(folder: Path) -> None:
    """Front end and network fit together as they are loaded."""
    model = load_model(folder)
    waveform = torch.rand(3, 8000, generator=torch.Generator().manual_seed(0))
    assert model.network(model.front_end(waveform, 8000)).shape == (3, 5)


def test_the_front_ends_statistics_are_saved_with_the_weights(tmp_path: Path) -> None:
    """A running normalisation goes on where training left it."""
    config = ModelConfig(
        front_end=FrontEndConfig(
            sample_rate=8000, fft_size=256, hop_samples=128, n_bins=16, normalisation="running"
        ),
        backbone=BackboneConfig(filters=(4,)),
    )
    front_end = build_front_end(config.front_end).train()
    waveform = torch.rand(3, 8000, generator=torch.Generator().manual_seed(0))
    front_end(waveform, 8000)
    save_model(tmp_path / "m", seeded_network(config, seed=0), front_end=front_end)
    loaded = load_model(tmp_path / "m").front_end
    assert torch.equal(loaded(waveform, 8000), front_end.eval()(waveform, 8000))


def test_saving_a_loaded_model_keeps_its_fingerprint(folder: Path, tmp_path: Path) -> None:
    """Back and forth through the disk changes nothing."""
    model = load_model(folder)
    assert isinstance(model.network, EmbeddingNetwork)
    card = save_model(tmp_path / "again", model.network)
    assert card.fingerprint == model.fingerprint


def test_the_memory_order_of_weights_does_not_matter(
    folder: Path, network: EmbeddingNetwork, tmp_path: Path
) -> None:
    """A network trained channels_last has the fingerprint that it has in the usual order."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    card = save_model(tmp_path / "other", network)
    assert card.fingerprint == read_card(folder).fingerprint


def test_loading_draws_no_random_number(folder: Path) -> None:
    """The global generator stands where it stood."""
    state = torch.random.get_rng_state()
    load_model(folder)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_fingerprint_is_the_one_it_always_was() -> None:
    """A known model keeps a known fingerprint: changing this orphans every library."""
    tensors = {
        "network.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "network.half": torch.tensor([0.5, -2.0], dtype=torch.bfloat16),
        "network.steps": torch.tensor(7),
    }
    assert short_fingerprint(network_fingerprint(CONFIG, tensors)) == "8835eecb9971"


@pytest.mark.parametrize("part", OTHER_SETTINGS)
def test_the_fingerprint_covers_every_setting(part: str) -> None:
    """Other excerpts, front end, network or geometry make another model."""
    tensors = {"weight": torch.ones(2)}
    default = network_fingerprint(ModelConfig(), tensors)
    assert network_fingerprint(OTHER_SETTINGS[part], tensors) != default


@pytest.mark.parametrize(
    "tensors",
    [
        {"renamed": torch.ones(2)},
        {"weight": torch.ones(2, 1)},
        {"weight": torch.ones(2, dtype=torch.float64)},
        {"weight": torch.tensor([1.0, 1.0000001])},
        {"weight": torch.ones(2), "more": torch.ones(0)},
    ],
)
def test_the_fingerprint_covers_names_shapes_types_and_values(tensors: dict[str, Tensor]) -> None:
    """Any difference in the tensors is another model."""
    expected = network_fingerprint(CONFIG, {"weight": torch.ones(2)})
    assert network_fingerprint(CONFIG, tensors) != expected


def test_a_whole_number_for_a_fraction_is_the_same_setting() -> None:
    """A card brings 1 back as 1.0, so both have one fingerprint."""
    whole = ModelConfig(excerpts=ExcerptConfig(excerpt_seconds=2))
    fraction = ModelConfig(excerpts=ExcerptConfig(excerpt_seconds=2.0))
    assert network_fingerprint(whole, {}) == network_fingerprint(fraction, {})


def test_facts_do_not_change_the_fingerprint(folder: Path) -> None:
    """A card may be annotated, and the model is still the same."""
    before = load_model(folder).fingerprint
    write_card(folder, with_facts(read_card(folder), {"seed": 4, "loss": [1.0, 0.5]}))
    model = load_model(folder)
    assert model.fingerprint == before
    assert model.card.facts == {"seed": 4, "loss": [1.0, 0.5]}
    assert (model.card.licence, model.card.scores) == ("CC0", {"accuracy": 0.5})


@pytest.mark.parametrize("where", [0.02, 0.5, 0.999])
def test_an_altered_byte_is_noticed(folder: Path, where: float) -> None:
    """In the header or among the numbers, one flipped byte is refused."""
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0x10
    path.write_bytes(content)
    with pytest.raises((FingerprintMismatch, CorruptArtefact), match=r"model|weights"):
        load_model(folder)


def test_altered_weights_name_both_fingerprints(folder: Path) -> None:
    """The message says what was expected and what is there."""
    expected = short_fingerprint(read_card(folder).fingerprint)
    tensors = load_file(folder / "weights.safetensors")
    tensors["network.projection.bias"] += 1e-3
    save_file(tensors, folder / "weights.safetensors")
    found = short_fingerprint(network_fingerprint(CONFIG, tensors))
    with pytest.raises(FingerprintMismatch, match=f"{found}, expected {expected}"):
        load_model(folder)


def test_an_altered_setting_is_noticed(folder: Path) -> None:
    """A card whose front end was edited no longer fits its fingerprint."""
    config = json.loads((folder / "card.json").read_text())["config"]
    config["front_end"]["hop_samples"] = 100
    edit_card(folder, config=config)
    with pytest.raises(FingerprintMismatch, match="copy the model again"):
        load_model(folder)


@pytest.mark.parametrize("change", ["shape", "missing", "extra", "stray"])
def test_tensors_that_do_not_fit_the_settings_are_named(folder: Path, change: str) -> None:
    """Even where somebody has worked the fingerprint out anew."""
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


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_weights_are_refused(folder: Path, kept: int) -> None:
    """From nothing at all to all but one byte."""
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptArtefact, match="truncated or altered"):
        load_model(folder)


def test_missing_weights_are_refused(folder: Path) -> None:
    """A card alone is no model."""
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CorruptArtefact, match="No such file"):
        load_model(folder)


def test_a_folder_without_a_card_is_no_model(folder: Path) -> None:
    """Since the card is written last, its absence means an unfinished model."""
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
def test_a_card_that_is_none_is_refused(folder: Path, text: str, message: str) -> None:
    """Broken JSON, other JSON, and a card with parts missing each say so."""
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
    """Both numbers stand in the message, and unknown keys are not complained of."""
    edit_card(folder, format=2, something_new=True)
    with pytest.raises(UnsupportedFormat, match=r"format 2.*up to 1.*newer soundalike"):
        load_model(folder)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".ckpt"])
def test_a_pickle_is_never_opened(tmp_path: Path, suffix: str) -> None:
    """Whatever it holds, it is refused unread, with what to do instead."""
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


def test_a_model_is_not_replaced_unasked(folder: Path, network: EmbeddingNetwork) -> None:
    """Without `replace`, what is there stays."""
    before = (folder / "card.json").read_bytes()
    with pytest.raises(OutputExists, match="--force"):
        save_model(folder, seeded_network(CONFIG, seed=9))
    assert (folder / "card.json").read_bytes() == before


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """Nothing half-written, and no temporary file, stays behind."""
    target = tmp_path / "card.json"
    write_whole(target, b"old")
    target.with_name("folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(target.with_name("folder"), b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "folder"]
    assert target.read_bytes() == b"old"


def test_files_are_readable_to_those_whom_the_umask_allows(tmp_path: Path) -> None:
    """A model may be shared, although temporary files are private."""
    write_whole(tmp_path / "file", b"")
    (tmp_path / "usual").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_name_stands_for_a_folder_among_the_users_models(
    models_folder: Path, network: EmbeddingNetwork
) -> None:
    """Models are found by name, and listed with their cards."""
    save_model(models_folder / "mine", network)
    assert find_model("mine") == models_folder / "mine"
    assert load_model("mine").name == "mine"
    assert "mine" in [listed.name for listed in list_models()]


def test_an_unknown_name_is_answered_with_the_known_ones(
    models_folder: Path, network: EmbeddingNetwork
) -> None:
    """A misspelt name gets the nearest."""
    save_model(models_folder / "jazzy", network)
    with pytest.raises(UnknownChoice, match="Did you mean jazzy"):
        load_model("jazy")


def test_a_broken_model_is_listed_with_its_problem(
    models_folder: Path, network: EmbeddingNetwork
) -> None:
    """One bad card does not hide the others."""
    save_model(models_folder / "good", network)
    save_model(models_folder / "bad", network)
    (models_folder / "bad" / "card.json").write_text("{")
    listed = {model.name: model for model in list_models()}
    assert listed["good"].card is not None
    assert listed["bad"].card is None
    assert "not JSON" in listed["bad"].problem


def test_a_model_of_format_1_loads_forever() -> None:
    """What was once written still loads, passes its checks and gives the same vector."""
    folder = Path(__file__).parents[2] / "golden" / "model-format-1"
    model = load_model(folder)
    vector = model.network(model.front_end(chord(), 8000))[0].tolist()
    assert vector == pytest.approx(json.loads((folder / "expected.json").read_text()), abs=1e-4)
