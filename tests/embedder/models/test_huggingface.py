"""Hugging Face audio models as encoders, with tiny random models."""

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from embedder.audio.writing import write_audio
from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.transfer import TransferConfig
from embedder.encoding.encoder import TrackEncoder
from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from embedder.models import model_files
from embedder.models.importing import import_model
from embedder.models.registry import load_model
from embedder.training.train import train
from tests.conftest import RunCli
from tests.embedder.audio_files import tune
from tests.embedder.rich_sets import write_audio_set
from tests.embedder.small_sets import small_config
from tests.faults.processes import small_disk

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def tiny_model(kind: str) -> tuple[Any, Any]:
    """A model with random weights, and its extractor."""
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if kind == "ast":
            config = transformers.ASTConfig(**sizes, num_mel_bins=32, max_length=64)
            extractor = transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=64)
            return transformers.ASTModel(config), extractor
        if kind == "whisper":
            config = transformers.WhisperConfig(
                d_model=16,
                encoder_layers=1,
                decoder_layers=1,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=16,
                decoder_ffn_dim=16,
                num_mel_bins=16,
                max_source_positions=50,
                vocab_size=20,
                pad_token_id=0,
                bos_token_id=1,
                eos_token_id=2,
                decoder_start_token_id=1,
            )
            extractor = transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=1)
            return transformers.WhisperModel(config), extractor
        config = transformers.Wav2Vec2Config(
            **sizes,
            conv_dim=(8, 8),
            conv_kernel=(10, 3),
            conv_stride=(40, 8),
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
            vocab_size=10,
        )
        return transformers.Wav2Vec2Model(config), transformers.Wav2Vec2FeatureExtractor()


def save_clap(folder: Path) -> Any:
    """A random CLAP whose tokenizer knows four words; returns the model."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    audio = {
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "num_mel_bins": 16,
        "spec_size": 64,
        "window_size": 4,
        "hidden_size": 16,
    }
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "calm", "piano", "loud", "guitar"]
    unknown = {"unk_token": "[UNK]"}
    special = {**unknown, "pad_token": "[PAD]"}
    tokens = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, **unknown)
    )
    tokens.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text = {**sizes, "intermediate_size": 16, "vocab_size": len(words), "pad_token_id": 0}
        config = transformers.ClapConfig(text_config=text, audio_config=audio, projection_dim=8)
        model = transformers.ClapModel(config).eval()
    model.save_pretrained(folder)
    transformers.ClapFeatureExtractor(
        feature_size=16, truncation="rand_trunc", padding="repeatpad", max_length_s=1
    ).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokens, **special).save_pretrained(folder)
    return model


def save_tiny(folder: Path, kind: str) -> tuple[Any, Any]:
    model, extractor = tiny_model(kind)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return model.eval(), extractor


def noise(samples: int = 16000) -> Tensor:
    return 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(1))


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


def test_another_rate_is_refused(tmp_path: Path) -> None:
    """The extractor cannot resample, so the message has both rates."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    import_model(tmp_path / "w2v", name="m")
    with pytest.raises(BadInput, match="8000 Hz: the model takes 16000 Hz"):
        load_model("m").front_end(noise(), 8000)


