"""Starting from a model with another front end, and projections that read row statistics."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from embedder.audio.excerpts import load_excerpts
from embedder.config.dataset import DatasetConfig
from embedder.config.model import FrontEndConfig, ModelConfig
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.datasets.files import audio_files_below
from embedder.encoding.encoder import TrackEncoder
from embedder.errors import BadInput, ConfigError
from embedder.features.building import build_front_end
from embedder.models.card import read_card
from embedder.models.exporting import export_model
from embedder.models.fingerprint import network_fingerprint
from embedder.models.importing import import_model
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork, seeded_network
from embedder.training.start.closed_form import Affine
from embedder.training.start.fitting import fitted_projection
from embedder.training.start.inheriting import base_model, config_from, inherited_network
from embedder.training.train import train
from tests.embedder.rich_sets import HEARS, write_audio_set
from tests.embedder.small_sets import small_config

LOGARITHMIC = FrontEndConfig(
    kind="log-frequency", sample_rate=8000, fft_size=1024, n_bins=60, n_columns=24
)
"""What made the pictures; HEARS hears 16 mel bands in 10 columns."""


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio_set(tmp_path_factory.mktemp("audio"), seconds=0.5)


@pytest.fixture(scope="module")
def pictures(audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectrograms of the same tracks by another front end."""
    folder = tmp_path_factory.mktemp("pictures")
    front_end = build_front_end(LOGARITHMIC)
    lines, arrays, names = ["track,genre,split"], [], []
    for number, path in enumerate(audio_files_below(audio)):
        excerpts = load_excerpts(path, HEARS.excerpts, sample_rate=8000)
        levels = front_end(torch.from_numpy(excerpts.samples[:1]), 8000)
        arrays.append(np.rint(levels[0].numpy() * 255).astype(np.uint8))
        side = "validation" if number % 4 == 3 else "training"
        lines.append(f"{path.stem},{path.parent.name},{side}")
        names.append(path.stem)
    np.savez(folder / "spectrograms.npz", spectrogram=np.stack(arrays), track=np.array(names))
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("start") / "model"
    save_model(folder, seeded_network(HEARS, seed=1))
    return str(folder)


def translating_config(start: str, *, rows: bool = False, **transfer: bool) -> TrainingConfig:
    config = small_config(epochs=0)
    model = dataclasses.replace(
        HEARS,
        front_end=LOGARITHMIC,
        backbone=dataclasses.replace(HEARS.backbone, row_statistics=rows),
    )
    transfer = {"translate": True, "freeze": True, "fit": True, **transfer}
    return dataclasses.replace(config, model=model, transfer=TransferConfig(start, **transfer))


@pytest.mark.parametrize("rows", [False, True])
def test_a_model_of_audio_learns_from_other_pictures(
    audio: Path, pictures: Path, start: str, tmp_path: Path, *, rows: bool
) -> None:
    """After a fit on pictures, a track's audio is near its picture."""
    result = train(pictures, translating_config(start, rows=rows), tmp_path / "run")
    assert result.scores["accuracy"] == 1.0
    model = load_model(tmp_path / "run")
    assert model.config.translated_to == HEARS.front_end
    encoder = TrackEncoder(model, device="cpu")
    levels = torch.from_numpy(np.load(pictures / "spectrograms.npz")["spectrogram"]) / 255.0
    assert isinstance(model.network, EmbeddingNetwork)
    with torch.inference_mode():
        shown = model.network(levels).numpy()
    shown /= np.linalg.norm(shown, axis=1, keepdims=True)
    audio_vectors = np.stack([encoder.encode(path).vector for path in audio_files_below(audio)])
    likeness = shown @ audio_vectors.T
    assert np.diag(likeness).min() > 0.99


def test_translated_vectors_are_near_those_of_the_audio(
    audio: Path, pictures: Path, start: str
) -> None:
    """For an untrained network, a track's audio is among the nearest to its picture."""
    config = config_from(translating_config(start), load_model(start))
    network = inherited_network(load_model(start), config.model, seed=0).eval()
    levels = torch.from_numpy(np.load(pictures / "spectrograms.npz")["spectrogram"]) / 255.0
    with torch.inference_mode():
        shown = network(levels).numpy()
    shown /= np.linalg.norm(shown, axis=1, keepdims=True)
    encoder = TrackEncoder(load_model(start), device="cpu")
    audio_vectors = np.stack([encoder.encode(path).vector for path in audio_files_below(audio)])
    likeness = shown @ audio_vectors.T
    places = (likeness > np.diag(likeness)[:, None]).sum(axis=1)
    assert np.median(places) <= 3  # of sixteen; by chance 7.5


