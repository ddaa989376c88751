"""The library: the one class that everybody above talks to.

A library is a folder: `catalogue.sqlite` is the truth, `vectors.faiss` a cache of its vectors,
`library.json` says what both are. Opening one imports neither torch nor pandas.
"""

import difflib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import GeometryKind
from embedder.errors import (
    BadInput,
    CorruptArtefact,
    FingerprintMismatch,
    NotFound,
    OutputExists,
    printable_path,
)
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.ledger import Ledger
from index.catalogue.vector_rows import TrackExcerpts
from index.locking import writing
from index.manifest import LIBRARY_FORMAT, Manifest, read_manifest, write_manifest
from index.results import Failure, IndexReport, LibraryInfo, TrackRecord
from index.store_cache import StoreCache, Warn
from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.store import IdArray

if TYPE_CHECKING:
    from index.analyse import Encoder
    from index.ingest import IndexOptions, IndexProgress

logger = logging.getLogger(__name__)

CATALOGUE_NAME = "catalogue.sqlite"
STORE_SETTINGS_KEY = "store"
EMPTY = (
    "the library has no track yet. Fill it with 'soundalike index' and a folder of music, "
    "or try 'soundalike demo'."
)


class Library:
    """An open library. Make one with `Library.open` or `Library.open_or_create`."""

    def __init__(self, folder: Path, *, warn: Warn | None = None) -> None:
        self.folder = folder
        self._warn = warn or logger.warning
        self._catalogue: Catalogue | None = None
        self._store: FaissStore | None = None

    @classmethod
    def open(cls, folder: Path, *, warn: Warn | None = None) -> "Library":
        """A library that exists; raises NotFound with what to do where none does.

        `warn` is told, in one sentence, what went wrong and was mended.
        """
        manifest = read_manifest(folder)
        library = cls(folder, warn=warn)
        if manifest.format < LIBRARY_FORMAT:
            with library.writing():
                pass  # opening it to write brings it up to date
        return library

    @classmethod
    def open_or_create(cls, folder: Path, *, warn: Warn | None = None) -> "Library":
        """A library to index into, whether or not the folder is there."""
        folder.mkdir(parents=True, exist_ok=True)
        is_foreign = any(folder.iterdir()) and not any(
            (folder / name).exists() for name in (CATALOGUE_NAME, "library.lock", "library.json")
        )
        if is_foreign:
            raise OutputExists(folder)
        return cls(folder, warn=warn)

    def close(self) -> None:
        """Let go of its files."""
        if self._catalogue is not None:
            self._catalogue.close()
        self._catalogue = self._store = None

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What is in it

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, open to read."""
        if self._catalogue is None:
            path = self.folder / CATALOGUE_NAME
            if not path.exists():
                raise CorruptArtefact(
                    f"{path}: missing. Put a backup in its place, or move the library's folder "
                    "away and index the music again."
                )
            self._catalogue = Catalogue.open_to_read(path)
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
        return space_of(self.model)

    @property
    def store(self) -> FaissStore:
        """Its vectors, searchable: opened at the first use, and mended if need be."""
        if self._store is None:
            cache = StoreCache(self.folder, self.catalogue, settings=self.store_settings)
            self._store = cache.current(self.model, self.space, warn=self._warn)
        return self._store

    @property
    def store_settings(self) -> StoreSettings:
        """How the vectors are to be kept."""
        return _store_settings(self.catalogue)

    def __len__(self) -> int:
        return len(self.store.ids())

    def tracks(self, ids: Sequence[int] | IdArray) -> list[TrackRecord]:
        """The tracks with these ids, in their order."""
        return self.catalogue.tracks(ids)

    def all_tracks(self) -> Iterator[TrackRecord]:
        """Every track that can be searched, by id."""
        return self.catalogue.all_tracks()

    def track(self, track_id: int) -> TrackRecord:
        """The track with an id; raises NotFound with the ids nearest to it."""
        found = self.catalogue.tracks([track_id])
        if found:
            return found[0]
        ids = self.store.ids()
        if not len(ids):
            raise NotFound(f"{self.folder}: {EMPTY}")
        close = difflib.get_close_matches(str(track_id), [str(known) for known in ids], n=3)
        near = ", ".join(close) or f"{ids[0]} to {ids[-1]}"
        raise NotFound(f"no track has the id {track_id}. Do you mean {near}?")

    def find(self, text: str) -> list[TrackRecord]:
        """The tracks that a person means: an id, or a path, which may be a file of several.

        Raises NotFound with the closest path where there is none.
        """
        path = Path(text).absolute()
        at_path = self.catalogue.tracks_at(path)
        if at_path:
            return at_path
        if text.isascii() and text.isdigit() and len(text) < 19:
            return [self.track(int(text))]
        paths = self.catalogue.paths()
        if not paths:
            raise NotFound(f"{self.folder}: {EMPTY}")
        close = difflib.get_close_matches(str(path), paths, n=1, cutoff=0.7)
        by_name = [known for known in paths if Path(known).name == path.name]
        if not close and not by_name:
            names = {Path(known).name: known for known in paths}
            close = [names[n] for n in difflib.get_close_matches(path.name, names, n=1)]
        hint = [*by_name, *close][:1]
        meant = f" Do you mean {printable_path(hint[0])}?" if hint else ""
        raise NotFound(f"{printable_path(text)}: not in the library.{meant}")

    def vectors(self, ids: Sequence[int] | IdArray) -> FloatMatrix:
        """The exact vectors [n, size] of tracks; raises NotFound for one without."""
        try:
            return self.store.vectors(np.asarray(ids, dtype=np.int64))
        except KeyError as error:
            raise NotFound(f"track {error.args[0]} has no vector in this library") from error

    def excerpts(self, track_id: int) -> TrackExcerpts | None:
        """Where a track was listened to, and what was heard there."""
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
        return self.store.search(vectors, k, allowed_ids=allowed_ids)

    def failures(self) -> list[Failure]:
        """Files that could not be used, and why."""
        return self.catalogue.failures()

    def info(self) -> LibraryInfo:
        """The library at a glance."""
        model = self.model
        counts = self.catalogue.counts()
        return LibraryInfo(
            folder=str(self.folder),
            format=self.catalogue.database.format,
            fingerprint=model.fingerprint,
            embedding_size=model.embedding_size,
            geometry=model.geometry,
            n_tracks=counts["tracks"],
            n_gone=counts["gone"],
            n_duplicates=counts["duplicates"],
            n_failures=counts["failures"],
            store=self.store.info().to_json(),
        )

    def check_fingerprint(self, fingerprint: str) -> None:
        """Raise FingerprintMismatch unless a model is the one that made the vectors."""
        _check_fingerprint(self.folder, self.model, fingerprint)

    # Changing it

    @contextmanager
    def writing(self) -> Iterator[Catalogue]:
        """The catalogue, open to write, with the library locked; what was open is opened anew."""
        self.close()
        with writing(self.folder):
            catalogue = Catalogue.create_or_open(self.folder / CATALOGUE_NAME)
            try:
                yield catalogue
                self._write_manifest(catalogue)
            finally:
                catalogue.close()

    def index(
        self,
        paths: Sequence[Path],
        *,
        encoder: "Encoder",
        options: "IndexOptions | None" = None,
        migrate: bool = False,
        on_progress: "Callable[[IndexProgress], None] | None" = None,
    ) -> IndexReport:
        """Bring the library up to date with folders of music.

        Another model than the library's is refused; with `migrate` all tracks get its vectors,
        and the old ones are searched until the last of them is there.
        """
        from index.ingest import IndexOptions, Ingest  # searches need none of it

        options = options or IndexOptions()
        with self.writing() as catalogue:
            current = catalogue.current_model()
            if current is not None and not migrate:
                _check_fingerprint(self.folder, current, encoder.fingerprint)
            model = catalogue.model_with(
                encoder.fingerprint,
                embedding_size=encoder.embedding_size,
                geometry=encoder.config.geometry,
                curvature=encoder.config.curvature,
            )
            if current is None and not options.dry_run:
                Ledger(catalogue).switch_to(model.id)
                self._write_manifest(catalogue)  # what is there already can be searched
            ingest = Ingest(
                catalogue, model, encoder=encoder, options=options, on_progress=on_progress
            )
            report = ingest.run(paths)
            if options.dry_run:
                return report
            if current is not None and current.id != model.id:
                with catalogue.database.transaction():
                    Ledger(catalogue).switch_to(model.id)
            self._sync_store(catalogue)
        return report

    def remove(self, ids: Sequence[int]) -> list[TrackRecord]:
        """Forget tracks; their files stay. Returns what was removed; raises NotFound."""
        removed = [self.track(track_id) for track_id in ids]
        with self.writing() as catalogue:
            with catalogue.database.transaction():
                Ledger(catalogue).remove([track.id for track in removed])
            self._sync_store(catalogue)
        return removed

    def set_store(self, settings: StoreSettings) -> None:
        """Keep the vectors otherwise: another kind of index, memory budget or search effort."""
        with self.writing() as catalogue:
            catalogue.set_setting(STORE_SETTINGS_KEY, json.dumps(asdict(settings)))
            self._rebuild(catalogue, settings)

    def rebuild(self) -> None:
        """Make `vectors.faiss` anew from the catalogue."""
        settings = self.store_settings
        with self.writing() as catalogue:
            self._rebuild(catalogue, settings)

    def verify(self) -> list[str]:
        """What is wrong with the library, in sentences; empty where all is well."""
        model, wrong = self.model, list(self.catalogue.database.check())
        cache = StoreCache(self.folder, self.catalogue, settings=self.store_settings)
        wrong += cache.problems(model, self.space)
        manifest = read_manifest(self.folder)
        if manifest.fingerprint != model.fingerprint:
            wrong.append(
                f"library.json names the model {manifest.fingerprint}, the catalogue "
                f"{model.fingerprint}. Any run of 'soundalike index' writes it anew."
            )
        return wrong

    def _sync_store(self, catalogue: Catalogue) -> None:
        model = catalogue.current_model()
        if model is not None:
            cache = StoreCache(self.folder, catalogue, settings=_store_settings(catalogue))
            cache.current(model, space_of(model), warn=self._warn, has_lock=True)

    def _rebuild(self, catalogue: Catalogue, settings: StoreSettings) -> None:
        model = catalogue.current_model()
        if model is None:
            raise NotFound(f"{self.folder}: {EMPTY}")
        StoreCache(self.folder, catalogue, settings=settings).rebuilt(model, space_of(model))

    def _write_manifest(self, catalogue: Catalogue) -> None:
        model = catalogue.current_model()
        if model is None:
            return
        manifest = Manifest(
            LIBRARY_FORMAT,
            model.fingerprint,
            model.embedding_size,
            model.geometry,
            model.curvature,
        )
        write_manifest(self.folder, manifest)


def space_of(model: ModelRow) -> Space:
    """The geometry of a model's vectors."""
    return Space(cast("GeometryKind", model.geometry), model.curvature)


def _store_settings(catalogue: Catalogue) -> StoreSettings:
    text = catalogue.setting(STORE_SETTINGS_KEY)
    return StoreSettings(**json.loads(text)) if text else StoreSettings()


def _check_fingerprint(folder: Path, model: ModelRow, fingerprint: str) -> None:
    if model.fingerprint != fingerprint:
        raise FingerprintMismatch(
            f"{folder}: its vectors were made by another model",
            found=model.fingerprint,
            expected=fingerprint,
            advice="Use the library's model, or move the library to the other one with "
            "'soundalike index --model'.",
        )
