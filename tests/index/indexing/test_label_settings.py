"""How the data sets of --labels-from are read: synonyms, layouts, and what a model's card says."""

from dataclasses import replace
from pathlib import Path

import pytest

from embedder.config.dataset import DatasetConfig
from embedder.config.loading import to_toml
from embedder.config.model import ModelConfig
from embedder.config.training import TrainingConfig
from embedder.errors import UsageError
from embedder.models.card import Card
from index.indexing.label_settings import LabelSettings, settings_for
from index.library import Library
from tests.index.indexing.test_dataset_labels import folders, index, table, values
from tests.index.toy_encoder import write_wav

__all__ = ["folders"]  # a fixture


MERGED = LabelSettings(assignments=('dataset.merge_labels={"pet" = ["cat", "dog"]}',))


def test_synonyms_are_merged_now_and_later(library: Library, folders: Path) -> None:
    """The library keeps the setting, until it forgets the data set."""
    index(library, folders, folders, label_settings=MERGED)
    assert set(values(library).values()) == {("pet",)}
    write_wav(folders / "cat" / "new.wav", 30)
    index(library, folders)
    index(library, folders, folders)
    assert values(library)["new.wav"] == ("pet",)
    index(library, folders, labels_from=())
    index(library, folders, folders)
    assert values(library)["new.wav"] == ("cat",)


def test_a_model_reads_the_data_set_as_its_training_did(folders: Path) -> None:
    """The card's settings hold for a data set of that name, below those that are given."""
    config = DatasetConfig(merge_labels={"pet": ("cat",)}, tag_separator=",", limit_per_label=3)
    settings = to_toml(replace(TrainingConfig(), dataset=config))
    facts = {"settings": settings, "data": {"name": folders.name}}
    card = Card("trained", "0" * 64, ModelConfig(), facts=facts)
    given = LabelSettings(assignments=("dataset.tag_separator=|",))
    read = settings_for(folders, given, kept={}, card=card)
    assert (read.merge_labels, read.tag_separator) == ({"pet": ("cat",)}, "|")
    other = settings_for(folders.parent / "other", LabelSettings(), kept={}, card=card)
    assert other == DatasetConfig()


def test_a_named_layout_is_used(library: Library, folders: Path) -> None:
    """As train uses it: folders that also hold a table can be read as folders."""
    table(folders / "tracks.csv", "path,genre", "cat/0.wav,jazz")
    index(library, folders, folders)
    assert values(library) == {"0.wav": ("jazz",)}
    layout = LabelSettings(assignments=("dataset.layout=folders",))
    report = index(library, folders, folders, label_settings=layout)
    assert (len(values(library)), report.labels[0].layout) == (6, "folders")


def test_settings_of_training_are_refused() -> None:
    """The message names those that index reads."""
    with pytest.raises(UsageError, match=r"'limit_per_label'.*dataset\.merge_labels"):
        LabelSettings(assignments=("dataset.limit_per_label=3",))
    with pytest.raises(UsageError, match="'loop'"):
        LabelSettings(assignments=("loop.epochs=3",))
