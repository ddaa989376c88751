"""The backbone of second moments, and networks of several backbones."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from embedder.config.loading import configure, from_dict, to_dict
from embedder.config.model import BackboneConfig, FrontEndConfig, ModelConfig
from embedder.config.transfer import TransferConfig
from embedder.errors import ConfigError
from embedder.features.building import build_front_end
from embedder.models.description import describe_model
from embedder.models.exporting import export_model
from embedder.models.fingerprint import network_fingerprint
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.fusion import fused_for_inference
from embedder.networks.moments import Moments, cosine_transform, eighth_root, moments_of
from embedder.networks.network import EmbeddingNetwork, seeded_network
from embedder.networks.profile import profile_network
from embedder.training.train import train
from tests.embedder.small_sets import small_config

CNN = BackboneConfig(kind="short-chunk", filters=(4, 6), pool=1, stride=2)
MOMENTS = BackboneConfig(kind="moments", filters=(3, 8, 6), dropout=0.2)
PLAIN = BackboneConfig(kind="moments", filters=(3,))


def config(backbone: BackboneConfig, *beside: BackboneConfig, rows: int = 16) -> ModelConfig:
    front_end = FrontEndConfig(n_bins=rows)
    return ModelConfig(front_end=front_end, backbone=backbone, beside=beside, embedding_size=5)


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def test_moments_are_those_that_numpy_computes() -> None:
    """Means, deviations, and eighth roots of the covariances of levels and steps agree."""
    rows, coefficients = noise(2, 7, 30), noise(2, 4, 30) * 9
    moments = moments_of(rows, coefficients, n=4).numpy()
    upper = np.triu_indices(4)
    for track in range(2):
        track_rows, moving = rows[track].numpy(), coefficients[track].numpy()
        steps = np.diff(moving, axis=1)
        parts = [track_rows.mean(1), track_rows.std(1), moving.mean(1)]
        # The mean step is no offset: it is part of it.
        for together in (np.cov(moving, bias=True), steps @ steps.T / steps.shape[1]):
            sizes, directions = np.linalg.eigh(together + 0.01 * np.eye(4))
            parts.append(((directions * sizes**0.125) @ directions.T)[upper])
        assert np.allclose(moments[track], np.concatenate(parts), atol=2e-3)


@pytest.mark.parametrize("n", [1, 3, 48])
def test_eighth_roots_hold_whatever_the_spread(n: int) -> None:
    """They agree with eigenvalues in float64, also for nearly singular matrices."""
    generator = np.random.default_rng(n)
    directions = np.linalg.qr(generator.normal(size=(20, n, n)))[0]
    sizes = 0.01 * 10 ** generator.uniform(0, 3.5, size=(20, 1, n))
    matrices = (directions * sizes) @ directions.transpose(0, 2, 1)
    roots = eighth_root(torch.tensor(matrices, dtype=torch.float32)).double().numpy()
    exact = (directions * sizes**0.125) @ directions.transpose(0, 2, 1)
    assert np.abs(roots - exact).max() < 0.01


def test_the_map_begins_as_a_cosine_transform() -> None:
    """Its rows are orthogonal, so that no coefficient repeats another."""
    rows = cosine_transform(6, n_rows=16)
    assert torch.allclose(rows @ rows.T, torch.diag(torch.tensor([2.0, 1, 1, 1, 1, 1])), atol=1e-5)


def test_a_lone_number_gives_the_moments_themselves() -> None:
    """With one number in `filters`, the features are the moments."""
    network = seeded_network(config(PLAIN), seed=0).eval()
    levels = noise(2, 16, 30)
    assert network.feature_size == 2 * 16 + 3 * 5
    normalised = network.row_norm(levels)
    coefficients = cosine_transform(3, n_rows=16) @ normalised
    assert torch.allclose(
        network.features(levels), moments_of(normalised, coefficients, n=3), atol=1e-4
    )


@pytest.mark.parametrize("level", [0.0, 0.7])
def test_silence_and_a_still_sound_have_vectors_and_slopes(level: float) -> None:
    """Constant levels give finite vectors and gradients."""
    network = seeded_network(config(MOMENTS), seed=0).train()
    levels = torch.full((4, 16, 30), level) + noise(4, 1, 1) * 0.1
    levels.requires_grad_()
    network(levels).square().sum().backward()
    assert levels.grad is not None
    assert torch.isfinite(levels.grad).all()
    assert torch.isfinite(network.eval()(levels)).all()


def test_moments_change_by_the_ratio_of_movements() -> None:
    """Sixteen times the deviation gives twice the roots."""
    moving = noise(1, 4, 50) * 9
    means = moving.mean(dim=2, keepdim=True)
    plain_moments, louder_moments = (
        moments_of(moving, m, n=4)[0] for m in (moving, means + 16 * (moving - means))
    )
    assert torch.equal(plain_moments[:8], louder_moments[:8])
    assert torch.allclose(
        plain_moments[8:12], louder_moments[8:12], atol=1e-4
    )  # the means of the coefficients
    large = plain_moments[12:].abs() > 0.1
    assert torch.allclose(
        louder_moments[12:][large] / plain_moments[12:][large], torch.tensor(2.0), atol=0.02
    )


def test_scales_are_learnt_without_training() -> None:
    """After `learn_scale`, coefficients have unit variance for any spread of the levels."""
    levels = noise(8, 16, 30)
    results = []
    for factor in (1.0, 0.2):
        backbone = Moments(PLAIN, n_rows=16).eval()
        backbone.learn_scale(factor * levels)
        results.append(backbone(factor * levels)[:, 32:])
    assert torch.allclose(results[0], results[1], atol=2e-3)


def test_several_backbones_side_by_side_are_each_what_they_are_alone() -> None:
    """The projection reads the features of all; profile and fused copy agree."""
    with_all = seeded_network(config(CNN, MOMENTS, PLAIN), seed=1).eval()
    levels = noise(3, 16, 40)
    parts = []
    for at, backbone in enumerate((CNN, MOMENTS, PLAIN)):
        alone = EmbeddingNetwork(config(backbone)).eval()
        branch = with_all if at == 0 else with_all.beside[at - 1]
        for part in ("row_norm", "backbone"):
            getattr(alone, part).load_state_dict(getattr(branch, part).state_dict())
        parts.append(alone.features(levels))
    assert with_all.feature_sizes == tuple(part.shape[1] for part in parts)
    assert torch.allclose(with_all.features(levels), torch.cat(parts, dim=1), atol=1e-5)
    assert torch.allclose(fused_for_inference(with_all)(levels), with_all(levels), atol=1e-4)
    n_parameters = sum(p.numel() for p in with_all.parameters())
    assert profile_network(with_all.config).n_parameters == n_parameters


def test_a_network_of_several_backbones_is_saved_and_told_apart(tmp_path: Path) -> None:
    """TOML, weights and fingerprint contain the further backbones."""
    network = seeded_network(config(CNN, MOMENTS, PLAIN), seed=1).eval()
    assert from_dict(ModelConfig, to_dict(network.config)) == network.config
    assert configure(network.config, assignments=["beside.1.filters=[9]"]).beside[1].filters == (9,)
    save_model(
        tmp_path / "model", network, front_end=build_front_end(network.config.front_end), name="m"
    )
    levels = noise(2, 16, 40)
    loaded = load_model(tmp_path / "model").network
    assert torch.allclose(loaded(levels), network(levels), atol=1e-6)
    prints = {
        network_fingerprint(config(CNN, *beside), {}) for beside in ((), (PLAIN,), (MOMENTS,))
    }
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("backbones", "reason"),
    [
        ((CNN, BackboneConfig(kind="moments", filters=())), "one count for each stage"),
        ((BackboneConfig(kind="moments", time_stages=1),), "no stages"),
        ((CNN, BackboneConfig(row_statistics=True)), "read once"),
    ],
)
def test_settings_of_further_backbones_are_checked(
    backbones: tuple[BackboneConfig, ...], reason: str
) -> None:
    """A bad setting of any backbone is refused, and so are row statistics in a further one."""
    with pytest.raises(ConfigError, match=reason):
        EmbeddingNetwork(config(*backbones))


def test_moments_stay_near_float32_in_half_precision() -> None:
    """Sums of products are computed in float32 under autocast."""
    network: Moments = Moments(MOMENTS, n_rows=16).eval()
    levels = noise(4, 16, 60)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = network(levels).float()
    assert torch.allclose(half, network(levels), atol=0.05)


def write_set_of_movements(folder: Path) -> Path:
    """Spectrograms with equal row means and deviations, whose rows correlate by genre."""
    generator = np.random.default_rng(0)
    arrays, lines = [], ["track,genre,artist,split"]
    for number in range(96):
        genre, sign = ("together", 1) if number % 2 else ("against", -1)
        moves = generator.normal(0, 30, size=(8, 40))
        rows = np.vstack([moves, sign * moves]) + generator.normal(0, 10, size=(16, 40))
        arrays.append(np.clip(rows + 128, 0, 255).astype(np.uint8))
        split = "validation" if number % 12 >= 8 else "training"
        lines.append(f"t{number:03},{genre},{genre} artist {number // 4},{split}")
    folder.mkdir()
    names = np.array([line.split(",")[0] for line in lines[1:]])
    np.savez(folder / "spectrograms.npz", spectrogram=np.stack(arrays), track=names)
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_run_learns_what_only_correlations_tell(tmp_path: Path) -> None:
    """Neighbours agree on the correlation of rows, with and without --fit."""
    data = write_set_of_movements(tmp_path / "set")
    base = small_config(epochs=8)
    front_end = FrontEndConfig(n_bins=16, n_columns=40)
    backbone = BackboneConfig(kind="moments", filters=(8, 16, 16, 16))
    config = dataclasses.replace(
        base, model=dataclasses.replace(base.model, front_end=front_end, backbone=backbone)
    )
    result = train(data, config, tmp_path / "run")
    assert result.scores["accuracy"] >= 0.9
    assert load_model(tmp_path / "run" / "best").config.backbone.kind == "moments"
    transfer = TransferConfig(checkpoint=str(tmp_path / "run" / "best"), freeze=True, fit=True)
    fitted = train(data, dataclasses.replace(config, transfer=transfer), tmp_path / "fitted")
    assert fitted.scores["accuracy"] >= 0.9


def test_a_network_of_several_backbones_is_exported(tmp_path: Path) -> None:
    """The ONNX file gives the same vectors, and its description has all backbones."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    network = seeded_network(config(CNN, MOMENTS, PLAIN), seed=1).eval()
    front_end = build_front_end(network.config.front_end)
    save_model(tmp_path / "model", network, front_end=front_end, name="m")
    described = describe_model(tmp_path / "model")
    assert [beside["kind"] for beside in described.beside] == ["moments", "moments"]
    (exported, *_) = export_model(str(tmp_path / "model"), tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(exported)
    name = session.get_inputs()[0].name
    levels = noise(2, 16, 40)
    (onnx_vectors,) = session.run(None, {name: levels.numpy()})
    assert np.allclose(onnx_vectors, network(levels).detach().numpy(), atol=1e-4)
