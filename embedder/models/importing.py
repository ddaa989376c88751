"""`soundalike models import`: copy other people's models into the folder of the user's models.

    model.onnx + TOML      copied, and run once on noise
    folder or id           a Hugging Face audio model; downloaded only with `download`
    folder or .zip         a model that soundalike has written

A model is made in a temporary folder and renamed after it has been loaded once. A pickle is never
opened.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from embedder.config.loading import from_dict, read_toml, to_dict
from embedder.config.model import ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import (
    BadInput,
    ConfigError,
    OutputExists,
    SoundalikeError,
    UnknownChoice,
    UsageError,
    printable_path,
)
from embedder.models.card import CARD_NAME, Card, ModelKind, read_card, write_card
from embedder.models.fingerprint import files_fingerprint
from embedder.models.kinds import huggingface, onnx_file
from embedder.models.kinds.onnx_arrays import ONNX_NAME
from embedder.models.kinds.onnx_spec import OnnxSpec, check_spec, config_of
from embedder.models.kinds.text_tower import has_text_tower, open_tokenizer
from embedder.models.loaded import FrontEndCall, NetworkCall
from embedder.models.model_files import copy_file, copy_model, unzip_model
from embedder.models.registry import (
    bundled_models_folder,
    load_model,
    refuse_pickle,
    user_models_folder,
)
from embedder.whole_files import whole_folder

FILE_SUFFIXES = (".onnx", ".zip")
MOST_DIMENSIONS = 2**16
"""Ten times as many as the largest audio models have."""


def import_model(
    source: str | Path,
    *,
    name: str,
    spec: str | Path | None = None,
    output: str = "",
    download: bool = False,
    replace: bool = False,
) -> Card:
    """Copy a model into the user's models under a name, and return its card.

    output: the output of an ONNX file that is the vector; empty: as `spec` says.
    """
    target = new_model_folder(name, replace=replace)
    path = Path(source)
    refuse_pickle(path)
    if path.suffix.lower() in FILE_SUFFIXES and not path.is_file():
        raise BadInput(f"{printable_path(path)}: no such file")
    settings = read_toml(find_recipe(spec)) if spec is not None else {}
    if output:
        if path.suffix.lower() != ".onnx":
            raise UsageError(
                f"{printable_path(path)}: only an ONNX file has outputs to choose from"
            )
        settings = {**settings, "output": {**settings.get("output", {}), "name": output}}
    with whole_folder(target) as folder, _naming(path, folder):
        if (path / CARD_NAME).is_file() or path.suffix.lower() == ".zip":
            _copy_own(path, folder)
            write_card(folder, dataclasses.replace(read_card(folder), name=name))
        elif path.suffix.lower() == ".onnx":
            if spec is None:
                raise UsageError(f"{printable_path(path)}: give --spec TOML: its input and output")
            _copy_onnx(path, folder, settings, name=name, where=str(spec))
        else:
            _copy_huggingface(str(source), folder, settings, name=name, download=download)
        load_model(folder)
    return read_card(target)


@contextmanager
def _naming(path: Path, folder: Path) -> Iterator[None]:
    """Errors name the user's file or folder, and not the temporary copy of it."""
    try:
        yield
    except SoundalikeError as error:
        message = str(error)
        for copy in (folder / ONNX_NAME, folder):
            message = message.replace(printable_path(copy), printable_path(path))
        if printable_path(path) not in message:
            message = f"{printable_path(path)}: {message}"
        error.args = (message,)
        raise


