"""Networks from settings: shapes, refusals, seeds and costs."""

from typing import Any, get_args

import pytest
import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from embedder.config.model import (
    ActivationKind,
    BackboneConfig,
    ExcerptConfig,
    FrontEndConfig,
    ModelConfig,
)
from embedder.errors import BadInput, ConfigError, UnknownChoice
from embedder.networks.activations import ACTIVATIONS, build_activation
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import BACKBONES, EmbeddingNetwork, seeded_network
from embedder.networks.pooling import POOLINGS, build_pooling
from embedder.networks.profile import input_shape_of, profile_network
from embedder.networks.stages import least_columns


def small(kind: str = "plain-cnn", **settings: Any) -> ModelConfig:
    """A network of three narrow stages on a spectrogram of 20 rows, or on a waveform."""
    front_end = FrontEndConfig(kind="waveform" if kind == "waveform-cnn" else "log-mel", n_bins=20)
    values: dict[str, Any] = {"kind": kind, "filters": (4, 6, 8), **settings}
    return ModelConfig(
        front_end=front_end,
        backbone=BackboneConfig(**values),
        embedding_size=5,
    )


def noise(
    network: EmbeddingNetwork, *, n: int = 3, columns: int = 40, seed: int = 0
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, network.n_rows, columns, generator=generator)


@pytest.mark.parametrize("kind", BACKBONES)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_backbone_with_every_pooling_gives_unit_vectors(kind: str, pooling: str) -> None:
    """A vector of the given size on the geometry, for all settings."""
    network = seeded_network(small(kind, pooling=pooling), seed=1).eval()
    vectors = network(noise(network))
    assert vectors.shape == (3, 5)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert not torch.allclose(vectors[0], vectors[1])


@pytest.mark.parametrize("kind", BACKBONES)
@pytest.mark.parametrize(
    "settings",
    [
        {"kernel": 5, "pool": 3},
        {"stride": 2},
        {"stride": 3, "pool": 1},
        {"convolutions_per_stage": 2, "dropout": 0.3},
        {"filters": (3, 3, 4, 4, 5, 5, 6)},
    ],
)
def test_the_least_columns_suffice_and_fewer_are_refused(
    kind: str, settings: dict[str, Any]
) -> None:
    """The stated minimum works, and one column less is refused."""
    network = seeded_network(small(kind, **settings), seed=1).eval()
    least = network.least_columns
    assert network(noise(network, columns=least)).shape == (3, 5)
    assert network.backbone(noise(network, columns=least)).shape[-1] == 1
    if least > 1:
        with pytest.raises(BadInput, match=f"{least - 1} columns.*at least {least}"):
            network(noise(network, columns=least - 1))


def test_a_spectrogram_of_few_rows_still_passes_many_stages() -> None:
    """Stages with too few rows do not pool them, so 20 rows are enough for seven stages."""
    network = seeded_network(small(filters=(2,) * 7), seed=0).eval()
    assert network.feature_size == 2 * 2  # one row of two filters, mean and deviation


def test_longer_audio_gives_as_many_numbers() -> None:
    """The size of the vector does not depend on the length of the excerpt."""
    network = seeded_network(small(), seed=0).eval()
    assert network(noise(network, columns=33)).shape == network(noise(network, columns=90)).shape


def test_a_vector_does_not_depend_on_its_batch() -> None:
    """In eval mode an excerpt has the same vector alone and in a batch."""
    network = seeded_network(small("short-chunk"), seed=0).eval()
    batch = noise(network)
    assert torch.allclose(network(batch)[1], network(batch[1:2])[0], atol=1e-6)


def test_channels_last_gives_the_same_vectors() -> None:
    """The memory order does not change the result."""
    network = seeded_network(small("short-chunk"), seed=0).eval()
    batch = noise(network)
    expected = network(batch)
    convert_conv2d_weight_memory_format(network, torch.channels_last)
    assert torch.allclose(network(batch), expected, atol=1e-6)


