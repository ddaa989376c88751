"""`models get`: from a wheel to a model, and everything that can go wrong on the way."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.tagger import TrackTagger
from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch, OutputExists
from embedder.models.get import wheel as wheel_module
from embedder.models.get.getting import announcement, get_offer
from embedder.models.get.offers import OFFERS, Offer
from embedder.models.get.wheel import wheel_file
from embedder.models.registry import list_models, load_model
from tests.conftest import RunCli
from tests.embedder.audio_files import tune
from tests.embedder.models.get.checkpoint_files import synthetic_wheel


@pytest.fixture(scope="module")
def wheel_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a synthetic wheel."""
    return tmp_path_factory.mktemp("wheel") / "musicnn-0.1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def offer(wheel_path: Path) -> Offer:
    """The offer of the synthetic wheel: a random network with four tags."""
    return synthetic_wheel(wheel_path)


@pytest.fixture(scope="module")
def models(offer: Offer, wheel_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that has the synthetic encoder as `mine`."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDALIKE_MODELS", str(folder))
        get_offer(offer, name="mine", file=wheel_path)
    return folder


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of models."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_the_announcement_says_what_where_how_large_and_the_licence() -> None:
    """The text that is shown before a download has the version, source, size and licence."""
    text = " ".join(announcement(OFFERS["musicnn"]))
    assert all(word in text for word in ("musicnn 0.1.0", "PyPI", "29 MB", "ISC"))


def test_the_offers_have_fifty_tags_each() -> None:
    """All different, as the networks' outputs are."""
    for offer in OFFERS.values():
        assert len({tag.casefold() for tag in offer.tags}) == 50


def test_the_model_encodes_and_tags(models: Path, tmp_path: Path) -> None:
    """Unit vectors of 200 values, and a probability for each tag, as the network gives them."""
    track = written(tmp_path / "tune.wav", seconds=7.0)
    tagger = TrackTagger.load(models / "mine")
    encoding = tagger.encoder.encode(track)
    assert encoding.excerpt_vectors.shape == (3, 200)
    assert np.linalg.norm(encoding.vector) == pytest.approx(1, abs=1e-5)
    tagged = tagger.tag(track, top=4)
    by_name = dict(zip(tagger.tags, encoding.tag_probabilities, strict=True))
    assert tagged.probabilities == pytest.approx(sorted(by_name.values(), reverse=True))
    assert by_name[tagged.tags[0]] == pytest.approx(tagged.probabilities[0])
    assert all(0 < probability < 1 for probability in tagged.probabilities)


def test_many_tracks_get_the_tags_of_one(models: Path, tmp_path: Path) -> None:
    """Probabilities come through groups and batches as they come from a single track."""
    tracks = [written(tmp_path / f"{n}.wav", seconds=4.0, seed=n) for n in range(3)]
    encoder = TrackEncoder.load(models / "mine")
    for track, result in zip(tracks, encoder.encode_many(tracks, workers=1), strict=True):
        alone = encoder.encode(track)
        np.testing.assert_allclose(result.tag_probabilities, alone.tag_probabilities, atol=1e-5)


def test_the_card_has_source_notice_and_tags(models: Path, offer: Offer) -> None:
    """What the licence asks for, and where the weights come from."""
    card = load_model(models / "mine").card
    assert (card.kind, card.licence, card.source["layer"]) == ("musicnn", "ISC", "penultimate")
    assert card.tag_head.tags == offer.tags
    assert "hereby granted" in card.facts["licence_notice"]
    assert card.facts["sha256"] == offer.wheel.sha256


def test_a_layer_is_part_of_the_fingerprint(
    own_models: Path, models: Path, offer: Offer, wheel_path: Path
) -> None:
    """Vectors of another layer are other vectors."""
    other = get_offer(offer, name="pooled", file=wheel_path, layer="mean-pool")
    assert other.config.embedding_size == 753
    assert other.fingerprint != load_model(models / "mine").fingerprint


