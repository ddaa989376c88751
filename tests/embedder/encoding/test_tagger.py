"""A tagging head beside a model: saving, loading, and tags of tracks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure
from embedder.encoding.tagger import TagResult, TrackTagger, find_tagger
from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch, UsageError
from embedder.models.card import read_card
from embedder.models.heads import HEAD_NAME, read_tag_head
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.tagged_models import CONFIG, TAGS, some_head, write_noise, write_tagger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tagger(tmp_path / "model")
    return tmp_path / "model"


def test_a_head_comes_back_as_it_was_saved(folder: Path) -> None:
    """Weights and names are equal to the bit."""
    head, saved_head = read_tag_head(folder, read_card(folder)), some_head()
    assert head.labels == TAGS
    np.testing.assert_array_equal(head.weight, saved_head.weight)
    np.testing.assert_array_equal(head.bias, saved_head.bias)


def test_a_head_leaves_the_fingerprint_alone(folder: Path, tmp_path: Path) -> None:
    """Vectors are the same with a head or without one."""
    bare = save_model(tmp_path / "bare", seeded_network(CONFIG, seed=1))
    assert read_card(folder).fingerprint == bare.fingerprint


def test_tags_are_the_mean_over_excerpts(folder: Path, tmp_path: Path) -> None:
    """The result equals a loop: the sigmoid of each excerpt's logits, then the mean."""
    song = write_noise(tmp_path / "noise.wav")
    encoding = TrackEncoder.load(folder, device="cpu").encode(song)
    head = some_head()
    logits = encoding.excerpt_vectors @ head.weight.T + head.bias
    means = (1 / (1 + np.exp(-logits.astype(np.float64)))).mean(axis=0)
    result = TrackTagger.load(folder, device="cpu").tag(song, top=3)
    assert len(encoding.excerpt_vectors) == 3
    by_tag = dict(zip(result.tags, result.probabilities, strict=True))
    assert by_tag == pytest.approx(dict(zip(TAGS, means, strict=True)), abs=1e-5)


def test_the_likeliest_tags_come_first(folder: Path, tmp_path: Path) -> None:
    """At most `top` tags in falling order; all tags if there are fewer."""
    tagger = TrackTagger.load(folder, device="cpu")
    song = write_noise(tmp_path / "noise.wav")
    all_tags = tagger.tag(song, top=99)
    assert sorted(all_tags.tags) == sorted(tagger.tags)
    assert list(all_tags.probabilities) == sorted(all_tags.probabilities, reverse=True)
    assert tagger.tag(song, top=1).tags == all_tags.tags[:1]


def test_a_stretch_of_a_track_has_tags_of_its_own(folder: Path, tmp_path: Path) -> None:
    """The tags of the quiet beginning differ from those of the loud end."""
    tagger = TrackTagger.load(folder, device="cpu")
    song = write_noise(tmp_path / "noise.wav")
    first = tagger.tag(song, start_seconds=0, seconds=0.6)
    assert first.probabilities != tagger.tag(song, start_seconds=1.3, seconds=0.6).probabilities


def test_one_bad_file_does_not_end_the_rest(folder: Path, tmp_path: Path) -> None:
    """It is a failure with a reason, at its position."""
    text = tmp_path / "text.mp3"
    text.write_text("no sound")
    song = write_noise(tmp_path / "noise.wav")
    bad, good = TrackTagger.load(folder, device="cpu").tag_many([text, song])
    assert isinstance(bad, EncodingFailure)
    assert isinstance(good, TagResult)
    assert good.path == song


def test_a_model_without_a_head_says_how_to_get_one(tmp_path: Path) -> None:
    """The error names the objective."""
    save_model(tmp_path / "bare", seeded_network(CONFIG, seed=1))
    with pytest.raises(BadInput, match=r"no tagging head.*'tagging'"):
        TrackTagger.load(tmp_path / "bare")


def test_saving_without_a_head_removes_the_old_one(folder: Path) -> None:
    """The folder has only the files of the new model."""
    save_model(folder, seeded_network(CONFIG, seed=1), replace=True)
    assert not (folder / HEAD_NAME).exists()
    assert read_card(folder).tag_head.tags == ()


def test_an_altered_head_is_refused(folder: Path) -> None:
    """The card has the head's digest."""
    content = bytearray((folder / HEAD_NAME).read_bytes())
    content[-1] ^= 1
    (folder / HEAD_NAME).write_bytes(content)
    with pytest.raises(FingerprintMismatch, match="altered"):
        TrackTagger.load(folder)
    (folder / HEAD_NAME).unlink()
    with pytest.raises(CorruptArtefact, match=HEAD_NAME):
        TrackTagger.load(folder)


def test_a_head_of_another_size_is_refused(tmp_path: Path) -> None:
    """A head for vectors of 7 does not fit a model with vectors of 4."""
    write_tagger(tmp_path / "model", head=some_head(size=7))
    with pytest.raises(CorruptArtefact, match=r"vectors of 7.*have 4"):
        TrackTagger.load(tmp_path / "model")


def test_no_tags_at_all_are_refused(folder: Path, tmp_path: Path) -> None:
    """`top` must be at least 1."""
    with pytest.raises(UsageError, match="at least 1"):
        TrackTagger.load(folder).tag(write_noise(tmp_path / "noise.wav"), top=0)


def test_the_only_tagger_needs_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --model, the only model with a head is used; several are an error that lists them."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path))
    with pytest.raises(UsageError, match="none of your models"):
        find_tagger()
    write_tagger(tmp_path / "mine")
    save_model(tmp_path / "bare", seeded_network(CONFIG, seed=1))
    assert find_tagger() == tmp_path / "mine"
    write_tagger(tmp_path / "other")
    with pytest.raises(UsageError, match="mine, other"):
        find_tagger()


def test_a_file_that_is_no_head_is_refused(folder: Path) -> None:
    """It is refused even if its digest is right."""
    import dataclasses
    import hashlib

    from embedder.models.card import TagHeadRecord, write_card

    save_file({"other": torch.zeros(2)}, folder / HEAD_NAME)
    digest = hashlib.sha256((folder / HEAD_NAME).read_bytes()).hexdigest()
    record = TagHeadRecord(TAGS, digest)
    write_card(folder, dataclasses.replace(read_card(folder), tag_head=record))
    with pytest.raises(CorruptArtefact, match="not a tagging head"):
        TrackTagger.load(folder)
