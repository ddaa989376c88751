"""The store of a library, kept equal to its catalogue: opened, caught up, or built anew."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from embedder.errors import ArtefactError, CorruptArtefact, LibraryBusy, StorageError
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.revisions import CatalogueState
from index.library_folder.lock import writing
from index.vectors.distances import Space
from index.vectors.kinds import StoreSettings
from index.vectors.store import VectorStore
from index.vectors.store_file import StoreSource
from index.vectors.stores import open_store, other_path, store_of, store_path

logger = logging.getLogger(__name__)

N_TRIES = 5
STRANGER = "made from another catalogue, or from another state of this one."
Warn = Callable[[str], None]


class StoreCache:
    """`vectors.faiss` in a library's folder, or a table. The catalogue is always right."""

    def __init__(self, folder: Path, catalogue: Catalogue, *, settings: StoreSettings) -> None:
        self._folder = folder
        self._path = store_path(folder, settings)
        self._catalogue = catalogue
        self._settings = settings

    def current(
        self, model: ModelRow, space: Space, *, warn: Warn, has_lock: bool = False
    ) -> VectorStore:
        """A store with exactly the catalogue's vectors, saved if the folder can be written to.

        With `has_lock`, the caller holds the lock and gets the store as it is in memory.
        """
        # The file is opened before the catalogue is read: no process can then have written a file
        # that is ahead of what is read here.
        opened = self._opened(space, warn)
        with self._catalogue.database.snapshot():
            source = self._source(model)
            if opened is not None and opened.source == source:
                return opened
            store = opened if opened is not None and self._is_behind(opened, model, warn) else None
            is_replaced = store is not None and not self._catch_up(store, model)
            if not is_replaced:
                if store is None or store.is_outgrown(self._settings):
                    store = self._built(model, space)
                is_saved = self._save(store, source, has_lock=has_lock, warn=warn)
        if store is None or is_replaced:
            return self.current(model, space, warn=warn, has_lock=has_lock)
        return self._mapped(store, space) if is_saved and not has_lock else store

    def is_current(self, store: VectorStore, model: ModelRow) -> bool:
        """Whether a store has exactly the catalogue's vectors."""
        return store.source == self._source(model)

    def rebuild(self, model: ModelRow, space: Space) -> None:
        """Build the store from the catalogue and save it; the caller holds the lock."""
        store = self._built(model, space)
        try:
            self._write(store, self._source(model))
        except OSError as error:
            raise StorageError(f"{self._path}: could not be written ({error.strerror}).") from error

    def built_anew(self, model: ModelRow, space: Space) -> VectorStore:
        """A new store, saved if the folder can be written to; the caller does not hold the lock."""
        with self._catalogue.database.snapshot():
            store = self._built(model, space)
            is_saved = self._save(store, self._source(model), has_lock=False)
        return self._mapped(store, space) if is_saved else store

    def problems(self, model: ModelRow, space: Space) -> list[str]:
        """Where the file and the catalogue differ, after reading all of both."""
        if not self._path.exists():
            return []
        try:
            store = open_store(self._path, space, self._settings)
            store.verify()
        except (ArtefactError, LibraryBusy) as error:
            return [f"{error}. 'soundalike library rebuild' makes it anew."]
        source = self._source(model)
        if store.source != source:
            if store.source is not None and self._is_of_catalogue(store.source):
                return []  # behind, which the next search mends
            return [f"{self._path}: {STRANGER} The next search rebuilds it."]
        ids = self._catalogue.vectors.ids(model.id)
        try:
            vectors = self._catalogue.vectors.matrix(model.id, ids, size=model.embedding_size)
        except CorruptArtefact:
            return []  # told by the check of the catalogue's own rows
        same_ids = np.array_equal(store.ids(), ids)
        if same_ids and np.allclose(store.vectors(ids), space.to_unit(vectors), atol=1e-6):
            return []
        return [
            f"{self._path}: not what the catalogue says. 'soundalike library rebuild' mends it."
        ]

    def _source(self, model: ModelRow) -> StoreSource:
        """What a store that is made now is made from."""
        state = self._catalogue.revisions.current()
        return StoreSource(model.fingerprint, state.revision, state.token, state.catalogue_id)

    def _is_of_catalogue(self, source: StoreSource) -> bool:
        """Whether this very catalogue was once in the state that a store was made from."""
        state = CatalogueState(source.catalogue_id, source.revision, source.token)
        return self._catalogue.revisions.includes(state)

    def _is_behind(self, store: VectorStore, model: ModelRow, warn: Warn) -> bool:
        """Whether a store can be brought up to date; if not, it is another catalogue's or model's.

        The store of a catalogue that was restored from a backup, or whose last commits a crash of
        the machine has undone, is ahead of it, and its numbers will be given out again.
        """
        source = store.source
        if source is None or not self._is_of_catalogue(source):
            warn(f"{self._path}: {STRANGER} It is built anew from the catalogue.")
            return False
        return source.fingerprint == model.fingerprint

    def _opened(self, space: Space, warn: Warn) -> VectorStore | None:
        if not self._path.exists():
            return None
        for _ in range(N_TRIES):
            try:
                return open_store(self._path, space, self._settings)
            except LibraryBusy:
                continue  # another process has replaced it meanwhile
            except ArtefactError as error:
                warn(f"{error}. It is built anew from the catalogue.")
                return None
        return None

    def _catch_up(self, store: VectorStore, model: ModelRow) -> bool:
        """Take over what has changed since; false if another process has replaced the file."""
        catalogue_ids = self._catalogue.vectors.ids(model.id)
        store_ids = store.ids()
        since = store.source.revision if store.source else 0
        changed_since = self._catalogue.vectors.ids_changed_since(model.id, since)
        missing = np.setdiff1d(catalogue_ids, store_ids, assume_unique=True)
        changed = np.union1d(missing, np.intersect1d(changed_since, catalogue_ids))
        vectors = self._catalogue.vectors.matrix(model.id, changed, size=model.embedding_size)
        try:
            store.remove(np.setdiff1d(store_ids, catalogue_ids, assume_unique=True))
            store.add(changed, vectors)
        except LibraryBusy:
            return False
        return True

    def _built(self, model: ModelRow, space: Space) -> VectorStore:
        rows, size = self._catalogue.vectors, model.embedding_size
        return store_of(
            space,
            rows.ids(model.id),
            size=size,
            read=lambda ids: rows.matrix(model.id, ids, size=size),
            settings=self._settings,
        )

    def _save(
        self, store: VectorStore, source: StoreSource, *, has_lock: bool, warn: Warn | None = None
    ) -> bool:
        """Write the store to its file; false if that cannot be done now."""
        lock: AbstractContextManager[None] = nullcontext() if has_lock else writing(self._folder)
        try:
            with lock:
                self._write(store, source)
        except LibraryBusy:
            logger.debug("%s: being written to, so this process keeps its own store", self._path)
            return False
        except (ArtefactError, StorageError, OSError) as error:
            logger.info("%s: not written (%s); it is built in memory each time", self._path, error)
            if warn is not None and self._settings.is_lance:  # a folder may be read-only on purpose
                warn(f"{error}. Until it can be written, each command searches in memory.")
            return False
        return True

    def _write(self, store: VectorStore, source: StoreSource) -> None:
        store.save(self._path, source)
        other_path(self._folder, self._settings).unlink(missing_ok=True)

    def _mapped(self, store: VectorStore, space: Space) -> VectorStore:
        """The store from the file that it was just saved to: mapped, it takes less memory."""
        if self._settings.is_lance:
            return store  # it shows what it has saved
        try:
            mapped = open_store(self._path, space, self._settings)
        except (ArtefactError, LibraryBusy):
            return store
        return mapped if mapped.source == store.source else store
