"""Which model a library is made with, and that model when it is needed.

Its weights are loaded only for audio that nobody has analysed yet: knowing that nothing has
changed needs the card alone.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from embedder.config.model import ModelConfig
from embedder.encoding.requests import EncodingResult, TrackRequest
from embedder.errors import ArtefactError, UsageError
from embedder.models.card import Card, read_card
from index.library_folder.model_notes import notes_in
from index.library_folder.open_library import CATALOGUE_NAME, LibraryReader

if TYPE_CHECKING:
    from embedder.encoding.encoder import TrackEncoder

DEFAULT_MODEL = "default"


class LazyEncoder:
    """A model of which only the card has been read; the rest comes with the first new track."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card: Card = read_card(folder)

    @property
    def fingerprint(self) -> str:
        """The digest of weights and front end."""
        return self.card.fingerprint

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self.card.config.embedding_size

    @property
    def config(self) -> ModelConfig:
        """What the model hears and in which geometry its vectors live."""
        return self.card.config

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        """Each track's encoding or failure, in input order."""
        from embedder.encoding.encoder import TrackEncoder

        encoder = TrackEncoder.load(self.folder)
        yield from encoder.encode_many(paths, workers=workers, ordered=ordered)


def choose_model(library: LibraryReader, name: str | None) -> Path:
    """The folder of the model to index with: the one named, the library's own, or the default."""
    from embedder.models.registry import find_model, list_models

    if name is not None:
        return find_model(name)
    if (library.folder / CATALOGUE_NAME).exists() and library.catalogue.current_model():
        return library_model_folder(library)
    names = [model.name for model in list_models() if not model.problem]
    if DEFAULT_MODEL in names:
        return find_model(DEFAULT_MODEL)
    known = f" You have {', '.join(names)}." if names else ""
    raise UsageError(
        f"no model to index with: give --model and a name or the folder of a model.{known} "
        "'soundalike models import' takes one in, 'soundalike train' makes one."
    )


def library_model_folder(library: LibraryReader) -> Path:
    """Where the model is that made a library's vectors."""
    from embedder.models.registry import list_models

    model = library.model
    notes = notes_in(library.catalogue, model)
    if notes.folder and _is_it(Path(notes.folder), model.fingerprint):
        return Path(notes.folder)
    for listed in list_models():
        if listed.card is not None and listed.card.fingerprint == model.fingerprint:
            return listed.folder
    was = f" It was in {notes.folder}." if notes.folder else ""
    raise ArtefactError(
        f"{library.folder}: the model that made its vectors is not here (fingerprint "
        f"{model.fingerprint}).{was} Bring it back with 'soundalike models import', or move the "
        "library to another one with 'soundalike index --model'."
    )


def known_model_folder(library: LibraryReader) -> Path | None:
    """`library_model_folder`, or None where the model is not here."""
    try:
        return library_model_folder(library)
    except ArtefactError:
        return None


def load_encoder(library: LibraryReader) -> "TrackEncoder":
    """The model that made a library's vectors, ready to hear."""
    folder = library_model_folder(library)
    from embedder.encoding.encoder import TrackEncoder

    return TrackEncoder.load(folder)


def _is_it(folder: Path, fingerprint: str) -> bool:
    try:
        return read_card(folder).fingerprint == fingerprint
    except ArtefactError:
        return False
