"""Which model indexes a library. Its weights are loaded when the first track needs a vector.

The card is enough to see that nothing has changed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from embedder.config.model import ModelConfig
from embedder.encoding.measuring_many import measure_many
from embedder.encoding.requests import EncodingResult, MeasuringResult, TrackRequest
from embedder.errors import UsageError
from embedder.models.card import Card, read_card
from index.catalogue.database import Database
from index.library_folder.model_folder import library_model_folder
from index.library_folder.open_library import CATALOGUE_NAME, OpenLibrary

DEFAULT_MODEL = "default"


class LazyEncoder:
    """A model whose card has been read; the weights are loaded for the first track."""

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
        """The front end's settings and the geometry of the vectors."""
        return self.card.config

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        """Each track's encoding or failure, in input order."""
        from embedder.audio.decoders import start_early

        start_early()  # while torch is imported
        from embedder.encoding.encoder import TrackEncoder

        encoder = TrackEncoder.load(self.folder)
        yield from encoder.encode_many(paths, workers=workers, ordered=ordered)

    def measure_many(
        self, requests: Iterable[TrackRequest], *, workers: int | None = None
    ) -> Iterator[MeasuringResult]:
        """What the measurers of each request give for its track; the weights are not loaded."""
        return measure_many(requests, workers=workers)


def choose_model(library: OpenLibrary, name: str | None) -> Path:
    """The folder of the model to index with: the named one, the library's own, or the default."""
    from embedder.models.registry import find_model, list_models

    if name is not None:
        return find_model(name)
    if Database.has_tables(library.folder / CATALOGUE_NAME):
        model = library.catalogue.current_model()
        if model is not None:
            return library_model_folder(library.folder, library.catalogue, model)
    names = [listed.name for listed in list_models() if not listed.problem]
    if DEFAULT_MODEL in names:
        return find_model(DEFAULT_MODEL)
    present = f" You have {', '.join(names)}." if names else ""
    raise UsageError(
        f"no model to index with: give --model and a name or the folder of a model.{present} "
        "'soundalike models import' adds a model, 'soundalike train' makes one."
    )
