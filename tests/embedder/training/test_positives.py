"""Positive pairs of every kind: a run brings them together."""

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.dataset import Balance, DatasetConfig
from embedder.config.model import ExcerptConfig, FrontEndConfig
from embedder.config.objectives import RelationKind
from embedder.errors import ConfigError, DatasetError
from embedder.training.feeding.word_vectors import tag_word_vectors
from embedder.training.train import open_run
from tests.embedder.rich_sets import HEARS, TAGS, write_audio_set, write_rich_set
from tests.embedder.training.relation_runs import brings_together, config_for, run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_set(tmp_path_factory.mktemp("set"))


@pytest.mark.parametrize("relation", ["label", "artist", "album", "tag"])
def test_columns_of_the_table_make_positives(
    data: Path, tmp_path: Path, relation: RelationKind
) -> None:
    """Tracks of one genre, artist or album, or with similar tags, get nearer."""
    assert brings_together(run(data, config_for(relation), tmp_path / "run"))


@pytest.mark.parametrize("latent", ["svd", "co-occurrence"])
def test_closeness_in_a_latent_space_makes_positives(
    data: Path, tmp_path: Path, latent: str
) -> None:
    """The latent space comes from singular vectors or from co-occurrence of tags."""
    config = config_for("latent", latent=latent, latent_size=4)
    assert brings_together(run(data, config, tmp_path / "run"))


def test_word_vectors_from_a_file_make_positives(data: Path, tmp_path: Path) -> None:
    """Tags with similar word vectors make tracks alike; unknown words are left out."""
    vectors = np.random.default_rng(0).normal(size=(len(TAGS) - 1, 3)).round(3).tolist()
    lines = [f"{len(TAGS)} 3"]
    lines += [
        f"{tag} {' '.join(map(str, row))}" for tag, row in zip(TAGS[1:], vectors, strict=True)
    ]
    file = tmp_path / "words.txt"
    file.write_text("\n".join([*lines, "unrelated 0 0 0"]) + "\n")
    config = config_for("latent", latent="word-vectors", word_vectors=str(file))
    assert brings_together(run(data, config, tmp_path / "run"))


def test_word_vectors_fit_tags_of_several_words(tmp_path: Path) -> None:
    """A tag is looked up whole first, then as the mean of its words; others have no vector."""
    file = tmp_path / "words.txt"
    file.write_text("Slow 1 0\nsad 0 1\nfemale_vocal 5 5\nfemale 9 9\n")
    vectors = tag_word_vectors(file, ["slow sad", "female vocal", "techno"])
    np.testing.assert_array_equal(vectors, [[0.5, 0.5], [5, 5], [np.nan, np.nan]])
    with pytest.raises(DatasetError, match="holds no word of the tags"):
        tag_word_vectors(file, ["techno"])
    with pytest.raises(ConfigError, match=r"set sampler\.word_vectors"):
        tag_word_vectors(Path(), ["techno"])


def test_a_track_is_its_own_positive(data: Path, tmp_path: Path) -> None:
    """Self-supervised: two augmented crops of each track, without labels."""
    config = config_for("track", groups_per_batch=8, tracks_per_group=1, crops_per_track=2)
    config = dataclasses.replace(
        config,
        dataset=DatasetConfig(label_field=""),
        augmentation=AugmentationConfig(noise=0.03, time_masks=1, crop_columns=12),
    )
    assert brings_together(run(data, config, tmp_path / "run"))


def test_timbre_and_beat_make_positives(tmp_path: Path) -> None:
    """Tracks with similar hand-crafted features get nearer, without labels."""
    data = write_audio_set(tmp_path / "set")
    config = config_for("handcrafted", n_neighbours=3)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(
            config.model,
            excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=1.0),
            front_end=FrontEndConfig(sample_rate=8000, fft_size=512, n_bins=16, n_columns=24),
        ),
        dataset=DatasetConfig(validation_share=0.25, test_share=0.0),
        objectives=(dataclasses.replace(config.objectives[0], near_share=0.3, far_share=0.4),),
    )
    result = run(data, config, tmp_path / "run")
    assert brings_together(result)
    assert result.scores["accuracy"] >= 0.75  # high and low, which nobody told it


