"""The two towers of a model such as CLAP: audio and text become vectors of one space."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from embedder.errors import BadInput, CorruptArtefact, printable_path
from embedder.geometry import Geometry


def has_text_tower(model: Any) -> bool:
    """Whether a `transformers` model puts audio and text into one space."""
    return hasattr(model, "get_audio_features") and hasattr(model, "get_text_features")


class AudioTower(nn.Module):
    """The extractor's output to vectors of the common space."""

    def __init__(self, model: Any, *, geometry: Geometry) -> None:
        super().__init__()
        if getattr(model.config.audio_config, "enable_fusion", False):
            raise BadInput("a model that fuses long and short audio is not supported")
        self.model = model
        self.geometry = geometry

    def forward(self, features: Tensor) -> Tensor:
        """[batch, …] to [batch, embedding_size]."""
        return self.geometry.project(_vectors(self.model.get_audio_features(features)))


class TextTower:
    """Texts to vectors of the common space."""

    def __init__(self, model: Any, tokenizer: Any, *, geometry: Geometry) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.geometry = geometry

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """A vector for each text: [texts, embedding_size]."""
        tokens = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            outputs = self.model.get_text_features(
                input_ids=tokens["input_ids"].to(device),
                attention_mask=tokens["attention_mask"].to(device),
            )
        return self.geometry.project(_vectors(outputs)).cpu()


def open_tokenizer(source: str | Path, *, download: bool) -> Any:
    """The tokenizer of a folder or id, as plain files; no code of a repository runs."""
    import transformers

    tokenizers: Any = transformers.AutoTokenizer
    try:
        return tokenizers.from_pretrained(
            str(source), local_files_only=not download, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        reason = (str(error).strip().splitlines() or ["unknown"])[0]
        raise CorruptArtefact(
            f"{printable_path(source)}: it reads text, but its tokenizer cannot be read: {reason}"
        ) from error


def _vectors(outputs: Any) -> Tensor:
    """Older versions of `transformers` give the vectors, newer ones a record with them."""
    vectors: Tensor = getattr(outputs, "pooler_output", outputs)
    return vectors.float()
