"""Muon: orthogonalised updates for matrices, AdamW for all other weights."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from embedder.config.training import OptimiserConfig
from embedder.training.loop.muon import Muon, orthogonalised
from embedder.training.loop.optimisers import build_optimiser


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 4))
    return layers.to(memory_format=torch.channels_last)


def optimiser(kind: str, of: nn.Module, *, decay: float = 0.0) -> torch.optim.Optimizer:
    config = OptimiserConfig(kind=kind, learning_rate=0.01, weight_decay=decay)  # type: ignore[arg-type]  # a kind
    return build_optimiser(config, of, nn.Identity())


def pull(of: nn.Module) -> None:
    """Compute gradients."""
    of.zero_grad()
    batch = torch.rand(5, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    of(batch).square().sum().backward()


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (12, 12), (1, 9), (9, 1)])
def test_all_directions_become_about_as_long(shape: tuple[int, int]) -> None:
    """Singular values over three powers of ten become 0.5 to 1.3."""
    generator = torch.Generator().manual_seed(2)
    left, _, right = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    lengths = torch.logspace(0, -1.5, min(shape))
    singular_values = torch.linalg.svdvals(orthogonalised(left * lengths @ right))
    assert singular_values.min() > 0.5
    assert singular_values.max() < 1.3


def test_an_update_has_the_size_of_adamws() -> None:
    """For kernels and matrices the entries are at most about a fifth of the learning rate."""
    moved = network()
    before = copy.deepcopy(moved)
    pull(moved)
    optimiser("muon", moved).step()
    for name in ("0.weight", "3.weight"):
        update: Tensor = moved.get_parameter(name) - before.get_parameter(name)
        assert 0.001 < update.detach().square().mean().sqrt() < 0.003


def test_biases_and_normalisation_move_as_under_adamw() -> None:
    """They are equal to the bit, and the gradients do not change."""
    with_muon, with_adamw = network(), network()
    for layers, kind in ((with_muon, "muon"), (with_adamw, "adamw")):
        rule = optimiser(kind, layers)
        pull(layers)
        before = {
            name: p.grad.clone() for name, p in layers.named_parameters() if p.grad is not None
        }
        rule.step()
        for name, parameter in layers.named_parameters():
            assert parameter.grad is not None
            assert torch.equal(parameter.grad, before[name])
    for name, parameter in with_muon.named_parameters():
        is_same = torch.equal(parameter, with_adamw.get_parameter(name))
        assert is_same == (parameter.ndim == 1), name


def test_weight_decay_pulls_matrices_alone() -> None:
    """Without gradients, weights shrink by rate times decay, and biases stay."""
    moved = network()
    before = copy.deepcopy(moved)
    for parameter in moved.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser("muon", moved, decay=0.5).step()
    for name, parameter in moved.named_parameters():
        share = 1 - 0.01 * 0.5 if parameter.ndim > 1 else 1.0
        assert torch.allclose(parameter, before.get_parameter(name) * share, rtol=1e-6, atol=0)


def test_a_closure_is_called_with_gradients() -> None:
    """It works as with any torch optimiser."""
    weight = nn.Parameter(torch.eye(3))
    rule = Muon([{"params": [weight], "orthogonal": True}], lr=0.1)

    def closure() -> Tensor:
        rule.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert rule.step(closure) > rule.step(closure)


def test_without_the_mark_it_is_adamw() -> None:
    """A group without `orthogonal` moves as under AdamW."""
    first, second = (nn.Parameter(torch.ones(3, 3)) for _ in range(2))
    for weight, rule in ((first, Muon([first], lr=0.1)), (second, AdamW([second], lr=0.1))):
        weight.grad = torch.arange(9.0).view(3, 3)
        rule.step()
    assert torch.equal(first, second)
