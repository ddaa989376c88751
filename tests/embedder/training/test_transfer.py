"""Starting from another model: frozen parts stay, and their features are computed once."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import torch as safetensors

from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.model import BackboneConfig, ModelConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.tagger import TrackTagger
from embedder.errors import ConfigError, CorruptArtefact, DatasetError, FingerprintMismatch
from embedder.models.card import read_card
from embedder.models.kinds.network import save_model
from embedder.models.kinds.projection import PROJECTION_NAME, Projection
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network
from embedder.training.feeding.frozen_vectors import VectorSource
from embedder.training.run import TrainingRun
from embedder.training.settings import TrainingRequest, training_config
from embedder.training.start.inheriting import base_model, config_from
from embedder.training.train import open_run, train
from tests.embedder.rich_sets import HEARS, write_audio_set
from tests.embedder.small_sets import small_config


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio_set(tmp_path_factory.mktemp("audio"), seconds=1.0)


@pytest.fixture(scope="module")
def start(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model after one epoch, with running normalisation."""
    config = small_config(epochs=1)
    front_end = dataclasses.replace(config.model.front_end, normalisation="running")
    config = dataclasses.replace(
        config, model=dataclasses.replace(config.model, front_end=front_end)
    )
    folder = tmp_path_factory.mktemp("first")
    open_run(data, config, folder).run()
    return folder / "best"


def opened(data: Path, config: TrainingConfig, folder: Path) -> TrainingRun:
    """A run as `train` opens it."""
    base = base_model(config.transfer)
    folder.mkdir()
    return open_run(data, config_from(config, base), folder, base=base)


def frozen(start: Path, **settings: object) -> TrainingConfig:
    return dataclasses.replace(
        small_config(),
        transfer=TransferConfig(str(start), freeze=True),
        **settings,  # type: ignore[arg-type]  # of the configuration
    )


@pytest.mark.parametrize("augmentation", [AugmentationConfig(), AugmentationConfig(noise=0.05)])
def test_only_the_projection_changes(
    data: Path, start: Path, tmp_path: Path, augmentation: AugmentationConfig
) -> None:
    """All other weights and statistics are equal to the bit."""
    opened(data, frozen(start, augmentation=augmentation), tmp_path / "run").run()
    before, after = (
        safetensors.load_file(folder / "weights.safetensors")
        for folder in (start, tmp_path / "run" / "last")
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"network.projection.weight", "network.projection.bias"}


