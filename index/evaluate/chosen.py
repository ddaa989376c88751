"""What an evaluation measures: the tracks of a data set or a library, and the names of models."""

from dataclasses import dataclass
from pathlib import Path

from embedder.datasets.dataset import Dataset
from embedder.errors import UsageError
from embedder.models.registry import find_model, list_models
from index.evaluate.baselines import check_baseline
from index.evaluate.own_split import AS_TRAINED, with_sides_of
from index.evaluate.settings import Choice
from index.evaluate.subjects import library_subject, open_subject
from index.evaluate.vector_set import VectorSet
from index.indexing.model_choice import DEFAULT_MODEL
from index.library_folder.model_folder import known_model_folder, library_model_folder
from index.library_folder.open_library import OpenLibrary


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The tracks, the names to measure on them, and a library's stored vectors."""

    tracks: Dataset
    names: tuple[str, ...]
    stored: VectorSet | None = None


def chosen_subject(source: Path | OpenLibrary, choice: Choice) -> Subject:
    """The subject of an evaluation: the data set at a path, or an open library."""
    if isinstance(source, Path):
        tracks, stored = _dataset(source, choice), None
    else:
        tracks, stored = _library(source, choice)
    if choice.baseline:
        check_baseline(tracks, choice.baseline)
    first = choice.model or choice.baseline or (stored.name if stored else _default_model())
    return Subject(tracks, (first, *choice.compare), stored)


def _dataset(path: Path, choice: Choice) -> Dataset:
    if choice.split != AS_TRAINED:
        return open_subject(path, split=choice.split, reads_sides=False)
    if not choice.model:
        raise UsageError(f"--split {AS_TRAINED}: give the trained model with --model")
    return with_sides_of(open_subject(path), find_model(choice.model), name=choice.model)


def _library(library: OpenLibrary, choice: Choice) -> tuple[Dataset, VectorSet]:
    place = (library.folder, library.catalogue, library.model)
    own_folder = known_model_folder(*place)
    if choice.split != AS_TRAINED:
        return library_subject(library, split=choice.split, model_folder=own_folder)
    if choice.model:
        folder = find_model(choice.model)
    else:
        folder = own_folder or library_model_folder(*place)
    tracks, stored = library_subject(library, model_folder=own_folder)
    return with_sides_of(tracks, folder, name=choice.model or "the library's model"), stored


def _default_model() -> str:
    names = [model.name for model in list_models()]
    if DEFAULT_MODEL not in names:
        available = f" You have {', '.join(names)}." if names else ""
        raise UsageError(f"give --model with a name or folder, or --baseline.{available}")
    return DEFAULT_MODEL
