"""Hugging Face audio models as encoders, with tiny random models."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from embedder.audio.writing import write_audio
from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.transfer import TransferConfig
from embedder.encoding.encoder import TrackEncoder
from embedder.errors import BadInput
from embedder.models.importing import import_model
from embedder.models.registry import load_model
from embedder.training.train import train
from tests.conftest import RunCli
from tests.embedder.audio_files import tune
from tests.embedder.models.tiny_huggingface import noise, save_clap, save_tiny
from tests.embedder.rich_sets import write_audio_set
from tests.embedder.small_sets import small_config

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_waveform_model_gives_its_last_layers_mean(tmp_path: Path) -> None:
    """The vector equals that of `transformers`, at unit length."""
    transformer, extractor = save_tiny(tmp_path / "w2v", "wav2vec2")
    import_model(tmp_path / "w2v", name="speech")
    model = load_model("speech")
    inputs = extractor(list(noise().numpy()), sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        hidden = transformer(inputs["input_values"]).last_hidden_state.mean(dim=1)
        vectors = model.network(model.front_end(noise(), 16000))
    expected = torch.nn.functional.normalize(hidden, dim=1)
    assert torch.allclose(vectors, expected, atol=1e-5)
    assert (model.kind, model.sample_rate, model.embedding_size) == ("huggingface", 16000, 16)
    assert model.config.excerpts.excerpt_seconds == 5.0


@pytest.mark.parametrize("pooling", ["mean", "pooled"])
def test_a_spectrogram_model_gets_its_extractors_spectrogram(tmp_path: Path, pooling: str) -> None:
    """The mean of the last layer and the model's own pooled output both agree."""
    transformer, extractor = save_tiny(tmp_path / "ast", "ast")
    spec = tmp_path / "spec.toml"
    spec.write_text(f'pooling = "{pooling}"\nlicence = "BSD"\n')
    card = import_model(tmp_path / "ast", name="ast", spec=spec)
    model = load_model("ast")
    inputs = extractor(list(noise().numpy()), sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        outputs = transformer(**inputs)
        vectors = model.network(model.front_end(noise(), 16000))
    pooled = outputs.pooler_output if pooling == "pooled" else outputs[0].mean(dim=1)
    assert torch.allclose(vectors, torch.nn.functional.normalize(pooled, dim=1), atol=1e-5)
    assert card.licence == "BSD"
    assert card.config.excerpts.excerpt_seconds == pytest.approx(0.64)


def test_of_an_encoder_decoder_the_encoder_is_used(tmp_path: Path) -> None:
    """Whisper's decoder, which needs text, is not used."""
    save_tiny(tmp_path / "whisper", "whisper")
    card = import_model(tmp_path / "whisper", name="whisper")
    assert card.config.embedding_size == 16
    assert card.config.excerpts.excerpt_seconds == 1.0


def test_loading_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The progress bars of `transformers` are not shown."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    capfd.readouterr()
    import_model(tmp_path / "w2v", name="m")
    load_model("m")
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_projection_on_its_vectors_is_a_model(tmp_path: Path) -> None:
    """A model trained with `--from MODEL --freeze` on a small folder encodes files."""
    save_tiny(tmp_path / "files", "wav2vec2")
    import_model(tmp_path / "files", name="tiny")
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    config = dataclasses.replace(
        small_config(epochs=2),
        dataset=DatasetConfig(validation_share=0.25, test_share=0.0),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=4),
        transfer=TransferConfig("tiny", freeze=True),
    )
    result = train(audio, config, tmp_path / "run")
    assert result.ended == "finished"
    encoder = TrackEncoder.load(tmp_path / "run" / "best", device="cpu")
    assert encoder.encode(next(audio.rglob("*.wav"))).vector.shape == (8,)


def test_text_and_audio_share_a_space(tmp_path: Path) -> None:
    """Both are the vectors of `transformers`, at unit length; other words are other vectors."""
    clap = save_clap(tmp_path / "clap")
    card = import_model(tmp_path / "clap", name="clap")
    encoder = TrackEncoder.load("clap")
    vector = encoder.encode_text("calm piano")
    with torch.inference_mode():
        outputs = clap.get_text_features(input_ids=torch.tensor([[4, 5]]))
        expected = getattr(outputs, "pooler_output", outputs)[0]
    expected = torch.nn.functional.normalize(expected, dim=0).numpy()
    assert vector == pytest.approx(expected, abs=1e-5)
    assert encoder.encode_text("loud guitar") != pytest.approx(expected, abs=1e-3)
    assert (card.config.embedding_size, card.source["pooling"]) == (8, "joint")


def test_a_text_queries_a_library(tmp_path: Path, run_cli: RunCli) -> None:
    """`query --text` ranks the tracks by their distance from the words."""
    save_clap(tmp_path / "clap")
    import_model(tmp_path / "clap", name="clap")
    music = tmp_path / "music"
    music.mkdir()
    for seed in range(4):
        write_audio(music / f"{seed}.wav", tune(1.5, rate=48_000, seed=seed), 48_000)
    assert run_cli("index", str(music), "--model", "clap").code == 0
    run = run_cli("query", "--text", "calm piano", "-k", "4", "--json")
    neighbours = json.loads(run.out)["neighbours"]
    encoder = TrackEncoder.load("clap")
    text = encoder.encode_text("calm piano")
    cosines = {str(path): float(encoder.encode(path).vector @ text) for path in music.iterdir()}
    assert [n["path"] for n in neighbours] == sorted(cosines, key=lambda path: -cosines[path])
    assert "only their order counts" in run.err


def test_a_model_without_text_says_so(tmp_path: Path) -> None:
    """The message says what to do."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    import_model(tmp_path / "w2v", name="speech")
    with pytest.raises(BadInput, match="speech: this model cannot read text"):
        TrackEncoder.load("speech").encode_text("calm piano")
