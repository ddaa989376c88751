"""`library.json`: what a folder must say before anything in it is believed. Written last."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from embedder.errors import CorruptArtefact, NotFound, UnsupportedFormat
from embedder.whole_files import errors_name
from index.catalogue.catalogue import ModelRow

MANIFEST_NAME = "library.json"
LIBRARY_FORMAT = 8


@dataclass(frozen=True, slots=True)
class Manifest:
    """The library's format and the model that made its vectors."""

    format: int
    fingerprint: str
    embedding_size: int = 0
    geometry: str = "cosine"
    curvature: float = 1.0


def manifest_of(model: ModelRow) -> Manifest:
    """The manifest of a library of the current format whose vectors a model has made."""
    return Manifest(
        LIBRARY_FORMAT, model.fingerprint, model.embedding_size, model.geometry, model.curvature
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put it in place in one rename, after all that it vouches for."""
    path = folder / MANIFEST_NAME
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with errors_name(path):
        try:
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(asdict(manifest), file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a library; raises NotFound if there is none."""
    path = folder / MANIFEST_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        fields = {name: values[name] for name in Manifest.__dataclass_fields__ if name in values}
        manifest = _checked(Manifest(**fields))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"{folder}: no library here. Make one with 'soundalike index' and a folder of music, "
            "or name another with --library."
        ) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptArtefact(
            f"{path}: damaged. Run 'soundalike index' with the library's model: it is written anew."
        ) from error
    if manifest.format > LIBRARY_FORMAT:
        raise UnsupportedFormat(
            f"{folder}: a library of format {manifest.format}, this version reads up to "
            f"{LIBRARY_FORMAT}. Update soundalike."
        )
    return manifest


def _checked(manifest: Manifest) -> Manifest:
    """The same manifest; raises TypeError if a value has a wrong type."""
    whole_numbers = (manifest.format, manifest.embedding_size)
    is_valid = (
        all(type(number) is int for number in whole_numbers)
        and isinstance(manifest.fingerprint, str)
        and isinstance(manifest.geometry, str)
        and type(manifest.curvature) in (int, float)
    )
    if not is_valid:
        raise TypeError("values of a wrong type")
    return manifest
