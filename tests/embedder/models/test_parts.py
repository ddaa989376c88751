"""The part that is used where a combined model cannot be."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.datasets.opening import open_dataset
from embedder.errors import CorruptArtefact, DatasetError
from embedder.models.card import read_card, write_card
from embedder.models.combining import combine_models
from embedder.models.kinds.network import save_model
from embedder.models.parts import TRAINED_PART, load_base, part_for_rows
from embedder.models.registry import find_fingerprint, load_model
from embedder.networks.network import seeded_network
from index.evaluate.model_vectors import model_vectors
from tests.embedder.small_sets import write_array_set

FRAMES = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=1, excerpt_seconds=1.0),
    front_end=FrontEndConfig(sample_rate=8000, n_bins=8, n_columns=10),
    backbone=BackboneConfig(filters=(2, 3), pooling="mean"),
    embedding_size=4,
)
PATCHES = replace(FRAMES, front_end=FrontEndConfig(sample_rate=4000, n_bins=6))


@pytest.fixture
def combined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A combined model of two parts; training starts from the second one."""
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    for name, config in (("frames", FRAMES), ("patches", PATCHES)):
        save_model(tmp_path / "models" / name, seeded_network(config, seed=0))
    combine_models(["frames", "patches"], name="both")
    folder = tmp_path / "models" / "both"
    name_part(folder, 1)
    return folder


def name_part(folder: Path, number: int) -> None:
    card = read_card(folder)
    write_card(folder, replace(card, facts={**card.facts, TRAINED_PART: number}))


def test_training_starts_from_the_part_that_the_card_names(combined: Path) -> None:
    """A part without a name on the card leaves the whole model."""
    assert load_base("both").name == "patches"
    assert load_base("frames").name == "frames"
    card = read_card(combined)
    write_card(combined, replace(card, facts={}))
    assert load_base("both").kind == "combined"


def test_a_part_that_is_not_there_is_refused(combined: Path) -> None:
    """A damaged card does not start from another part."""
    name_part(combined, 2)
    with pytest.raises(CorruptArtefact, match="no part 2"):
        load_base("both")


@pytest.mark.parametrize(("n_rows", "name"), [(8, "frames"), (6, "patches")])
def test_the_part_with_these_rows_reads_spectrograms(
    combined: Path, n_rows: int, name: str
) -> None:
    """It is found by the rows of its front end; other rows have none."""
    part = part_for_rows(load_model("both"), n_rows)
    assert part is not None
    assert part.name == name
    assert part_for_rows(load_model("both"), 7) is None


def test_evaluate_takes_the_part_that_reads_the_spectrograms(
    combined: Path, tmp_path: Path
) -> None:
    """The vectors are the part's own, and the report says so."""
    dataset = open_dataset(write_array_set(tmp_path / "set", tracks_per_genre=2, rows=8))
    whole, part = (model_vectors(dataset, name, device="cpu") for name in ("both", "frames"))
    np.testing.assert_array_equal(whole.vectors, part.vectors)
    assert whole.name == "both"
    assert whole.fingerprint == part.fingerprint
    assert "only one part of both reads (frames)" in whole.note
    assert not part.note


def test_spectrograms_that_no_part_reads_are_refused(combined: Path, tmp_path: Path) -> None:
    """They are not measured with a part of other rows."""
    dataset = open_dataset(write_array_set(tmp_path / "set", tracks_per_genre=2, rows=7))
    with pytest.raises(DatasetError, match="holds arrays"):
        model_vectors(dataset, "both", device="cpu")


def test_a_part_is_found_by_its_fingerprint(combined: Path, tmp_path: Path) -> None:
    """A library of a model that is now a part of another one keeps its model."""
    fingerprint = read_card(tmp_path / "models" / "frames").fingerprint
    assert find_fingerprint(fingerprint) == tmp_path / "models" / "frames"
    shutil.rmtree(tmp_path / "models" / "frames")
    assert find_fingerprint(fingerprint) == combined / "members" / "0"
    assert find_fingerprint("0" * 64) is None