def test_bf16_autocast_stays_near_float32() -> None:
    """Under autocast the vectors are float32 and almost the same."""
    network = seeded_network(small(), seed=0).eval()
    batch = noise(network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = network(batch)
    assert vectors.dtype == torch.float32
    assert torch.cosine_similarity(vectors, network(batch)).min() > 0.999


def test_a_seed_fixes_the_weights_and_leaves_torchs_own_generator_alone() -> None:
    """Equal seeds give equal networks, and the global state stays the same."""
    state = torch.random.get_rng_state()
    first, again, other_seed = (seeded_network(small(), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.projection.weight, again.projection.weight)
    assert not torch.equal(first.projection.weight, other_seed.projection.weight)


def test_a_fresh_poincare_network_starts_off_the_rim() -> None:
    """Vectors on the rim would get no gradient inwards."""
    config = ModelConfig(geometry="poincare", backbone=BackboneConfig(filters=(8, 8, 8, 8)))
    network = seeded_network(config, seed=0)
    lengths = network(noise(network, n=8, columns=64)).norm(dim=1)
    assert lengths.min() > 0.01
    assert lengths.max() < 0.95


def test_every_parameter_learns() -> None:
    """Every parameter has a gradient."""
    for kind in BACKBONES:
        network = seeded_network(small(kind, pooling="attention"), seed=0)
        total = (network(noise(network)) * torch.arange(5.0)).sum()
        parameters = list(network.parameters())
        gradients = torch.autograd.grad(total, parameters, allow_unused=True)
        assert all(gradient is not None for gradient in gradients)


def test_rows_that_do_not_fit_are_named() -> None:
    """The error has both shapes."""
    network = seeded_network(small(), seed=0)
    with pytest.raises(BadInput, match=r"\[1, 21, 40\].*\[batch, 20, columns\]"):
        network(torch.zeros(1, 21, 40))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": ()}, "one count for each stage"),
        ({"filters": (4, 0)}, "one count for each stage"),
        ({"kernel": 4}, "odd"),
        ({"pool": 0}, "at least 1"),
        ({"stride": 0}, "at least 1"),
        ({"convolutions_per_stage": 0}, "at least 1"),
        ({"dropout": 1.0}, "below 1"),
        ({"time_stages": -1}, "0 or more"),
        ({"kind": "waveform-cnn", "time_stages": 1}, "covers only time"),
    ],
)
def test_settings_without_a_network_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the setting and what is possible."""
    with pytest.raises(ConfigError, match=message):
        EmbeddingNetwork(small(**settings))


def test_unknown_backbones_and_poolings_list_the_known_ones() -> None:
    """Names from outside the type checker are checked at run time."""
    with pytest.raises(UnknownChoice, match="crnn, moments, plain-cnn, short-chunk, waveform-cnn"):
        EmbeddingNetwork(small("resnet"))
    with pytest.raises(UnknownChoice, match="attention, max, mean, statistics"):
        build_pooling("median", n_features=3)


@pytest.mark.parametrize("activation", get_args(ActivationKind))
@pytest.mark.parametrize("kind", BACKBONES)
def test_every_backbone_takes_every_activation(kind: str, activation: str) -> None:
    """The chosen function is the only one in the network, and the gradient passes through it."""
    network = seeded_network(small(kind, activation=activation), seed=0)
    functions = {type(build_activation(name)) for name in ACTIVATIONS}
    used = {type(module) for module in network.modules()} & functions
    assert used == {type(build_activation(activation))}
    network(noise(network)).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_an_unknown_activation_lists_the_known_ones() -> None:
    """A name that the type checker did not see is still checked."""
    with pytest.raises(UnknownChoice, match="elu, gelu, leaky-relu, prelu, relu, sigmoid, tanh"):
        build_activation("swish")


@pytest.mark.parametrize(("kind", "depends"), [("crnn", True), ("plain-cnn", False)])
def test_only_a_recurrent_network_depends_on_the_order_of_columns(kind: str, depends: bool) -> None:
    """A rise and a fall of level differ for it; the mean over time of other features is equal."""
    network = seeded_network(small(kind, pooling="mean", kernel=1, pool=1), seed=0).eval()
    rise = torch.linspace(0, 20, 40).expand(1, network.n_rows, 40)
    is_equal = torch.allclose(network.features(rise), network.features(rise.flip(2)), atol=1e-3)
    assert is_equal != depends


@pytest.mark.parametrize("kind", ["plain-cnn", "short-chunk"])
@pytest.mark.parametrize("settings", [{"stride": 2, "pool": 1}, {"pool": 2}])
def test_later_stages_can_leave_time_alone(kind: str, settings: dict[str, Any]) -> None:
    """A change in one column changes the output only near that column."""
    network = seeded_network(small(kind, time_stages=1, **settings), seed=1).eval()
    assert network.least_columns == least_columns(BackboneConfig(filters=(4,), **settings))
    batch = noise(network)
    features = network.backbone(batch)
    assert features.shape[-1] == 20
    changed = batch.clone()
    changed[:, :, 20] = 1.0
    is_other = (network.backbone(changed) - features).abs().amax(dim=(0, 1)) > 0
    assert set(is_other.nonzero().flatten().tolist()) <= {9, 10, 11}
    assert is_other.any()


def test_a_waveform_needs_the_waveform_network() -> None:
    """A 2-D network on a waveform is refused."""
    config = ModelConfig(front_end=FrontEndConfig(kind="waveform"))
    with pytest.raises(ConfigError, match="use waveform-cnn"):
        EmbeddingNetwork(config)


def test_pooling_does_what_its_name_says() -> None:
    """Mean, maximum, and mean with deviation equal results by hand."""
    features = torch.tensor([[[1.0, 3.0], [2.0, 2.0]]])
    pooled = {
        kind: build_pooling(kind, n_features=2)(features) for kind in ("mean", "max", "statistics")
    }
    assert pooled["mean"].tolist() == [[2.0, 2.0]]
    assert pooled["max"].tolist() == [[3.0, 2.0]]
    assert torch.allclose(pooled["statistics"], torch.tensor([[2.0, 2.0, 1.0, 0.0]]), atol=4e-3)


def test_attention_weights_sum_to_one() -> None:
    """For features that are constant over time, attention gives the features."""
    pooling = build_pooling("attention", n_features=4)
    constant = torch.arange(4.0)[None, :, None].expand(2, 4, 9)
    assert torch.allclose(pooling(constant), constant[:, :, 0], atol=1e-5)


def test_the_profile_of_a_small_network_is_what_a_hand_counts() -> None:
    """For two stages on 8 rows and 10 columns, weights and products add up."""
    config = ModelConfig(
        excerpts=ExcerptConfig(excerpt_seconds=1.0),
        front_end=FrontEndConfig(n_bins=8, n_columns=10),
        backbone=BackboneConfig(filters=(2, 3), pooling="mean"),
        embedding_size=4,
    )
    profile = profile_network(config)
    convolutions = 8 * 10 * 2 * (9 * 1) + 4 * 5 * 3 * (9 * 2)
    projection = (3 * 2) * 4  # two rows of three filters are left
    assert profile.input_shape == (8, 10)
    assert profile.multiply_adds == convolutions + projection
    row_norm, first, second = 2 * 8, 9 * 2 + 2 * 2, 9 * 2 * 3 + 2 * 3
    assert profile.n_parameters == row_norm + first + second + projection + 4
    assert profile.layers[-1].name == "projection"
    assert profile.layers[-1].output_shape == (4,)


@pytest.mark.parametrize("kind", BACKBONES)
def test_the_profile_counts_every_parameter(kind: str) -> None:
    """The sum over layers is the sum over the network."""
    config = small(kind, pooling="attention", stride=2)
    n_parameters = sum(p.numel() for p in EmbeddingNetwork(config).parameters())
    assert profile_network(config).n_parameters == n_parameters


def test_the_profile_knows_how_long_an_excerpt_is() -> None:
    """Three seconds at 22,050 Hz are 130 frames, or 66,150 samples."""
    assert input_shape_of(ModelConfig()) == (128, 130)
    waveform = ModelConfig(front_end=FrontEndConfig(kind="waveform"))
    assert input_shape_of(waveform) == (1, 66150)


def test_least_columns_of_the_default_network() -> None:
    """Four stages that halve time need sixteen columns."""
    assert least_columns(BackboneConfig()) == 16


@pytest.mark.parametrize("kind", BACKBONES)
def test_fusing_changes_the_speed_and_not_the_vectors(kind: str) -> None:
    """After training, the fused copy agrees, and the original is unchanged."""
    network = seeded_network(small(kind, convolutions_per_stage=2, dropout=0.1), seed=0)
    for _ in range(3):
        network.train()(noise(network))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fused = fused_for_inference(network)
    assert torch.allclose(fused(noise(network)), network.eval()(noise(network)), atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    if kind != "moments":  # whose perceptron costs next to nothing
        assert not any(isinstance(module, nn.BatchNorm1d) for module in fused.backbone.modules())
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
