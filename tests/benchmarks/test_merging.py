"""Merging several networks into one."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from benchmarks.default_model.merging import Form, Indifference, merged_network
from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.errors import ConfigError
from embedder.networks.network import EmbeddingNetwork, seeded_network
from embedder.training.start.closed_form import Matrix


def config(
    kind: str = "short-chunk", pooling: str = "statistics", **values: int | tuple[int, ...]
) -> ModelConfig:
    kind_of_front_end = "waveform" if kind == "waveform-cnn" else "log-mel"
    return ModelConfig(
        front_end=FrontEndConfig(kind=kind_of_front_end, n_bins=16),  # type: ignore[arg-type]  # a kind
        backbone=BackboneConfig(kind=kind, pooling=pooling, **{"filters": (4, 6), **values}),  # type: ignore[arg-type]  # kinds
        embedding_size=5,
    )


def levels_for(network: EmbeddingNetwork, n: int = 60) -> Tensor:
    return torch.rand(n, network.n_rows, 24, generator=torch.Generator().manual_seed(7))


def with_statistics(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """The network after a batch has changed its running statistics."""
    network.train()(levels_for(network) * 0.7 + 0.1)
    return network.eval()


def targets_for(levels: Tensor) -> Matrix:
    """Targets that depend on the levels, with a nonlinear part."""
    mixed = torch.randn(levels.shape[1], 5, generator=torch.Generator().manual_seed(3))
    return (levels.mean(dim=2) @ mixed).square().double().numpy()


def merged_outputs(
    networks: list[EmbeddingNetwork],
    *,
    evenness: float = 0.0,
    shrinkage: float = 1e-6,
    size: int = 4,
    constant: float = 0.0,
    indifferent_to: tuple[Indifference, ...] = (),
    form: Form = torch.clone,
) -> Matrix:
    """The output of the merged projection before normalisation."""
    levels = levels_for(networks[0])
    merged = merged_network(
        networks,
        levels,
        targets_for(levels),
        size=size,
        evenness=evenness,
        shrinkage=shrinkage,
        constant=constant,
        indifferent_to=indifferent_to,
    )
    return merged.projection(merged.features(form(levels))).detach().double().numpy()


@pytest.mark.parametrize(
    ("pooling", "n_networks"),
    [("mean", 1), ("mean", 3), ("statistics", 1), ("statistics", 3), ("attention", 1)],
)
def test_a_merged_network_is_a_ridge_regression_on_all_features(
    pooling: str, n_networks: int
) -> None:
    """Its output spans the main directions of the predictions of scikit-learn's regression."""
    networks = [
        with_statistics(seeded_network(config(pooling=pooling), seed=s)) for s in range(n_networks)
    ]
    levels = levels_for(networks[0])
    by_member = [n.features(levels).detach().double().numpy() for n in networks]
    features = StandardScaler().fit_transform(np.hstack(by_member))
    targets = targets_for(levels)
    alpha = 0.1 * np.square(features).sum(axis=1).mean()
    predicted = Ridge(alpha=alpha).fit(features, targets).predict(features)
    spread = np.linalg.svd(predicted - predicted.mean(axis=0), compute_uv=False)[:4]
    for evenness in (0.0, 1.0):
        outputs = merged_outputs(networks, evenness=evenness, shrinkage=0.1)
        assert np.allclose(outputs.mean(axis=0), 0, atol=1e-4)
        expected = spread**2 if evenness == 0 else np.full(4, float(len(levels)))
        assert np.allclose(outputs.T @ outputs, np.diag(expected), atol=expected.max() * 2e-3)


