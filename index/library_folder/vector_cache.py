"""The FAISS file of a library, kept equal to its catalogue: opened, caught up, or built anew."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from embedder.errors import ArtefactError, LibraryBusy
from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.lock import writing
from index.vectors.distances import Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.store_file import StoreSource, read_header

logger = logging.getLogger(__name__)

STORE_NAME = "vectors.faiss"
Warn = Callable[[str], None]


class StoreCache:
    """`vectors.faiss` in a library's folder. The catalogue is always right."""

    def __init__(self, folder: Path, catalogue: Catalogue, *, settings: StoreSettings) -> None:
        self._folder = folder
        self._path = folder / STORE_NAME
        self._catalogue = catalogue
        self._settings = settings

    def current(
        self, model: ModelRow, space: Space, *, warn: Warn, has_lock: bool = False
    ) -> FaissStore:
        """A store with exactly the catalogue's vectors, saved if the folder can be written to.

        With `has_lock`, the caller holds the lock and gets the store as it is in memory.
        """
        revision = self._catalogue.vectors.revision()
        store = self._opened(model, space, warn)
        if store is not None and store.source == StoreSource(model.fingerprint, revision):
            return store
        if store is not None:
            try:
                self._catch_up(store, model)
            except LibraryBusy:  # another process has put a newer file in its place
                return self.current(model, space, warn=warn, has_lock=has_lock)
        if store is None or store.is_outgrown(self._settings):
            store = self._built(model, space)
        is_saved = self._save(store, StoreSource(model.fingerprint, revision), has_lock=has_lock)
        return self._mapped(store, space) if is_saved and not has_lock else store

    def rebuild(self, model: ModelRow, space: Space) -> None:
        """Build the store from the catalogue and save it; the caller holds the lock."""
        revision = self._catalogue.vectors.revision()
        store = self._built(model, space)
        self._save(store, StoreSource(model.fingerprint, revision), has_lock=True)

    def problems(self, model: ModelRow, space: Space) -> list[str]:
        """Where the file and the catalogue differ, after reading all of both."""
        if not self._path.exists():
            return []
        try:
            read_header(self._path, check_all=True)
            store = FaissStore.open(self._path, space)
        except ArtefactError as error:
            return [f"{error}. 'soundalike library rebuild' makes it anew."]
        revision = self._catalogue.vectors.revision()
        if store.source != StoreSource(model.fingerprint, revision):
            return []  # behind, which the next search mends
        ids = self._catalogue.vectors.ids(model.id)
        vectors = self._catalogue.vectors.matrix(model.id, ids, size=model.embedding_size)
        same_ids = np.array_equal(store.ids(), ids)
        if same_ids and np.allclose(store.vectors(ids), space.to_unit(vectors), atol=1e-6):
            return []
        return [
            f"{self._path}: not what the catalogue says. 'soundalike library rebuild' mends it."
        ]

    def _opened(self, model: ModelRow, space: Space, warn: Warn) -> FaissStore | None:
        if not self._path.exists():
            return None
        try:
            store = FaissStore.open(self._path, space, search_effort=self._settings.search_effort)
        except ArtefactError as error:
            warn(f"{error}. It is built anew from the catalogue.")
            return None
        is_of_model = store.source is not None and store.source.fingerprint == model.fingerprint
        return store if is_of_model else None

    def _catch_up(self, store: FaissStore, model: ModelRow) -> None:
        """Take over what has changed since the store was written."""
        catalogue_ids = self._catalogue.vectors.ids(model.id)
        store_ids = store.ids()
        since = store.source.revision if store.source else 0
        changed_since = self._catalogue.vectors.ids_changed_since(model.id, since)
        missing = np.setdiff1d(catalogue_ids, store_ids, assume_unique=True)
        changed = np.union1d(missing, np.intersect1d(changed_since, catalogue_ids))
        store.remove(np.setdiff1d(store_ids, catalogue_ids, assume_unique=True))
        vectors = self._catalogue.vectors.matrix(model.id, changed, size=model.embedding_size)
        store.add(changed, vectors)

    def _built(self, model: ModelRow, space: Space) -> FaissStore:
        ids = self._catalogue.vectors.ids(model.id)
        vectors = self._catalogue.vectors.matrix(model.id, ids, size=model.embedding_size)
        return FaissStore.build(space, ids, vectors=vectors, settings=self._settings)

    def _save(self, store: FaissStore, source: StoreSource, *, has_lock: bool) -> bool:
        """Write the store to its file; false if that cannot be done now."""
        lock: AbstractContextManager[None] = nullcontext() if has_lock else writing(self._folder)
        try:
            with lock:
                store.save(self._path, source)
        except LibraryBusy:
            logger.debug("%s: being written to, so this process keeps its own store", self._path)
            return False
        except (ArtefactError, OSError) as error:
            logger.info("%s: not written (%s); it is built in memory each time", self._path, error)
            return False
        return True

    def _mapped(self, store: FaissStore, space: Space) -> FaissStore:
        """The store from the file that it was just saved to: mapped, it takes less memory."""
        try:
            mapped = FaissStore.open(self._path, space, search_effort=self._settings.search_effort)
        except ArtefactError:
            return store
        return mapped if mapped.source == store.source else store