def test_altered_weights_are_refused(own_models: Path, offer: Offer, wheel_path: Path) -> None:
    """One flipped bit in the stored weights makes the model unusable."""
    get_offer(offer, name="mine", file=wheel_path)
    weights = own_models / "mine" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(FingerprintMismatch, match="get the model again"):
        load_model("mine")


def test_a_wrong_digest_is_refused(own_models: Path, offer: Offer, tmp_path: Path) -> None:
    """Both digests are named, and nothing is stored."""
    other = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    other.write_bytes(b"PK something else")
    with pytest.raises(CorruptArtefact, match=f"{offer.wheel.sha256}.*nothing was read"):
        get_offer(offer, name="mine", file=other)
    assert list_models_of(own_models) == []


def test_a_name_that_is_taken_is_refused_before_fetching(
    own_models: Path, offer: Offer, wheel_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a download that cannot be stored."""
    get_offer(offer, name="mine", file=wheel_path)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it fetched"))
    with pytest.raises(OutputExists):
        get_offer(offer, name="mine")


def test_without_a_network_the_message_is_clear(
    run_cli: RunCli, own_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, what to do instead, and no folder left behind."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    run = run_cli("models", "get", "musicnn")
    assert run.code == 3
    assert "could not be fetched from PyPI" in run.err
    assert "--file" in run.err
    assert list_models_of(own_models) == []


def test_an_interrupted_download_leaves_nothing(
    own_models: Path, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a model nor the half of a wheel."""
    folders = []

    def interrupted(command: list[str], **_: object) -> None:
        folder = Path(command[command.index("--dest") + 1])
        folders.append(folder)
        (folder / "musicnn-0.1.0-py3-none-any.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        get_offer(offer, name="mine")
    assert folders
    assert not folders[0].exists()
    assert list_models_of(own_models) == []


def test_a_download_is_checked_as_well(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip brings must have the digest too."""

    def brings_another(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        folder = Path(command[command.index("--dest") + 1])
        (folder / "musicnn-0.1.0-py3-none-any.whl").write_bytes(b"another")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", brings_another)
    with pytest.raises(CorruptArtefact, match="SHA-256"), wheel_file(offer.wheel):
        pytest.fail("it was opened")


def test_without_pip_the_file_is_asked_for(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some environments have no pip."""
    monkeypatch.setattr(wheel_module, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"no pip.*--file"), wheel_file(offer.wheel):
        pytest.fail("it was opened")


def test_a_wheel_without_the_checkpoint_is_refused(
    own_models: Path, offer: Offer, wheel_path: Path
) -> None:
    """Although its digest is right: the offer names a folder that is not there."""
    with pytest.raises(CorruptArtefact, match=r"it has no musicnn/other/\.index"):
        get_offer(replace(offer, folder="musicnn/other"), name="mine", file=wheel_path)


def test_unknown_names_are_refused_with_the_nearest(run_cli: RunCli, own_models: Path) -> None:
    """A mistyped name is a usage error, and the message names the model that is meant."""
    run = run_cli("models", "get", "muscnn")
    assert run.code == 2
    assert "Did you mean musicnn?" in run.err


def test_the_command_stores_what_it_says(
    run_cli: RunCli,
    own_models: Path,
    offer: Offer,
    wheel_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`models get NAME --file WHEEL --as OTHER`; letter case does not matter."""
    monkeypatch.setitem(OFFERS, "musicnn", offer)
    run = run_cli("models", "get", "MusiCNN", "--file", str(wheel_path), "--as", "it", "--json")
    assert json.loads(run.out)["name"] == "it"
    assert "ISC" in run.err
    assert list_models_of(own_models) == ["it"]


def written(path: Path, *, seconds: float, seed: int = 0) -> Path:
    """A file of 16 kHz."""
    write_audio(path, tune(seconds, rate=16_000, seed=seed), 16_000)
    return path


def list_models_of(folder: Path) -> list[str]:
    """The names of the user's models, and of anything else in their folder."""
    assert all(model.place == "bundled" or model.card for model in list_models())
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