def test_networks_of_several_kinds_are_weighted_branches() -> None:
    """Networks become members by kind, in order; a kind of tiny weight does not change the fit."""
    first, second = (
        with_statistics(seeded_network(config(pooling="mean"), seed=s)) for s in (0, 1)
    )
    moments = with_statistics(seeded_network(config("moments", filters=(3, 8, 6, 5)), seed=0))
    levels = levels_for(first)
    settings = {"size": 4, "evenness": 0.3, "shrinkage": 0.1}
    weighted = [
        merged_network(
            [first, moments, second], levels, targets_for(levels), kind_weights=w, **settings
        )
        for w in ((1.0, 1.0), (1.0, 1e-9))
    ]
    merged, without = weighted
    assert merged.config.backbone.members == 2
    assert [beside.members for beside in merged.config.beside] == [1]
    parts = [network.features(levels) for network in (first, second, moments)]
    assert torch.allclose(merged.features(levels), torch.cat(parts, dim=1), atol=1e-4)
    alone = merged_network([first, second], levels, targets_for(levels), **settings)
    assert torch.allclose(without(levels), alone(levels), atol=1e-3)
    assert not torch.allclose(merged(levels), alone(levels), atol=1e-2)


def test_the_constant_has_the_given_length() -> None:
    """The last number is the same for every track; the constant does not change the others."""
    network = with_statistics(seeded_network(config(), seed=2))
    plain, beside = merged_outputs([network]), merged_outputs([network], size=5, constant=0.5)
    mean_length = np.linalg.norm(plain, axis=1).mean()
    assert np.allclose(beside[:, :4], plain, atol=mean_length * 1e-4)
    assert np.allclose(beside[:, 4], 0.5 * mean_length, rtol=1e-4)


def test_a_merged_network_ignores_a_form() -> None:
    """The stricter the indifference, the less two forms of a track differ."""
    networks = [
        with_statistics(seeded_network(config(filters=(8, 16)), seed=seed)) for seed in range(2)
    ]

    def darker(levels: Tensor) -> Tensor:
        return levels * torch.linspace(1, 0.5, levels.shape[1])[:, None]

    differences = []
    for strictness in (0.0, 1.0, 100.0):
        forms = (Indifference(darker, strictness=strictness),)
        plain = merged_outputs(networks, indifferent_to=forms)
        darkened = merged_outputs(networks, indifferent_to=forms, form=darker)
        differences.append(np.linalg.norm(plain - darkened) / np.linalg.norm(plain))
    assert differences[0] > 2 * differences[1] > 4 * differences[2]


def test_two_forms_can_both_differ_from_the_track() -> None:
    """A projection fitted to ignore the half brings both halves together."""
    networks = [with_statistics(seeded_network(config(), seed=1))]
    halves: tuple[Form, Form] = (lambda x: x[:, :, :12], lambda x: x[:, :, 12:])
    differences = []
    for forms in ((), (Indifference(halves[1], strictness=10.0, first=halves[0]),)):
        first, second = (
            merged_outputs(networks, indifferent_to=forms, form=half) for half in halves
        )
        whole_outputs = merged_outputs(networks, indifferent_to=forms)
        differences.append(np.linalg.norm(first - second) / np.linalg.norm(whole_outputs))
    assert differences[1] < 0.7 * differences[0]


def test_what_cannot_be_merged_is_refused() -> None:
    """Other configurations, and more directions than there are."""
    first = seeded_network(config(), seed=0)
    levels = levels_for(first)
    settings = {"evenness": 0.5, "shrinkage": 1.0}
    euclidean = seeded_network(dataclasses.replace(config(), geometry="euclidean"), seed=0)
    with pytest.raises(ConfigError, match="with the same input"):
        merged_network([first, euclidean], levels, targets_for(levels), size=4, **settings)
    twice = merged_network([first, first], levels, targets_for(levels), size=4, **settings)
    with pytest.raises(ConfigError, match="merged again"):
        merged_network([twice], levels, targets_for(levels), size=4, **settings)
    attending = seeded_network(config(pooling="attention"), seed=0)
    with pytest.raises(ConfigError, match="attention"):
        merged_network([attending, attending], levels, targets_for(levels), size=4, **settings)
    with pytest.raises(ConfigError, match="2 weights for 1 kinds"):
        merged_network(
            [first], levels, targets_for(levels), size=4, kind_weights=(1.0, 1.0), **settings
        )
    with pytest.raises(ConfigError, match="5 directions at most"):
        merged_network([first, first], levels, targets_for(levels), size=6, **settings)
