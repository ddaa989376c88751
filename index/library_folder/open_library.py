"""An open library: its files, tracks and vectors. Every use case takes one; it knows no use case.

A library is a folder: `catalogue.sqlite` is the truth, `vectors.faiss` a cache of its vectors,
`library.json` says what both are. Opening one imports neither torch nor pandas.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from embedder.errors import BadInput, CorruptArtefact, NotFound, UsageError
from index.catalogue.artists import LibraryArtists
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.records import Failure, TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.finding.naming import Choose, is_id, tracks_with_words
from index.library_folder.leftovers import remove_leftovers
from index.library_folder.lock import LOCK_NAME, writing
from index.library_folder.manifest import (
    LIBRARY_FORMAT,
    MANIFEST_NAME,
    manifest_of,
    read_manifest,
    write_manifest,
)
from index.library_folder.places import no_track_at, tracks_at
from index.library_folder.scoring import Scoring
from index.library_folder.vector_cache import StoreCache, Warn
from index.vectors.distances import FloatMatrix, Space
from index.vectors.kinds import StoreSettings, settings_from_text
from index.vectors.store import IdArray, VectorStore

if TYPE_CHECKING:
    from embedder.encoding.encoder import TrackEncoder

logger = logging.getLogger(__name__)

CATALOGUE_NAME = "catalogue.sqlite"
STORE_SETTINGS_KEY = "store"
Answer = TypeVar("Answer")
LONGEST_ID = 18  # digits; SQLite keeps whole numbers below 2**63
EMPTY = (
    "the library is empty. Fill it with 'soundalike index' and a folder of music, "
    "or try 'soundalike demo'."
)


class OpenLibrary:
    """An open library. `index.library.Library` adds a method for each use case."""

    def __init__(self, folder: Path, *, warn: Warn | None = None) -> None:
        self.folder = folder
        self.warn = warn or logger.warning
        self.choose: Choose | None = None
        """Asks a person which of several tracks is meant. None: AmbiguousTrack is raised."""
        self.on_step: Callable[[str], object] = str
        """Called before each step that takes long, with what it does."""
        self._catalogue: Catalogue | None = None
        self._store: VectorStore | None = None
        self._scoring: Scoring | None = None
        self._artists: tuple[tuple[int, int], LibraryArtists] | None = None
        self._encoder: TrackEncoder | None = None

    @classmethod
    def open(cls, folder: Path, *, warn: Warn | None = None) -> Self:
        """An existing library; raises NotFound, with advice, if there is no library.

        `warn` takes one sentence about each damage that was found and repaired.
        """
        manifest = read_manifest(folder)
        library = cls(folder, warn=warn)
        if manifest.format < LIBRARY_FORMAT:
            with library.writing():
                pass  # opening the catalogue to write brings it up to date
        return library

    @classmethod
    def open_or_create(cls, folder: Path, *, warn: Warn | None = None) -> Self:
        """A library to index into; the folder is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        is_foreign = any(folder.iterdir()) and not any(
            (folder / name).exists() for name in (CATALOGUE_NAME, LOCK_NAME, MANIFEST_NAME)
        )
        if is_foreign:
            raise UsageError(f"{folder} holds other files. Name an empty folder with --library.")
        library = cls(folder, warn=warn)
        path = folder / CATALOGUE_NAME
        if path.exists() and Catalogue.is_outdated(path):
            with library.writing():
                pass  # opening the catalogue to write brings it up to date
        return library

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its files."""
        if self._catalogue is not None:
            self._catalogue.close()
        self._catalogue = self._store = self._scoring = self._artists = None

    @contextmanager
    def writing(self) -> Iterator[Catalogue]:
        """The catalogue, open to write, with the library locked. Closes what was open to read."""
        self.close()
        with writing(self.folder):
            remove_leftovers(self.folder)
            is_complete = (self.folder / MANIFEST_NAME).exists()
            catalogue = Catalogue.create_or_open(
                self.folder / CATALOGUE_NAME, must_exist=is_complete
            )
            try:
                yield catalogue
                self.write_manifest(catalogue)
            finally:
                catalogue.close()

    def write_manifest(self, catalogue: Catalogue) -> None:
        """Write `library.json` for the model in use; a library without a model has none."""
        model = catalogue.current_model()
        if model is None:
            return
        write_manifest(self.folder, manifest_of(model))

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, open to read."""
        if self._catalogue is None:
            self._catalogue = Catalogue.open_to_read(self.folder / CATALOGUE_NAME)
        return self._catalogue

    @property
    def model(self) -> ModelRow:
        """The model whose vectors are searched; raises NotFound in an empty library."""
        model = self.catalogue.current_model()
        if model is None:
            raise NotFound(f"{self.folder}: {EMPTY}")
        return model

    @property
    def space(self) -> Space:
        """The geometry of its vectors."""
        return self.model.space

    @property
    def store(self) -> VectorStore:
        """Its vectors, searchable: opened at the first use, and mended if need be."""
        if self._store is None:
            self._store = self._store_cache.current(self.model, self.space, warn=self.warn)
        return self._store

    @property
    def _store_cache(self) -> StoreCache:
        return StoreCache(self.folder, self.catalogue, settings=self.store_settings)

    @property
    def scoring(self) -> Scoring:
        """How its distances are read."""
        if self._scoring is None:
            ids = self.store.ids()
            self._scoring = Scoring(self.catalogue, self.model, ids=ids, vectors=self.vectors)
        return self._scoring

    @property
    def artists(self) -> LibraryArtists:
        """Who made its tracks; read again after any change of the catalogue."""
        mark = self.catalogue.database.change_mark
        if self._artists is None or self._artists[0] != mark:
            self._artists = mark, LibraryArtists(self.catalogue.database)
        return self._artists[1]

    @property
    def store_settings(self) -> StoreSettings:
        """How the vectors are to be kept."""
        return store_settings_in(self.catalogue)

    def __len__(self) -> int:
        return len(self.store.ids())

    def require_tracks(self) -> None:
        """Raise NotFound, with advice, if the library is empty."""
        if not len(self):
            raise NotFound(f"{self.folder}: {EMPTY}")

    def tracks(self, ids: Sequence[int] | IdArray) -> list[TrackRecord]:
        """The tracks with these ids, in their order."""
        return self.catalogue.tracks(ids)

    def all_tracks(self) -> Iterator[TrackRecord]:
        """Every track that can be searched, by id."""
        return self.catalogue.all_tracks()

    def track(self, track_id: int) -> TrackRecord:
        """The track with an id; raises NotFound with the range of ids."""
        is_possible = len(str(track_id)) <= LONGEST_ID
        records = self.catalogue.tracks([track_id]) if is_possible else []
        if records:
            return records[0]
        ids = self.catalogue.searchable_ids()
        if not len(ids):
            raise NotFound(f"{self.folder}: {EMPTY}")
        raise NotFound(f"no track has the id {track_id}. Ids go from {ids[0]} to {ids[-1]}.")

    def tracks_named(self, text: str) -> list[TrackRecord]:
        """The tracks that a person means: an id, a path (a file may have several), or words.

        Raises NotFound, with the closest path, if there is no such track, and AmbiguousTrack for
        words that several tracks have, unless `choose` is set.
        """
        at_path = tracks_at(self.catalogue, text)
        if at_path:
            return at_path
        if is_id(text):
            if len(text) > LONGEST_ID:
                raise NotFound(f"no track has the id {text}.")
            return [self.track(int(text))]
        paths = self.catalogue.paths()
        if not paths:
            raise NotFound(f"{self.folder}: {EMPTY}")
        named = tracks_with_words(self.catalogue, text, choose=self.choose)
        if not named:
            raise no_track_at(text, paths)
        return named

    def vectors(self, ids: Sequence[int] | IdArray) -> FloatMatrix:
        """The exact vectors [n, size] of tracks; raises NotFound for one without."""
        try:
            return self._read(lambda store: store.vectors(np.asarray(ids, dtype=np.int64)))
        except KeyError as error:
            raise NotFound(f"track {error.args[0]} has no vector in this library") from error

    def excerpts(self, track_id: int) -> TrackExcerpts | None:
        """The excerpts of a track: where they start, and their vectors."""
        model = self.model
        return self.catalogue.vectors.excerpts(model.id, track_id, size=model.embedding_size)

    def nearest(
        self, queries: NDArray[np.floating], k: int, *, allowed_ids: IdArray | None = None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest to vectors [n, size]: true distances and ids [n, k], nearest first.

        Only among `allowed_ids`, if given. Where fewer than k exist: infinity and -1.
        """
        vectors = np.asarray(queries, dtype=np.float32)
        size = self.model.embedding_size
        if vectors.ndim != 2 or vectors.shape[1] != size:
            raise BadInput(f"vectors of shape {vectors.shape}, this library needs [n, {size}]")
        return self._read(lambda store: store.search(vectors, k, allowed_ids=allowed_ids))

    def _read(self, read: Callable[[VectorStore], Answer]) -> Answer:
        """What the store answers; a store with a damaged row is built anew first."""
        store = self.store
        try:
            return read(store)
        except CorruptArtefact as error:
            self.warn(f"{error}. It is built anew from the catalogue.")
        self._store = self._store_cache.built_anew(self.model, self.space)
        return read(self._store)

    @property
    def encoder(self) -> "TrackEncoder":
        """The model that made its vectors, loaded at the first use."""
        if self._encoder is None or self._encoder.fingerprint != self.model.fingerprint:
            from index.library_folder.model_folder import load_encoder

            self._encoder = load_encoder(self.folder, self.catalogue, self.model)
        return self._encoder

    def failures(self) -> list[Failure]:
        """Files that could not be used, and why."""
        return self.catalogue.failures()


def store_settings_in(catalogue: Catalogue) -> StoreSettings:
    """How a library's vectors are to be kept."""
    advice = "'soundalike library rebuild --store auto' sets it anew."
    settings = catalogue.parsed_setting(STORE_SETTINGS_KEY, settings_from_text, advice=advice)
    return settings or StoreSettings()