def recipes() -> dict[str, Path]:
    """The descriptions of well-known encoders that come with soundalike, by name."""
    folder = Path(str(resources.files("embedder.models.recipes")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_recipe(spec: str | Path) -> Path:
    """A recipe by its name, or the path of a TOML file."""
    recipe_paths = recipes()
    if str(spec) in recipe_paths:  # also if a file or folder of that name is here
        return recipe_paths[str(spec)]
    path = Path(spec)
    if path.suffix == ".toml" or path.is_file():
        return path
    raise UnknownChoice("recipe (or TOML file)", spec, recipe_paths)


def new_model_folder(name: str, *, replace: bool) -> Path:
    """The folder of a new model of the user's; refuses impossible and taken names."""
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name[0] in ".-":
        raise UsageError(f"{name!r}: a model's name has letters, digits, dots, - and _")
    if (bundled_models_folder() / name / CARD_NAME).exists():
        raise UsageError(f"{name!r} is a model that comes with soundalike: choose another name")
    target = user_models_folder() / name
    if target.exists() and not replace:
        raise OutputExists(target)
    return target


def _copy_own(path: Path, folder: Path) -> None:
    if path.is_dir():
        copy_model(path, folder)
    else:
        unzip_model(path, folder)


def _copy_onnx(
    path: Path, folder: Path, settings: Mapping[str, Any], *, name: str, where: str
) -> None:
    spec = from_dict(OnnxSpec, settings, where=where)
    check_spec(spec, where=where)
    if not path.is_file():
        raise BadInput(f"{printable_path(path)}: no such file")
    copy = folder / ONNX_NAME
    copy_file(path, copy)
    size = _size_of_vectors(
        onnx_file.front_end_of(spec),
        onnx_file.OnnxNetwork(copy, spec),
        config_of(spec, embedding_size=1),
    )
    config = config_of(spec, embedding_size=size)
    _write_imported_card(
        folder, name=name, kind="onnx", config=config, source=_without_none(spec), files=[copy]
    )


def _copy_huggingface(
    source: str, folder: Path, settings: Mapping[str, Any], *, name: str, download: bool
) -> None:
    model, extractor = huggingface.open_pretrained(source, download=download)
    usual = {"origin": source, "pooling": "joint" if has_text_tower(model) else "mean"}
    spec = from_dict(huggingface.HuggingFaceSpec, {**usual, **settings})
    files = folder / huggingface.FILES_NAME
    if spec.pooling == "joint":
        open_tokenizer(source, download=download).save_pretrained(files)
    huggingface.save_files(model, extractor, files)
    seconds = huggingface.extractor_seconds(extractor)
    config = ModelConfig(
        excerpts=spec.excerpts or ExcerptConfig(n_excerpts=5, excerpt_seconds=seconds),
        front_end=FrontEndConfig(kind="waveform", sample_rate=int(extractor.sampling_rate)),
        embedding_size=1,
        geometry=spec.geometry,
        curvature=spec.curvature,
    )
    size = _size_of_vectors(*huggingface.parts_of(files, spec), config)
    _write_imported_card(
        folder,
        name=name,
        kind="huggingface",
        config=from_dict(ModelConfig, {**to_dict(config), "embedding_size": size}),
        source=_without_none(spec),
        files=huggingface.fingerprint_files(files),
    )


def _size_of_vectors(front_end: FrontEndCall, network: NetworkCall, config: ModelConfig) -> int:
    """The length of the vectors, from one run on noise; refuses numbers that are not finite."""
    rate = config.front_end.sample_rate or 44100
    n_samples = round(rate * config.excerpts.excerpt_seconds)
    noise = 0.1 * torch.randn(2, n_samples, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        vectors = network(front_end(noise, rate))
    if vectors.ndim != 2 or len(vectors) != 2:
        raise ConfigError(f"the model gives {list(vectors.shape)} for two excerpts, not [2, size]")
    if vectors.shape[1] > MOST_DIMENSIONS:
        raise ConfigError(
            f"the model gives vectors of {vectors.shape[1]:,} numbers, and at most "
            f"{MOST_DIMENSIONS:,} can be stored. Name another output, or pool it."
        )
    if not torch.isfinite(vectors).all():
        raise BadInput("the model gives numbers that are not finite")
    return vectors.shape[1]


def _write_imported_card(
    folder: Path,
    *,
    name: str,
    kind: ModelKind,
    config: ModelConfig,
    source: dict[str, Any],
    files: list[Path],
) -> None:
    card = Card(
        name=name,
        fingerprint=files_fingerprint(config, source, files),
        config=config,
        kind=kind,
        licence=str(source.get("licence", "")),
        description=str(source.get("description", "")),
        source=source,
    )
    write_card(folder, card)


def _without_none(spec: object) -> dict[str, Any]:
    return {key: _pruned(value) for key, value in to_dict(spec).items() if value is not None}


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _pruned(item) for key, item in value.items() if item is not None}
    return value
