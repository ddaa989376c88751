"""Changes to a library that need no audio: removing tracks, settings, rebuilding."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from embedder.errors import CorruptArtefact, NotFound, StorageError, UsageError
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.catalogue.records import Json, TrackRecord
from index.library_folder.open_library import (
    EMPTY,
    STORE_SETTINGS_KEY,
    OpenLibrary,
    store_settings_in,
)
from index.library_folder.score_fitting import keep_scores
from index.library_folder.vector_cache import StoreCache
from index.vectors import hubness
from index.vectors.kinds import MIN_CODED_VECTORS, StoreSettings, settings_to_text
from index.vectors.store import VectorStore
from index.vectors.stores import with_store


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """A library at a glance."""

    folder: str
    format: int
    fingerprint: str
    embedding_size: int
    geometry: str
    n_tracks: int
    n_gone: int
    n_duplicates: int
    """Tracks beyond the first of each recording."""
    n_failures: int
    store: Json
    n_copied: int = 0
    """Recordings that more than one track holds."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return asdict(self)


def remove_tracks(library: OpenLibrary, ids: Sequence[int]) -> list[TrackRecord]:
    """Forget tracks; their files stay. Returns the removed tracks; raises NotFound."""
    removed = [library.track(track_id) for track_id in ids]
    with library.writing() as catalogue:
        with catalogue.database.transaction():
            Ledger(catalogue).remove([track.id for track in removed])
        sync_store(library, catalogue)
    return removed


def set_store(library: OpenLibrary, settings: StoreSettings) -> None:
    """Change how vectors are stored: the kind of index, the memory budget, the search effort."""
    with library.writing() as catalogue:
        old = catalogue.setting(STORE_SETTINGS_KEY) or ""
        catalogue.set_setting(STORE_SETTINGS_KEY, settings_to_text(settings))
        try:
            _rebuild(library, catalogue, settings)
        except StorageError:  # such as a table that is out of reach
            catalogue.set_setting(STORE_SETTINGS_KEY, old)
            raise


def choose_store(catalogue: Catalogue, text: str) -> None:
    """Change where vectors are kept; the next `sync_store` writes them there."""
    settings = with_store(store_settings_in(catalogue), text)
    catalogue.set_setting(STORE_SETTINGS_KEY, settings_to_text(settings))


def set_correction(library: OpenLibrary, name: str) -> None:
    """Set the searches' default correction against hubs; `model`: as the model's card says."""
    text = "" if name == "model" else hubness.check_correction(name)
    with library.writing() as catalogue:
        catalogue.set_setting(hubness.SETTING, text)


def rebuild_as(library: OpenLibrary, kind: str | None, *, memory_mb: int | None = None) -> None:
    """Rebuild the store; a new kind or memory budget is kept as the library's setting."""
    try:
        old_settings = settings = library.store_settings
    except CorruptArtefact:
        if kind is None:
            raise
        old_settings, settings = None, StoreSettings()
    if kind is not None:
        settings = with_store(settings, kind)
    if memory_mb is not None:
        settings = replace(settings, memory_bytes=memory_mb * 2**20)
    n_vectors = library.catalogue.counts()["tracks"]
    if kind == "ivf-pq" and n_vectors < MIN_CODED_VECTORS:
        raise UsageError(
            f"ivf-pq: its codes are learnt from {MIN_CODED_VECTORS} tracks at least, and there "
            f"are {n_vectors}. Any other kind will do."
        )
    if settings == old_settings:
        rebuild(library)
    else:
        set_store(library, settings)


def rebuild(library: OpenLibrary) -> None:
    """Rebuild the store and the index of words from the catalogue, and fit the scores."""
    settings = library.store_settings
    with library.writing() as catalogue:
        _rebuild(library, catalogue, settings)


def sync_store(library: OpenLibrary, catalogue: Catalogue) -> VectorStore | None:
    """Bring the store up to date with a catalogue that is open to write; None without one."""
    model = catalogue.current_model()
    if model is None:
        return None
    cache = StoreCache(library.folder, catalogue, settings=store_settings_in(catalogue))
    return cache.current(model, model.space, warn=library.warn, has_lock=True)


def library_info(library: OpenLibrary) -> LibraryInfo:
    """The library at a glance."""
    model = library.model
    counts = library.catalogue.counts()
    return LibraryInfo(
        folder=str(library.folder),
        format=library.catalogue.database.format,
        fingerprint=model.fingerprint,
        embedding_size=model.embedding_size,
        geometry=model.geometry,
        n_tracks=counts["tracks"],
        n_gone=counts["gone"],
        n_duplicates=counts["duplicates"],
        n_failures=counts["failures"],
        store=library.store.info().to_json(),
        n_copied=counts["copied"],
    )


def _rebuild(library: OpenLibrary, catalogue: Catalogue, settings: StoreSettings) -> None:
    model = catalogue.current_model()
    if model is None:
        raise NotFound(f"{library.folder}: {EMPTY}")
    catalogue.words.rebuild()
    StoreCache(library.folder, catalogue, settings=settings).rebuild(model, model.space)
    store = sync_store(library, catalogue)
    if store is not None:
        keep_scores(catalogue, store, is_forced=True)
