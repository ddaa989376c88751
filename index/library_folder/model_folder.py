"""Where the model is that made a library's vectors."""

from pathlib import Path
from typing import TYPE_CHECKING

from embedder.errors import ArtefactError, CorruptArtefact, FingerprintMismatch
from embedder.models.card import read_card
from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.model_notes import ModelNotes, notes_in

if TYPE_CHECKING:
    from embedder.encoding.encoder import TrackEncoder


def library_model_folder(folder: Path, catalogue: Catalogue, model: ModelRow) -> Path:
    """The folder of a library's model; raises ArtefactError if it cannot be found."""
    from embedder.models.registry import find_fingerprint

    try:
        notes = notes_in(catalogue, model)
    except CorruptArtefact:  # the next run of `index`, which needs the model, writes them anew
        notes = ModelNotes(model.fingerprint)
    if notes.folder and _holds_model(Path(notes.folder), model.fingerprint):
        return Path(notes.folder)
    model_folder = find_fingerprint(model.fingerprint)
    if model_folder is not None:
        return model_folder
    last_place = f" It was in {notes.folder}." if notes.folder else ""
    raise ArtefactError(
        f"{folder}: the model that made its vectors is not here (fingerprint "
        f"{model.fingerprint}).{last_place} Bring it back with 'soundalike models import', or "
        "move the library to another one with 'soundalike index --model'."
    )


def known_model_folder(folder: Path, catalogue: Catalogue, model: ModelRow) -> Path | None:
    """`library_model_folder`, or None if the model cannot be found."""
    try:
        return library_model_folder(folder, catalogue, model)
    except ArtefactError:
        return None


def load_encoder(folder: Path, catalogue: Catalogue, model: ModelRow) -> "TrackEncoder":
    """The model that made a library's vectors, loaded."""
    model_folder = library_model_folder(folder, catalogue, model)
    from embedder.encoding.encoder import TrackEncoder

    return TrackEncoder.load(model_folder)


def check_fingerprint(folder: Path, model: ModelRow, fingerprint: str) -> None:
    """Raise FingerprintMismatch unless a library's model is the one given."""
    if model.fingerprint != fingerprint:
        raise FingerprintMismatch(
            f"{folder}: its vectors were made by another model",
            found=model.fingerprint,
            expected=fingerprint,
            advice="Use the library's model, or move the library to the other one with "
            "'soundalike index --model'.",
        )


def _holds_model(folder: Path, fingerprint: str) -> bool:
    try:
        return read_card(folder).fingerprint == fingerprint
    except ArtefactError:
        return False
