"""The sides that a model was trained with: on its own data set only held-out tracks may ask."""

import tomllib
from dataclasses import replace
from typing import Any

from embedder.card import Card, read_card
from embedder.config.loading import from_dict
from embedder.config.training import DatasetConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.splitting import split_configured
from embedder.errors import DatasetError
from embedder.model_registry import find_model

AS_TRAINED = "as-trained"


def with_sides_of(dataset: Dataset, model: str) -> Dataset:
    """The data set with the sides that the model's training drew, or took from its table."""
    card = read_card(find_model(model))
    settings = card.facts.get("settings")
    if not settings or not _trained_on(card):
        raise DatasetError(f"{model}: its card does not say how it was trained")
    wanted = tomllib.loads(settings)["dataset"]
    split = split_configured(dataset, from_dict(DatasetConfig, wanted, where=f"{model}: dataset"))
    if split.split_digest != _trained_on(card)["split_digest"]:
        raise DatasetError(
            f"{dataset.root.name}: not the data that {model} was trained on, or not as it was then "
            f"({_trained_on(card)['name']}): its sides cannot be drawn again"
        )
    return replace(split, split_origin=f"the sides of its training ({split.split_origin})")


def was_trained_on(model: str, dataset: Dataset) -> bool:
    """Whether a model's card names this very data set."""
    return _trained_on(read_card(find_model(model))).get("digest") == dataset.digest


def _trained_on(card: Card) -> dict[str, Any]:
    known: dict[str, Any] = card.facts.get("data", {})
    return known
