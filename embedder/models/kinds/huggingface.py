"""Audio models of the `transformers` library, each with its own feature extractor.

Weights must be safetensors, and only code of `transformers` itself runs, never a repository's own.
Loading downloads nothing; only `models import --download` does.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from embedder.config.loading import from_dict
from embedder.config.model import ExcerptConfig, GeometryKind
from embedder.errors import (
    BadInput,
    CorruptArtefact,
    MissingExtra,
    printable_path,
)
from embedder.geometry import Geometry, geometry_of
from embedder.models.altered import refuse_altered
from embedder.models.card import Card
from embedder.models.kinds.text_tower import (
    AudioTower,
    TextTower,
    has_text_tower,
    open_tokenizer,
)
from embedder.models.loaded import LoadedModel
from embedder.models.model_files import check_foreign_files

FILES_NAME = "huggingface"
"""The sub-folder with the model as `transformers` saves it."""


@dataclass(frozen=True, slots=True)
class HuggingFaceSpec:
    """How a model is used; a TOML file for `models import` may set each field."""

    excerpts: ExcerptConfig | None = None
    """None: as long as the model's extractor takes, or 5 seconds."""
    pooling: Literal["mean", "pooled", "joint"] = "mean"
    """The mean of the last layer over time, the model's own pooled output, or (joint) the vector in
    the space that audio and text share."""
    geometry: GeometryKind = "cosine"
    curvature: float = 1.0
    licence: str = ""
    description: str = ""
    origin: str = ""
    """Where it was imported from: a folder or an id."""