def test_nothing_drops_out_of_a_frozen_backbone(data: Path, start: Path, tmp_path: Path) -> None:
    """Its features in training equal those of inference."""
    config = frozen(start, augmentation=AugmentationConfig(noise=0.05))
    network = opened(data, config, tmp_path / "run").start.network
    spectrogram = torch.rand(3, 16, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        in_training = network.train()(spectrogram)
        in_inference = network.eval()(spectrogram)
    assert torch.equal(in_training, in_inference)


def test_features_of_a_frozen_backbone_are_computed_once(
    data: Path, start: Path, tmp_path: Path
) -> None:
    """The loop's inputs are the backbone's features of the excerpts."""
    run = opened(data, frozen(start), tmp_path / "run")
    assert isinstance(run.source, VectorSource)
    model = load_model(start)
    prepared = open_run(data, small_config(), tmp_path / "run").source
    with torch.no_grad():
        levels = model.front_end.normalisation(prepared.excerpts(7))  # type: ignore[attr-defined]  # a FrontEnd
        old_features = model.network.features(levels)  # type: ignore[attr-defined]  # an EmbeddingNetwork
    assert torch.allclose(run.source.excerpts(7)[:, :, 0], old_features, atol=1e-5)


def test_a_head_on_features_learns_as_one_on_spectrograms(
    data: Path, start: Path, tmp_path: Path
) -> None:
    """Training on stored features gives the same weights, up to rounding."""
    slow = AugmentationConfig(noise=1e-9)  # not off, and nothing that could be seen
    opened(data, frozen(start), tmp_path / "quick").run()
    opened(data, frozen(start, augmentation=slow), tmp_path / "slow").run()
    quick, full = (
        safetensors.load_file(tmp_path / name / "last" / "weights.safetensors")
        for name in ("quick", "slow")
    )
    name = "network.projection.weight"
    assert torch.allclose(quick[name], full[name], atol=1e-3)


def test_a_frozen_run_has_the_scores_of_its_model(data: Path, start: Path, tmp_path: Path) -> None:
    """The scores of a head on features equal those of the saved model."""
    run = opened(data, frozen(start), tmp_path / "run")
    result = run.run()
    plain = open_run(data, small_config(), tmp_path / "run")
    model = load_model(tmp_path / "run" / "best")
    held_out = dataclasses.replace(plain.held_out, references=plain.loop.parts.rows)
    scores = held_out(model.network, model.front_end)  # type: ignore[arg-type]  # our own kinds
    assert scores["accuracy"] == pytest.approx(result.scores["accuracy"])
    assert scores["map"] == pytest.approx(result.scores["map"], abs=1e-6)


def test_a_run_has_the_input_of_its_start(data: Path, start: Path, tmp_path: Path) -> None:
    """Front end and backbone come from the checkpoint, not from the settings."""
    config = frozen(start)
    other_model = dataclasses.replace(config.model, backbone=BackboneConfig(filters=(32, 32)))
    run = opened(data, dataclasses.replace(config, model=other_model), tmp_path / "run")
    assert run.config.model.backbone == load_model(start).config.backbone
    assert run.config.model.front_end.normalisation == "running"


def test_a_frozen_start_takes_no_augmentation_from_a_preset(start: Path) -> None:
    """The preset's augmentation is off; the user's own settings stay."""
    assert training_config(
        TrainingRequest("tiny", checkpoint=str(start), freeze=True)
    ).augmentation.is_off
    translated_config = training_config(
        TrainingRequest(
            "tiny", assignments=("augmentation.noise=0.1",), checkpoint=str(start), freeze=True
        )
    )
    assert translated_config.augmentation == AugmentationConfig(noise=0.1)
    assert not training_config(TrainingRequest("tiny", checkpoint=str(start))).augmentation.is_off


def projecting(name: str, *, hidden_size: int = 0, **settings: object) -> TrainingConfig:
    config = small_config(epochs=10, validate_every_epochs=10)
    return dataclasses.replace(
        config,
        dataset=DatasetConfig(validation_share=0.25, test_share=0.0),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=4),
        transfer=TransferConfig(name, freeze=True, hidden_size=hidden_size),
        **settings,  # type: ignore[arg-type]  # of the configuration
    )


@pytest.mark.parametrize("hidden_size", [0, 12])
def test_a_projection_on_an_imported_encoder_is_a_model(
    audio: Path, imported: str, tmp_path: Path, hidden_size: int
) -> None:
    """It trains, loads from its folder alone, and encodes files."""
    result = train(audio, projecting(imported, hidden_size=hidden_size), tmp_path / "run")
    assert result.scores["accuracy"] >= 0.75
    folder = tmp_path / "moved"
    (tmp_path / "run" / "best").rename(folder)
    below = TrackEncoder.load(imported, device="cpu")
    for path in (tmp_path / "models").rglob("*.onnx"):
        path.unlink()  # the folder holds all that it needs
    encoder = TrackEncoder.load(folder, device="cpu")
    assert (encoder.model.kind, encoder.embedding_size) == ("projection", 8)
    song = next(audio.rglob("*.wav"))
    encoding = encoder.encode(song)
    assert np.linalg.norm(encoding.vector) == pytest.approx(1.0, abs=1e-5)
    projection = load_model(folder).network.projection  # type: ignore[attr-defined]  # a ProjectedNetwork
    with torch.no_grad():
        projected = projection(torch.from_numpy(below.encode(song).excerpt_vectors))
    assert np.allclose(encoding.excerpt_vectors, projected.numpy(), atol=1e-5)


def test_a_projection_can_carry_a_tagging_head(audio: Path, imported: str, tmp_path: Path) -> None:
    """Tags are trained on frozen vectors and can be named from the model's folder."""
    config = projecting(imported, objectives=(ObjectiveConfig(kind="tagging"),))
    dataset = dataclasses.replace(config.dataset, tag_field="genre")
    opened(audio, dataclasses.replace(config, dataset=dataset), tmp_path / "run").run()
    tagger = TrackTagger.load(tmp_path / "run" / "best", device="cpu")
    assert set(tagger.tags) == {"high", "low"}


