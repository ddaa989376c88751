"""The split that a model was trained with, so that only held-out tracks are queries."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from embedder.audio.digest import audio_digest
from embedder.config.dataset import DatasetConfig
from embedder.config.loading import from_dict
from embedder.datasets.dataset import Dataset
from embedder.datasets.labels import merge_labels
from embedder.datasets.records import Side, TrackRow
from embedder.datasets.splitting import split_configured
from embedder.errors import AudioError, DatasetError
from embedder.models.card import Card, read_card
from embedder.models.learnt_recordings import keys_of, read_learnt
from embedder.models.parts import trained_folder

AS_TRAINED = "as-trained"


def with_sides_of(dataset: Dataset, folder: Path, *, name: str) -> Dataset:
    """The data set with the sides that the model's training drew, or took from a table.

    Synonyms are merged as `dataset.merge_labels` merged them in training.
    For a library, or a data set that has changed since, the training side holds the recordings
    that the model learnt from, and the test side all others.
    """
    folder = trained_folder(folder)
    card = read_card(folder)
    if not _trained_on(card):
        raise DatasetError(f"{name}: its card does not say how it was trained")
    split = _drawn_again(dataset, card, name=name)
    if split is not None:
        return replace(split, split_origin=f"the sides of its training ({split.split_origin})")
    learnt = learnt_positions(dataset, folder)
    if not learnt:
        raise DatasetError(
            f"{dataset.root.name}: not the data that {name} was trained on "
            f"({_trained_on(card)['name']}), or changed since: its split cannot be drawn again"
        )
    if len(learnt) == len(dataset.rows):
        raise DatasetError(
            f"{dataset.root.name}: {name} learnt from all of it; no query track is left"
        )
    sides: list[Side] = ["test"] * len(dataset.rows)
    for position in learnt:
        sides[position] = "train"
    rows = tuple(replace(row, split=side) for row, side in zip(dataset.rows, sides, strict=True))
    return replace(dataset, rows=rows, split_origin=f"what {name} learnt from, and the rest")


def learnt_positions(dataset: Dataset, folder: Path) -> list[int]:
    """The positions of the tracks that a model learnt from, by their audio digest.

    For arrays there is no digest: all positions if the card names this very data set.
    """
    learnt = read_learnt(folder)
    if not learnt:
        is_its_own = _trained_on(read_card(folder)).get("digest") == dataset.digest
        return list(range(len(dataset.rows))) if is_its_own else []
    return [
        position
        for position, row in enumerate(dataset.rows)
        if keys_of([_digest_of(row)]) <= learnt
    ]


def _drawn_again(dataset: Dataset, card: Card, *, name: str) -> Dataset | None:
    settings = card.facts.get("settings")
    if not settings or dataset.layout == "library":
        return None
    config = from_dict(DatasetConfig, tomllib.loads(settings)["dataset"], where=f"{name}: dataset")
    try:
        merged = replace(dataset, rows=tuple(merge_labels(dataset.rows, config.merge_labels)))
        split = split_configured(merged, config)
    except DatasetError:  # another data set may not fit those settings
        return None
    return split if split.split_digest == _trained_on(card)["split_digest"] else None


def _digest_of(row: TrackRow) -> bytes:
    if row.audio_digest or row.path is None:
        return bytes.fromhex(row.audio_digest)
    try:
        return audio_digest(row.path)
    except AudioError:  # reported when the file is decoded
        return b""


def _trained_on(card: Card) -> dict[str, Any]:
    data: dict[str, Any] = card.facts.get("data", {})
    return data