def test_handcrafted_positives_need_audio(data: Path, tmp_path: Path) -> None:
    """For arrays the error says so."""
    with pytest.raises(DatasetError, match="need audio"):
        run(data, config_for("handcrafted"), tmp_path / "run")


def test_latent_positives_need_tags(data: Path, tmp_path: Path) -> None:
    """Without a tag field, the error names the setting."""
    config = dataclasses.replace(config_for("latent"), dataset=DatasetConfig())
    with pytest.raises(DatasetError, match=r"dataset\.tag_field"):
        run(data, config, tmp_path / "run")


def test_limits_come_balanced_or_natural(data: Path, tmp_path: Path) -> None:
    """A run trains on `limit_per_label` tracks, in the proportions of the settings."""
    spread = {}
    for balance in get_args(Balance):
        limited = DatasetConfig(label_field="tag", limit_per_label=6, limit_balance=balance)
        (tmp_path / balance).mkdir()
        config = dataclasses.replace(config_for("label"), dataset=limited)
        opened = open_run(data, config, tmp_path / balance)
        rows = [opened.dataset.rows[at] for at in opened.loop.parts.rows]
        counts = Counter(tag for row in rows for tag in row.values("tag"))
        spread[balance] = max(counts.values()) - min(counts.values())
        assert "at most 6" in opened.dataset.split_origin
    assert spread["balanced"] < spread["natural"]


@pytest.mark.parametrize("kind", ["latent", "handcrafted"])
def test_distances_keep_their_digits_in_half_precision(
    data: Path, tmp_path: Path, kind: RelationKind
) -> None:
    """Features that are compared with a radius are not rounded to 16 bits."""
    config = config_for(kind, epochs=1)
    if kind == "handcrafted":
        data = write_audio_set(tmp_path / "audio", seconds=1.0)
        split = DatasetConfig(validation_share=0.25, test_share=0.0)
        config = dataclasses.replace(config, dataset=split, model=HEARS)
    loop = dataclasses.replace(config.loop, precision="bf16")
    result = run(data, dataclasses.replace(config, loop=loop), tmp_path / "run")
    assert math.isfinite(result.history[0]["loss"])


def test_few_different_tags_still_have_far_pairs(tmp_path: Path) -> None:
    """With one tag a track, pairs with the largest distance are negatives."""
    data = write_rich_set(tmp_path / "set")
    config = dataclasses.replace(
        config_for("latent", epochs=1), dataset=DatasetConfig(tag_field="genre")
    )
    result = run(data, config, tmp_path / "run")
    assert result.history[0]["negative_distance"] > 0
    assert result.history[0]["active_share"] > 0


def test_labels_with_too_few_tracks_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Warnings name labels with too few readable tracks; a batch takes fewer if all are small."""
    audio = write_audio_set(tmp_path / "audio", n_tracks=24, seconds=1.0)
    (audio / "rare").mkdir()
    for path in sorted((audio / "low").glob("*.wav"))[:4]:
        path.rename(audio / "rare" / path.name)
    broken = sorted((audio / "high").glob("*.wav"))
    for path in broken:
        path.write_bytes(b"RIFF")
    config = dataclasses.replace(
        config_for("label"),
        model=HEARS,
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=6, small_groups="leave-out"),
        dataset=DatasetConfig(validation_share=0.0, test_share=0.0, split_by="track"),
    )
    (tmp_path / "run").mkdir()
    opened = open_run(audio, config, tmp_path / "run")
    assert "high: 0 of 12 training tracks can be read" in caplog.text
    assert "so a batch has 4 of each, not 6" in caplog.text
    assert opened.loop.parts.sampler.config.tracks_per_group == 4
