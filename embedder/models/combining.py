"""`soundalike models combine`: several encoders, weighted, as one model with one fingerprint."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from embedder.errors import UsageError
from embedder.models.card import Card, read_card
from embedder.models.importing import new_model_folder
from embedder.models.kinds.combined import CombinedNetwork, load_combined
from embedder.models.kinds.combined_file import Standard, save_combined
from embedder.models.loaded import LoadedModel
from embedder.models.registry import load_model
from embedder.models.sampling import (
    mean_and_factor,
    principal_directions,
    sample_files,
    sample_vectors,
)
from embedder.whole_files import whole_folder


def combine_models(
    models: Sequence[str | Path],
    *,
    name: str,
    weights: Sequence[float] = (),
    sample: Path | None = None,
    size: int = 0,
    replace: bool = False,
) -> Card:
    """Store a combination of models under a name; returns its card.

    weights: one for each model, by default 1. sample: a folder of audio, from which the mean and
    deviation of each dimension are taken; with it, a single model is standardised. size: project
    onto so many principal components of the sample; 0: keep all dimensions.
    """
    weights = list(weights) or [1.0] * len(models)
    if len(models) < 2 and sample is None:
        raise UsageError("give at least two models to combine, or --sample to standardise one")
    if len(weights) != len(models) or not all(0 < weight < float("inf") for weight in weights):
        raise UsageError(f"give {len(models)} weights above 0, one for each model")
    if size and sample is None:
        raise UsageError("--size needs --sample, a folder of audio to find the directions in")
    target = new_model_folder(name, replace=replace)
    members = [load_model(model) for model in models]
    facts: dict[str, object] = {"sample": "none"}
    with whole_folder(target) as made:
        standard = weighted(members, weights)
        card = save_combined(made, members, standard, name=name, weights=weights, facts=facts)
        if sample is not None:
            files = sample_files(sample)
            standard = fitted(load_combined(made, card, members), weights, files, size=size)
            facts = {"sample": f"{len(files)} tracks", "size": size or "all dimensions"}
            save_combined(made, members, standard, name=name, weights=weights, facts=facts)
        load_model(made)
    return read_card(target)


def models_and_weights(words: Sequence[str], weights: str) -> tuple[list[str], list[float]]:
    """The models and the weights of a command line such as `a b --weights 1 1`.

    A shell hands the first weight to the option, and the others over as words.
    """
    numbers = weights.replace(",", " ").split()
    if weights:
        numbers += [word for word in words if _is_number(word)]
        words = [word for word in words if not _is_number(word)]
    if not all(map(_is_number, numbers)):
        raise UsageError(f"weights {weights!r}: give numbers, such as 1 0.5")
    return list(words), [float(number) for number in numbers]


def weighted(members: Sequence[LoadedModel], weights: Sequence[float]) -> Standard:
    """Without a sample: the members' vectors as they are, each multiplied by its weight."""
    sizes = [member.embedding_size for member in members]
    factor = np.repeat(np.array(weights, dtype=np.float32), sizes)
    return Standard(np.zeros_like(factor), factor)


def fitted(
    model: LoadedModel, weights: Sequence[float], files: Sequence[Path], *, size: int
) -> Standard:
    """Mean, factors and projection of a combined model from a sample of tracks."""
    network = model.network
    assert isinstance(network, CombinedNetwork)  # noqa: S101 - the caller has just made it
    vectors = sample_vectors(model, files, lambda features: network.members_vectors(features)[0])
    mean, factor = mean_and_factor(vectors)
    factor = factor * _shares([member.embedding_size for member in network.members], weights)
    if not size:
        return Standard(mean.numpy(), factor.numpy())
    directions = principal_directions((vectors - mean) * factor, size)
    return Standard(mean.numpy(), factor.numpy(), directions.numpy())


def _shares(sizes: Sequence[int], weights: Sequence[float]) -> Tensor:
    """A standardised vector of n dimensions has a length of about the root of n."""
    return torch.cat(
        [torch.full((n,), weight * n**-0.5) for n, weight in zip(sizes, weights, strict=True)]
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
