"""Hugging Face audio models with tiny random weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")


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
    """Save a tiny model with its extractor; returns both."""
    model, extractor = tiny_model(kind)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return model.eval(), extractor


def noise(samples: int = 16000) -> Tensor:
    """Two channels of seeded noise."""
    return 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(1))
