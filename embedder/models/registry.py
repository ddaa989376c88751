"""Models by name or by path.

A name is a folder among the user's models (`$SOUNDALIKE_MODELS`, else the platform's folder for
user data), or among those that come with soundalike; the user's come first. Anything else is the
path of a model's folder, or of a training run's folder. A pickle is never opened.
"""

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import platformdirs

from embedder.errors import ArtefactError, UnknownChoice, UnsupportedFormat, printable_path
from embedder.models.card import CARD_NAME, Card, read_card
from embedder.models.loaded import LoadedModel
from embedder.models.model_files import MEMBERS_NAME

__all__ = ["LoadedModel", "find_model", "list_models", "load_model", "user_models_folder"]

MODELS_VARIABLE = "SOUNDALIKE_MODELS"
PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".h5"})
BEST_OF_RUN = "best"
Place = Literal["user", "bundled"]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model with a name. If its card cannot be read, `card` is None and `problem` says why."""

    name: str
    folder: Path
    place: Place
    card: Card | None
    problem: str = ""


def user_models_folder() -> Path:
    """Where `models import` puts models; it may not exist yet."""
    named_folder = os.environ.get(MODELS_VARIABLE)
    if named_folder:
        return Path(named_folder).expanduser()
    return platformdirs.user_data_path("soundalike", appauthor=False) / "models"


def bundled_models_folder() -> Path:
    """The folder of the models that come with soundalike."""
    return Path(str(resources.files("embedder.models.bundled")))


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model; of a training run, its best model. Refuses unknown names."""
    path = Path(name_or_path)
    refuse_pickle(path)
    if isinstance(name_or_path, str) and len(path.parts) == 1 and path.name not in ("", ".."):
        folders = _named_folders()
        if name_or_path in folders:
            return folders[name_or_path][0]
        if not path.exists():
            raise UnknownChoice("model", name_or_path, folders or ["the path of a model's folder"])
    of_run = path / BEST_OF_RUN
    is_run = (of_run / CARD_NAME).is_file() and not (path / CARD_NAME).exists()
    return of_run if is_run else path


def refuse_pickle(path: Path) -> None:
    """Refuse a pickled model and say what to do instead; other paths pass."""
    if path.suffix.lower() in PICKLE_SUFFIXES and path.is_file():
        raise UnsupportedFormat(
            f"{printable_path(path)}: a pickle or similar file, which can run code when it is "
            "opened, so soundalike never opens one. Export the model to ONNX, or its tensors to "
            "safetensors, and use `soundalike models import`."
        )


def list_models() -> list[ListedModel]:
    """All models with a name, sorted; broken models too, with their problem."""
    listed = []
    for name, (folder, place) in sorted(_named_folders().items()):
        try:
            listed.append(ListedModel(name, folder, place, read_card(folder)))
        except ArtefactError as error:
            listed.append(ListedModel(name, folder, place, None, str(error)))
    return listed


def find_fingerprint(fingerprint: str) -> Path | None:
    """The folder of the model with this fingerprint, also of a part of a combined model.

    So libraries of an earlier bundled model that is a part of the present one keep their model.
    """
    parts = []
    for listed in list_models():
        if listed.card is None:
            continue
        if listed.card.fingerprint == fingerprint:
            return listed.folder
        if listed.card.kind == "combined":
            parts.append(listed.folder)
    for folder in parts:
        for path in sorted((folder / MEMBERS_NAME).glob(f"*/{CARD_NAME}")):
            if read_card(path.parent).fingerprint == fingerprint:
                return path.parent
    return None


def load_model(name_or_path: str | Path, *, device: str = "cpu") -> LoadedModel:
    """Load any model and check its fingerprint.

    The network moves to `device` if it can; the front end stays on the CPU.
    """
    from torch import nn

    folder = find_model(name_or_path)
    model = _load_folder(folder, read_card(folder))
    if model.runs_on_devices and isinstance(model.network, nn.Module):
        model.network.to(device)
    return model


def _load_folder(folder: Path, card: Card) -> LoadedModel:
    # Each kind needs libraries of its own, and some of them are optional.
    if card.kind == "onnx":
        from embedder.models.kinds.onnx_file import load_onnx_model

        return load_onnx_model(folder, card)
    if card.kind == "huggingface":
        from embedder.models.kinds.huggingface import load_huggingface_model

        return load_huggingface_model(folder, card)
    if card.kind == "projection":
        from embedder.models.kinds.projection import load_projection
        from embedder.models.kinds.projection_file import BASE_NAME

        base = folder / BASE_NAME
        return load_projection(folder, card, base=_load_folder(base, read_card(base)))
    if card.kind == "combined":
        from embedder.models.kinds.combined import load_combined
        from embedder.models.kinds.combined_file import member_folders

        members = [_load_folder(path, read_card(path)) for path in member_folders(folder)]
        return load_combined(folder, card, members)
    if card.kind == "musicnn":
        from embedder.models.kinds.musicnn import load_musicnn

        return load_musicnn(folder, card)
    from embedder.models.kinds.network import load_checkpoint

    return load_checkpoint(folder, card)


def _named_folders() -> dict[str, tuple[Path, Place]]:
    folders: dict[str, tuple[Path, Place]] = {}
    places: list[tuple[Path, Place]] = [
        (bundled_models_folder(), "bundled"),
        (user_models_folder(), "user"),
    ]
    for root, place in places:
        if root.is_dir():
            folders |= {
                folder.name: (folder, place)
                for folder in root.iterdir()
                if (folder / CARD_NAME).is_file()
            }
    return folders