def test_rows_beside_the_backbone_do_not_count_before_training(start: str) -> None:
    """Vectors stay the same; the new features are statistics of each row."""
    base = load_model(start)
    assert isinstance(base.network, EmbeddingNetwork)
    backbone = dataclasses.replace(HEARS.backbone, row_statistics=True)
    network = inherited_network(base, dataclasses.replace(HEARS, backbone=backbone), seed=0).eval()
    levels = torch.rand(5, 16, 10, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(network(levels), base.network(levels), atol=1e-6)
    n_pooled, n_rows = network.feature_sizes
    assert (n_pooled, n_rows) == (base.network.feature_size, 3 * 16)
    rows = network.features(levels)[:, n_pooled:].detach().numpy()
    values = levels.numpy()
    steps = np.abs(np.diff(values, axis=2)).mean(axis=2)
    statistics = np.concatenate([values.mean(axis=2), values.std(axis=2), steps], axis=1)
    np.testing.assert_allclose(rows, statistics, atol=1e-6)
    with pytest.raises(BadInput, match="at least 4"):
        network(levels[:, :, :3])


def test_a_kind_of_features_weighs_the_same_however_many_it_has() -> None:
    """Three copies of each feature of one kind change no distance."""
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(40, 5)), generator.normal(size=(40, 8)) * 10
    targets = np.eye(3)[np.arange(40) % 3]

    def likeness(*kinds: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        features = np.hstack(kinds)
        base = Affine(np.zeros((4, features.shape[1])), np.zeros(4))
        sizes = [kind.shape[1] for kind in kinds]
        vectors = fitted_projection(
            features, targets, base, size=8, transfer=TransferConfig(), sizes=sizes
        )(features)
        return vectors @ vectors.T

    np.testing.assert_allclose(
        likeness(first, second), likeness(np.tile(first, 3), second), atol=1e-9
    )


def test_a_last_run_learns_from_the_validation_side_too(
    pictures: Path, start: str, tmp_path: Path
) -> None:
    """It measures nothing, and its card says so."""
    config = translating_config(start)
    config = dataclasses.replace(config, dataset=DatasetConfig(learn_validation=True))
    result = train(pictures, config, tmp_path / "run")
    assert result.scores == {}
    card_split = read_card(tmp_path / "run" / "best").facts["data"]["split"]
    assert card_split.endswith("validation side used for training too")


def test_a_translation_is_part_of_the_fingerprint(start: str) -> None:
    """Also if the target front end has only default settings."""
    plain = ModelConfig(front_end=LOGARITHMIC)
    translating = dataclasses.replace(plain, translated_to=FrontEndConfig())
    assert network_fingerprint(plain, {}) != network_fingerprint(translating, {})


def test_a_translated_model_is_exported_as_onnx(
    audio: Path, pictures: Path, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The imported file gives the same vectors."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    train(pictures, translating_config(start, rows=True), tmp_path / "run")
    onnx, toml = export_model(tmp_path / "run", tmp_path / "translated.onnx")
    import_model(onnx, name="translated", spec=toml)
    path = next(iter(audio_files_below(audio)))
    vector, onnx_vector = (
        TrackEncoder.load(name, device="cpu").encode(path).vector
        for name in (tmp_path / "run", "translated")
    )
    assert float(vector @ onnx_vector) > 0.9999


def test_what_cannot_be_translated_is_refused(pictures: Path, start: str, tmp_path: Path) -> None:
    """No start, nothing to translate, or row statistics of the start's own front end."""
    with pytest.raises(ConfigError, match="give --from MODEL"):
        base_model(TransferConfig(translate=True))
    config = translating_config(start)
    same = dataclasses.replace(
        config, model=dataclasses.replace(config.model, front_end=HEARS.front_end)
    )
    with pytest.raises(ConfigError, match=r"uses model\.front_end already"):
        train(pictures, same, tmp_path / "same")
    train(pictures, translating_config(start, rows=True), tmp_path / "rows")
    again = translating_config(str(tmp_path / "rows" / "best"))
    finer = dataclasses.replace(LOGARITHMIC, n_bins=61)
    again = dataclasses.replace(again, model=dataclasses.replace(again.model, front_end=finer))
    with pytest.raises(ConfigError, match="reads the row statistics of its own front end"):
        train(pictures, again, tmp_path / "again")
    forgotten = dataclasses.replace(
        config, transfer=TransferConfig(start, freeze=True, fit=True, translate=False)
    )
    with pytest.raises(Exception, match=r"set transfer\.translate=true as well"):
        train(pictures, forgotten, tmp_path / "forgotten")
