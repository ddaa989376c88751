"""`soundalike models import`: somebody else's model, or another machine's, into the user's models.

    model.onnx + TOML      kept as it is, tried once on made-up sound
    folder or id           a Hugging Face audio model; fetched only with `download`
    folder or .zip         a model that soundalike has written

Everything is made in a temporary folder and renamed at the end, when it has been loaded once.
"""

import dataclasses
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from embedder.config.loading import from_dict, read_toml, to_dict
from embedder.config.model import ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import (
    BadInput,
    ConfigError,
    CorruptArtefact,
    OutputExists,
    UnknownChoice,
    UsageError,
    printable_path,
)
from embedder.models.card import CARD_NAME, Card, ModelKind, read_card, write_card
from embedder.models.fingerprint import files_fingerprint
from embedder.models.kinds import huggingface, onnx_file
from embedder.models.kinds.onnx_spec import OnnxSpec, check_spec, config_of
from embedder.models.loaded import FrontEndCall, NetworkCall
from embedder.models.registry import (
    bundled_models_folder,
    load_model,
    refuse_pickle,
    user_models_folder,
)

MAX_ARCHIVE_BYTES = 8 * 2**30
"""More than any audio model has; a small archive can unpack to much more."""


def import_model(
    source: str | Path,
    *,
    name: str,
    spec: str | Path | None = None,
    download: bool = False,
    replace: bool = False,
) -> Card:
    """Take a model over under a name, and return its card."""
    target = _target(name, replace=replace)
    path = Path(source)
    refuse_pickle(path)
    settings = read_toml(find_recipe(spec)) if spec is not None else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}.") as scratch:
        made = Path(scratch) / name
        made.mkdir()
        if (path / CARD_NAME).is_file() or path.suffix.lower() == ".zip":
            _take_own(path, made)
            write_card(made, dataclasses.replace(read_card(made), name=name))
        elif path.suffix.lower() == ".onnx":
            if spec is None:
                raise UsageError(f"{printable_path(path)}: give --spec TOML: what goes in and out")
            _take_onnx(path, made, settings, name=name, where=str(spec))
        else:
            _take_huggingface(str(source), made, settings, name=name, download=download)
        load_model(made)
        _put(made, target)
    return read_card(target)


def recipes() -> dict[str, Path]:
    """The descriptions of well-known encoders that come with soundalike."""
    folder = Path(str(resources.files("embedder.models.recipes")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_recipe(spec: str | Path) -> Path:
    """A recipe by its name, or the path of a TOML file."""
    path = Path(spec)
    known = recipes()
    if path.suffix != ".toml" and not path.exists():
        if str(spec) not in known:
            raise UnknownChoice("recipe (or TOML file)", spec, known)
        return known[str(spec)]
    return path


def _target(name: str, *, replace: bool) -> Path:
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name[0] in ".-":
        raise UsageError(f"{name!r}: a model's name has letters, digits, dots, - and _")
    if (bundled_models_folder() / name / CARD_NAME).exists():
        raise UsageError(f"{name!r} is a model that comes with soundalike: choose another name")
    target = user_models_folder() / name
    if target.exists() and not replace:
        raise OutputExists(target)
    return target


def _put(made: Path, target: Path) -> None:
    if target.exists():
        old = made.with_name("replaced")  # goes with the temporary folder
        target.rename(old)
    made.rename(target)


def _take_own(path: Path, made: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, made, dirs_exist_ok=True)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_ARCHIVE_BYTES:
                raise CorruptArtefact(f"{printable_path(path)}: unpacks to more than 8 GiB")
            archive.extractall(made)  # zipfile keeps names inside the folder
    except OSError as error:
        raise BadInput(f"{printable_path(path)}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise CorruptArtefact(f"{printable_path(path)}: not a whole zip file: {error}") from error


def _take_onnx(
    path: Path, made: Path, settings: Mapping[str, Any], *, name: str, where: str
) -> None:
    spec = from_dict(OnnxSpec, settings, where=where)
    check_spec(spec, where=where)
    if not path.is_file():
        raise BadInput(f"{printable_path(path)}: no such file")
    kept = made / onnx_file.ONNX_NAME
    shutil.copyfile(path, kept)
    size = _tried(
        onnx_file.front_end_of(spec),
        onnx_file.OnnxNetwork(kept, spec),
        config_of(spec, embedding_size=1),
    )
    config = config_of(spec, embedding_size=size)
    _write_imported_card(
        made, name=name, kind="onnx", config=config, source=_without_none(spec), files=[kept]
    )


def _take_huggingface(
    source: str, made: Path, settings: Mapping[str, Any], *, name: str, download: bool
) -> None:
    spec = from_dict(huggingface.HuggingFaceSpec, {"origin": source, **settings})
    model, extractor = huggingface.open_pretrained(source, download=download)
    files = made / huggingface.FILES_NAME
    huggingface.save_files(model, extractor, files)
    seconds = huggingface.extractor_seconds(extractor)
    config = ModelConfig(
        excerpts=spec.excerpts or ExcerptConfig(n_excerpts=5, excerpt_seconds=seconds),
        front_end=FrontEndConfig(kind="waveform", sample_rate=int(extractor.sampling_rate)),
        embedding_size=1,
        geometry=spec.geometry,
        curvature=spec.curvature,
    )
    size = _tried(*huggingface.parts_of(files, spec), config)
    _write_imported_card(
        made,
        name=name,
        kind="huggingface",
        config=from_dict(ModelConfig, {**to_dict(config), "embedding_size": size}),
        source=_without_none(spec),
        files=huggingface.fingerprint_files(files),
    )


def _tried(front_end: FrontEndCall, network: NetworkCall, config: ModelConfig) -> int:
    """The length of the vectors that made-up sound gets; refuses numbers that are not finite."""
    rate = config.front_end.sample_rate or 44100
    n_samples = round(rate * config.excerpts.excerpt_seconds)
    noise = 0.1 * torch.randn(2, n_samples, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        vectors = network(front_end(noise, rate))
    if vectors.ndim != 2 or len(vectors) != 2:
        raise ConfigError(f"the model gives {list(vectors.shape)} for two excerpts, not [2, size]")
    if not torch.isfinite(vectors).all():
        raise BadInput("the model gives numbers that are not finite")
    return vectors.shape[1]


def _write_imported_card(
    made: Path,
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
    write_card(made, card)


def _without_none(spec: object) -> dict[str, Any]:
    return {key: _pruned(value) for key, value in to_dict(spec).items() if value is not None}


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _pruned(item) for key, item in value.items() if item is not None}
    return value