@pytest.mark.slow
def test_a_projection_on_a_projection_loads(audio: Path, imported: str, tmp_path: Path) -> None:
    """A run can start from a projection."""
    opened(audio, projecting(imported), tmp_path / "one").run()
    opened(audio, projecting(str(tmp_path / "one" / "best")), tmp_path / "two").run()
    card = read_card(tmp_path / "two" / "best" / "base")
    assert card.fingerprint == read_card(tmp_path / "one" / "best").fingerprint
    assert load_model(tmp_path / "two" / "best").kind == "projection"


def test_an_altered_projection_is_refused(audio: Path, imported: str, tmp_path: Path) -> None:
    """A flipped byte in the weights, or another encoder, changes the fingerprint."""
    opened(audio, projecting(imported), tmp_path / "run").run()
    best = tmp_path / "run" / "best"
    content = bytearray((best / PROJECTION_NAME).read_bytes())
    content[-1] ^= 1
    (best / PROJECTION_NAME).write_bytes(content)
    with pytest.raises(FingerprintMismatch, match="altered"):
        load_model(best)
    (best / PROJECTION_NAME).unlink()
    with pytest.raises(CorruptArtefact, match="missing"):
        load_model(best)
    last = tmp_path / "run" / "last"
    save_model(last / "base", seeded_network(HEARS, seed=9), replace=True)
    with pytest.raises(FingerprintMismatch, match="another encoder"):
        load_model(last)


def test_an_imported_model_cannot_be_trained_itself(imported: str) -> None:
    """Without --freeze the error names the option."""
    with pytest.raises(ConfigError, match="--freeze"):
        base_model(TransferConfig(imported))


def test_frozen_vectors_cannot_be_augmented(audio: Path, imported: str, tmp_path: Path) -> None:
    """Their audio is encoded only once."""
    config = projecting(imported, augmentation=AugmentationConfig(gain_db=3))
    with pytest.raises(ConfigError, match="leave augmentation out"):
        opened(audio, config, tmp_path / "run")


def test_vectors_of_an_encoder_are_cached(
    audio: Path, imported: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run reads the files' vectors from the cache, equal to the bit."""
    config = projecting(imported)
    dataset = dataclasses.replace(config.dataset, cache_dir=str(tmp_path / "cache"))
    config = dataclasses.replace(config, dataset=dataset)
    first = opened(audio, config, tmp_path / "one").source

    def deaf(*_: object, **__: object) -> None:
        raise AssertionError("a track was encoded again")

    monkeypatch.setattr(TrackEncoder, "encode_many", deaf)
    again = opened(audio, config, tmp_path / "two").source
    assert all(torch.equal(first.excerpts(at), again.excerpts(at)) for at in range(len(first)))


def test_files_that_an_encoder_cannot_read_are_left_out(imported: str, tmp_path: Path) -> None:
    """They are listed with reasons, and the run trains on the others."""
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    (audio / "low" / "00.wav").write_bytes(b"RIFF nothing of the kind")
    run = opened(audio, projecting(imported), tmp_path / "run")
    failures = [*run.dataset.left_out, *run.source.failures]
    assert [failure.path.name for failure in failures if isinstance(failure.path, Path)] == [
        "00.wav"
    ]
    assert len(run.source) == len(run.dataset.rows) == 15


def test_an_imported_model_needs_audio(data: Path, imported: str, tmp_path: Path) -> None:
    """Arrays cannot be its input."""
    with pytest.raises(DatasetError, match="reads audio"):
        opened(data, projecting(imported), tmp_path / "run")


def test_a_projection_standardises_what_it_gets() -> None:
    """Scale and offset of the encoder's vectors do not change the result."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(50, 5, generator=generator)
    outputs = []
    for scale, offset in ((1.0, 0.0), (1000.0, 77.0)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            projection = Projection(ModelConfig(embedding_size=3), n_inputs=5)
        projection.standardise_by(vectors * scale + offset)
        with torch.no_grad():
            outputs.append(projection(vectors * scale + offset))
    assert torch.allclose(outputs[0], outputs[1], atol=1e-4)
