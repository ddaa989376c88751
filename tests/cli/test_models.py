"""`soundalike models`: list, show, import and export, as a person and as a script."""

import json
from pathlib import Path

import pytest

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.conftest import RunCli
from tests.embedder.tagged_models import TAGS, some_head

CONFIG = ModelConfig(
    excerpts=ExcerptConfig(excerpt_seconds=1.0),
    front_end=FrontEndConfig(sample_rate=8000, n_bins=8, n_columns=10),
    backbone=BackboneConfig(filters=(2, 3), pooling="mean"),
    embedding_size=4,
)
MULTIPLY_ADDS = 8 * 10 * 2 * 9 + 4 * 5 * 3 * 9 * 2 + 6 * 4


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's model of the name `mine`."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    folder = tmp_path / "models" / "mine"
    save_model(folder, seeded_network(CONFIG, seed=1), licence="CC0", scores={"map": 0.25})
    return folder


def test_list_shows_every_model(run_cli: RunCli, own_models: Path) -> None:
    """The table has a row for each model; JSON has the whole fingerprint and the folder."""
    assert "mine" in run_cli("models", "list").out
    rows = {row["name"]: row for row in json.loads(run_cli("models", "list", "--json").out)}
    assert rows["mine"]["kind"] == "network"
    assert len(rows["mine"]["fingerprint"]) == 64
    assert run_cli("models", "list", "--paths").out.splitlines().count(str(own_models)) == 1


def test_list_shows_a_broken_model_and_goes_on(run_cli: RunCli, own_models: Path) -> None:
    """The row of a broken model says what is wrong with it."""
    (own_models / "card.json").write_text("{")
    run = run_cli("models", "list", "--json")
    (row,) = [row for row in json.loads(run.out) if row["name"] == "mine"]
    assert run.code == 0
    assert row["kind"] == "broken"
    assert "not JSON" in row["problem"]


def test_show_says_what_a_model_is_and_costs(run_cli: RunCli, own_models: Path) -> None:
    """Parameters, multiply-adds, size, scores and licence, as a hand counts them."""
    shown = json.loads(run_cli("models", "show", "mine", "--json").out)
    assert shown["multiply_adds"] == MULTIPLY_ADDS
    assert shown["n_parameters"] == sum(layer["n_parameters"] for layer in shown["layers"])
    assert shown["bytes_on_disk"] == sum(path.stat().st_size for path in own_models.iterdir())
    assert (shown["licence"], shown["scores"]) == ("CC0", {"map": 0.25})
    assert shown["front_end"]["sample_rate"] == 8000


def test_show_lists_the_labels_of_a_model(run_cli: RunCli, own_models: Path) -> None:
    """Field, labels, how many tracks calibrated them, and whether they came with the network."""
    save_model(own_models, seeded_network(CONFIG, seed=1), tag_head=some_head(size=4), replace=True)
    shown = json.loads(run_cli("models", "show", "mine", "--json").out)
    (head,) = shown["heads"]
    assert (head["field"], head["kind"], head["labels"]) == ("tag", "sigmoid", list(TAGS))
    assert (head["n_labels"], head["calibrated_on"], head["origin"]) == (3, 0, "trained")
    table = run_cli("models", "show", "mine").out
    assert "labels of its own" in table
    assert "calm, loud, piano" in table


def test_show_prints_the_network_as_a_table(run_cli: RunCli, own_models: Path) -> None:
    """The table for people has a row for each layer, with its multiply-adds."""
    out = run_cli("models", "show", str(own_models)).out
    assert "projection" in out
    assert "Linear" in out
    assert f"{MULTIPLY_ADDS}" in out


def test_an_unknown_model_is_one_line_and_code_2(run_cli: RunCli, own_models: Path) -> None:
    """A mistyped name gets the nearest one suggested."""
    run = run_cli("models", "show", "mime")
    assert run.code == 2
    assert "Did you mean mine" in run.err
    assert run.err.count("\n") == 1


def test_a_damaged_model_is_code_4(run_cli: RunCli, own_models: Path) -> None:
    """Truncated weights are refused by name."""
    weights = own_models / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    run = run_cli("models", "show", "mine")
    assert run.code == 4
    assert "weights.safetensors: truncated" in run.err


def test_a_model_goes_out_and_comes_in_again(
    run_cli: RunCli, own_models: Path, tmp_path: Path
) -> None:
    """Export to a zip, import under a name; a second time needs --force."""
    archive = tmp_path / "handed.zip"
    assert run_cli("models", "export", "mine", "-o", str(archive)).code == 0
    taken = run_cli("models", "import", str(archive), "--as", "theirs", "--json")
    fingerprint = json.loads((own_models / "card.json").read_text())["fingerprint"]
    assert json.loads(taken.out)["fingerprint"] == fingerprint
    refused = run_cli("models", "import", str(archive), "--as", "theirs")
    assert refused.code == 2
    assert "--force" in refused.err
    assert run_cli("models", "import", str(archive), "--as", "theirs", "--force").code == 0


def test_an_onnx_file_without_its_toml_is_code_2(run_cli: RunCli, tmp_path: Path) -> None:
    """The message for an ONNX file alone names --spec."""
    (tmp_path / "x.onnx").touch()
    run = run_cli("models", "import", str(tmp_path / "x.onnx"), "--as", "x")
    assert run.code == 2
    assert "--spec" in run.err


def test_a_pickle_is_refused_with_code_4(run_cli: RunCli, tmp_path: Path) -> None:
    """A pickle can run code, so it is refused and never opened."""
    (tmp_path / "x.pth").touch()
    run = run_cli("models", "import", str(tmp_path / "x.pth"), "--as", "x")
    assert run.code == 4
    assert "never opens one" in run.err