def test_an_altered_file_is_refused(tmp_path: Path, models_folder: Path) -> None:
    """The fingerprint covers the extractor's settings too."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    import_model(tmp_path / "w2v", name="m")
    path = models_folder / "m" / "huggingface" / "preprocessor_config.json"
    path.write_text(path.read_text().replace("true", "false"))
    with pytest.raises(FingerprintMismatch, match="import the model again"):
        load_model("m")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    """A folder with only pytorch_model.bin is not opened."""
    save_tiny(tmp_path / "w2v", "wav2vec2")
    (tmp_path / "w2v" / "model.safetensors").rename(tmp_path / "w2v" / "pytorch_model.bin")
    with pytest.raises(BadInput, match="safetensors"):
        import_model(tmp_path / "w2v", name="m")


def test_an_id_is_not_fetched_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --download a model that is not stored here is refused, with the option's name."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.socket.connect", _no_network)
    with pytest.raises(BadInput, match="--download"):
        import_model("nobody/no-such-audio-model", name="m")


def _no_network(*_: object) -> None:
    raise AssertionError("the network was used")


def test_a_model_without_an_extractor_is_refused(tmp_path: Path) -> None:
    """A folder without a feature extractor is not an audio model."""
    tiny_model("wav2vec2")[0].save_pretrained(tmp_path / "bare")
    with pytest.raises(BadInput, match="feature extractor"):
        import_model(tmp_path / "bare", name="m")


def test_settings_of_wrong_types_are_refused(tmp_path: Path) -> None:
    """The message names the file and does not show a validator's text."""
    save_tiny(tmp_path / "ast", "ast")
    path = tmp_path / "ast" / "config.json"
    path.write_text(path.read_text().replace('"hidden_size": 16', '"hidden_size": "many"'))
    with pytest.raises(CorruptArtefact, match=r"its config\.json .* does not fit"):
        import_model(tmp_path / "ast", name="m")


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    """Weights that do not fit the configuration are a damaged model, not a bug."""
    save_tiny(tmp_path / "ast", "ast")
    path = tmp_path / "ast" / "config.json"
    path.write_text(path.read_text().replace('"hidden_size": 16', '"hidden_size": 32'))
    with pytest.raises(CorruptArtefact, match="or its weights"):
        import_model(tmp_path / "ast", name="m")


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


def test_a_models_own_code_never_runs(tmp_path: Path) -> None:
    """Code that `auto_map` names is neither run nor copied."""
    folder, marker = tmp_path / "w2v", tmp_path / "marker"
    save_tiny(folder, "wav2vec2")
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    for kind, auto_map in (
        ("wav2vec2", {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
        ("unknown-kind", {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
    ):
        settings = json.loads((folder / "config.json").read_text())
        settings |= {"auto_map": auto_map, "model_type": kind}
        (folder / "config.json").write_text(json.dumps(settings))
        with contextlib.suppress(BadInput, CorruptArtefact):
            import_model(folder, name="m", replace=True)
        assert not marker.exists()
    assert not list((tmp_path / "models").rglob("*.py"))


@pytest.mark.parametrize("size", ["8k", "20k"])
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    """Whichever file does not fit, the error is the disk's, names the model, and leaves nothing."""
    save_tiny(tmp_path / "files", "ast")
    with small_disk(tmp_path / "disk", size=size) as disk:
        monkeypatch.setenv("SOUNDALIKE_MODELS", str(disk))
        with pytest.raises(OSError, match="No space left") as full:
            import_model(tmp_path / "files", name="m")
        assert str(full.value.filename).startswith(str(disk / "m"))
        assert list(disk.iterdir()) == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_linked_file_is_refused(tmp_path: Path, name: str) -> None:
    """A link in a stranger's folder could lead to any file of this machine."""
    save_tiny(tmp_path / "files", "wav2vec2")
    (tmp_path / "files" / name).rename(tmp_path / name)
    (tmp_path / "files" / name).symlink_to(tmp_path / name)
    with pytest.raises(BadInput, match=f"{name}: a link"):
        import_model(tmp_path / "files", name="m")


def test_the_links_of_a_hugging_face_cache_pass(tmp_path: Path) -> None:
    """Its snapshots consist of links to the blobs beside them."""
    folder = tmp_path / "snapshots" / "main"
    save_tiny(folder, "wav2vec2")
    (tmp_path / "blobs").mkdir()
    for path in list(folder.iterdir()):
        path.rename(tmp_path / "blobs" / path.name)
        path.symlink_to(Path("../../blobs") / path.name)
    assert import_model(folder, name="m").kind == "huggingface"


def test_weights_files_elsewhere_are_refused(tmp_path: Path) -> None:
    """A list of weights files may name only files of its own folder."""
    save_tiny(tmp_path / "files", "wav2vec2")
    shards = {"metadata": {}, "weight_map": {"encoder.weight": "../other.safetensors"}}
    (tmp_path / "files" / "model.safetensors.index.json").write_text(json.dumps(shards))
    with pytest.raises(CorruptArtefact, match="files outside the folder"):
        import_model(tmp_path / "files", name="m")


def test_a_folder_has_a_bound_on_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it, nothing is read."""
    save_tiny(tmp_path / "files", "wav2vec2")
    monkeypatch.setattr(model_files, "MAX_BYTES", 1000)
    with pytest.raises(BadInput, match="larger than"):
        import_model(tmp_path / "files", name="m")


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