class ExtractorFrontEnd:
    """Waveform [batch, samples] to the model's input, by its own extractor."""

    def __init__(self, extractor: Any, *, input_name: str) -> None:
        self.extractor = extractor
        self.input_name = input_name
        self.sample_rate = int(extractor.sampling_rate)

    def __call__(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Extract features; refuses other rates, because extractors cannot resample."""
        if sample_rate != self.sample_rate:
            raise BadInput(f"audio at {sample_rate} Hz: the model takes {self.sample_rate} Hz")
        clips = list(waveform.detach().cpu().numpy())
        features = self.extractor(clips, sampling_rate=sample_rate, return_tensors="pt")
        tensor: Tensor = features[self.input_name]
        return tensor


class TransformerNetwork(nn.Module):
    """The extractor's output [batch, …] to vectors [batch, embedding_size]."""

    def __init__(self, model: nn.Module, *, pooling: str, geometry: Geometry) -> None:
        super().__init__()
        self.model = model
        self.pooling = pooling
        self.geometry = geometry

    def forward(self, features: Tensor) -> Tensor:
        """The pooled last layer, projected into the geometry."""
        outputs = self.model(features)
        if self.pooling == "pooled":
            pooled = getattr(outputs, "pooler_output", None)
            if pooled is None:
                raise BadInput('this model has no pooled output: set pooling = "mean" in the TOML')
            return self.geometry.project(pooled)
        hidden = outputs.last_hidden_state.float()
        # [batch, time, features], or [batch, features, rows, columns] of a convolutional model
        mean = hidden.mean(dim=1) if hidden.ndim == 3 else hidden.flatten(2).mean(dim=2)
        return self.geometry.project(mean)


def load_huggingface_model(folder: Path, card: Card) -> LoadedModel:
    """The model in a folder with a `huggingface` sub-folder, whose card was read."""
    files = folder / FILES_NAME
    if not files.is_dir():
        raise CorruptArtefact(f"{printable_path(files)}: missing. Import the model again.")
    refuse_altered(folder, card, _files_in(files), again="import the model again")
    spec = from_dict(HuggingFaceSpec, card.source, where=f"{printable_path(folder)}: source")
    front_end, network = parts_of(files, spec)
    return LoadedModel(folder, card, front_end, network, text=_text_tower(files, network))


def parts_of(
    files: Path, spec: HuggingFaceSpec
) -> tuple[ExtractorFrontEnd, TransformerNetwork | AudioTower]:
    """Front end and network from a folder that `save_files` wrote."""
    model, extractor = open_pretrained(str(files), download=False)
    front_end = ExtractorFrontEnd(extractor, input_name=_input_name(extractor))
    geometry = geometry_of(spec.geometry, curvature=spec.curvature)
    if spec.pooling == "joint":
        if not has_text_tower(model):
            raise BadInput('this model has no text: set pooling = "mean" in the TOML')
        return front_end, AudioTower(model.float(), geometry=geometry).eval()
    encoder = _audio_encoder(model).float().eval()
    return front_end, TransformerNetwork(encoder, pooling=spec.pooling, geometry=geometry).eval()


def _text_tower(files: Path, network: TransformerNetwork | AudioTower) -> TextTower | None:
    if not isinstance(network, AudioTower):
        return None
    tokenizer = open_tokenizer(files, download=False)
    return TextTower(network.model, tokenizer, geometry=network.geometry)


def open_pretrained(source: str, *, download: bool) -> tuple[Any, Any]:
    """Model and feature extractor of a folder or id; downloads only with `download`."""
    try:
        import transformers
        from huggingface_hub.errors import StrictDataclassError
    except ImportError as error:
        raise MissingExtra("A Hugging Face model", "pretrained") from error
    if Path(source).is_dir():
        check_foreign_files(Path(source))
    logs: Any = transformers.utils.logging
    logs.disable_progress_bar()  # local files load in a moment
    settings = {"local_files_only": not download, "trust_remote_code": False}
    try:
        extractors: Any = transformers.AutoFeatureExtractor
        extractor = extractors.from_pretrained(source, **settings)
        model = transformers.AutoModel.from_pretrained(
            source, use_safetensors=True, dtype=torch.float32, **settings
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        hint = "" if download else " An id is downloaded only with --download."
        raise BadInput(
            f"{printable_path(source)}: not a Hugging Face audio model with safetensors weights "
            f"and a feature extractor: {str(error).strip().splitlines()[0]}{hint}"
        ) from error
    except (StrictDataclassError, TypeError, RuntimeError) as error:
        # Their text is a validator's or a table of tensors; --debug shows it.
        raise CorruptArtefact(
            f"{printable_path(source)}: its config.json or preprocessor_config.json does not fit "
            "this kind of model or its weights. Copy or download the model again."
        ) from error
    if not hasattr(extractor, "sampling_rate"):
        raise BadInput(f"{printable_path(source)}: a model, but not of audio")
    return model, extractor


def save_files(model: Any, extractor: Any, files: Path) -> None:
    """Both as `transformers` saves them: safetensors and JSON."""
    try:
        model.save_pretrained(files)
        extractor.save_pretrained(files)
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))  # such as a full disk
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(files)) from error
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(files)) from error


def fingerprint_files(files: Path) -> list[Path]:
    """The files that the fingerprint covers: all of them."""
    return _files_in(files)


def extractor_seconds(extractor: Any) -> float:
    """The length of an excerpt: the extractor's fixed length, or 5 s if it has none."""
    if getattr(extractor, "chunk_length", None):  # Whisper
        return float(extractor.chunk_length)
    if getattr(extractor, "max_length_s", None):  # CLAP
        return float(extractor.max_length_s)
    if getattr(extractor, "num_mel_bins", None) and getattr(extractor, "max_length", None):
        return float(extractor.max_length) / 100  # AST: frames of 10 ms
    return 5.0


def _audio_encoder(model: Any) -> Any:
    """The part that reads audio: the encoder, or the audio half of a pair of models."""
    if hasattr(model, "audio_model"):
        return model.audio_model
    if getattr(model.config, "is_encoder_decoder", False):
        return model.get_encoder()
    return model


def _input_name(extractor: Any) -> str:
    names: list[str] = list(extractor.model_input_names)
    return next((n for n in names if n in ("input_values", "input_features")), names[0])


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
