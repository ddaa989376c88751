"""The library: the one class that everybody above talks to.

A library is a folder: `catalogue.sqlite` is the truth, `vectors.faiss` a cache of its vectors,
`library.json` says what both are. This file opens libraries and changes them; what they answer
stands in `library_reader`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from embedder.errors import NotFound, OutputExists, UsageError
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.catalogue.records import IndexReport, TrackRecord
from index.library_folder.lock import LOCK_NAME, writing
from index.library_folder.manifest import (
    LIBRARY_FORMAT,
    MANIFEST_NAME,
    Manifest,
    read_manifest,
    write_manifest,
)
from index.library_folder.open_library import (
    CATALOGUE_NAME,
    EMPTY,
    STORE_SETTINGS_KEY,
    LibraryReader,
    check_fingerprint,
    store_settings_in,
)
from index.library_folder.vector_cache import StoreCache, Warn
from index.library_space import space_of
from index.vectors.kinds import MIN_CODED_VECTORS, StoreSettings, check_kind

if TYPE_CHECKING:
    import pandas as pd

    from index.indexing.analyse import Encoder
    from index.indexing.ingest import IndexOptions, IndexProgress
    from index.labels.files.writing import WriteReport


class Library(LibraryReader):
    """An open library. Make one with `Library.open` or `Library.open_or_create`."""

    @classmethod
    def open(cls, folder: Path, *, warn: Warn | None = None) -> Self:
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
    def open_or_create(cls, folder: Path, *, warn: Warn | None = None) -> Self:
        """A library to index into, whether or not the folder is there."""
        folder.mkdir(parents=True, exist_ok=True)
        is_foreign = any(folder.iterdir()) and not any(
            (folder / name).exists() for name in (CATALOGUE_NAME, LOCK_NAME, MANIFEST_NAME)
        )
        if is_foreign:
            raise OutputExists(folder)
        return cls(folder, warn=warn)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[Catalogue]:
        """The catalogue, open to write, with the library locked; what was open is opened anew."""
        self.close()
        with writing(self.folder):
            is_complete = (self.folder / MANIFEST_NAME).exists()
            catalogue = Catalogue.create_or_open(
                self.folder / CATALOGUE_NAME, must_exist=is_complete
            )
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
        from index.indexing.ingest import IndexOptions, Ingest  # searches need none of it
        from index.library_folder.model_notes import keep_up, notes_of

        options = options or IndexOptions()
        with self.writing() as catalogue:
            current = catalogue.current_model()
            if current is not None and not migrate:
                check_fingerprint(self.folder, current, encoder.fingerprint)
            model = catalogue.model_with(
                encoder.fingerprint,
                embedding_size=encoder.embedding_size,
                geometry=encoder.config.geometry,
                curvature=encoder.config.curvature,
            )
            if current is None and not options.dry_run:
                Ledger(catalogue).switch_to(model.id)
                self._write_manifest(catalogue)  # what is there already can be searched
            notes = notes_of(encoder)
            if not options.dry_run:
                keep_up(catalogue, notes)
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
            keep_up(catalogue, notes)
        return report

    def remove(self, ids: Sequence[int]) -> list[TrackRecord]:
        """Forget tracks; their files stay. Returns what was removed; raises NotFound."""
        removed = [self.track(track_id) for track_id in ids]
        with self.writing() as catalogue:
            with catalogue.database.transaction():
                Ledger(catalogue).remove([track.id for track in removed])
            self._sync_store(catalogue)
        return removed

    def write_tags_from(
        self, frame: "pd.DataFrame", field: str, *, replace_old: bool = False
    ) -> "WriteReport":
        """Put a table's column into the tags of its files; the report's journal can undo it.

        The table names tracks by `path` or `id`. A file that has the tag keeps it, but for
        `replace_old`; empty cells change nothing.
        """
        from index.labels.files.writing import plan_changes, write_labels
        from index.library_folder.frames import labels_in

        changes = plan_changes(labels_in(self, frame, field), replace_old=replace_old)
        return write_labels(self, changes)

    def set_store(self, settings: StoreSettings) -> None:
        """Keep the vectors otherwise: another kind of index, memory budget or search effort."""
        with self.writing() as catalogue:
            catalogue.set_setting(STORE_SETTINGS_KEY, json.dumps(asdict(settings)))
            self._rebuild(catalogue, settings)

    def set_correction(self, name: str) -> None:
        """What searches do against hubs, if they do not say; `model`: what helped the model."""
        from index.vectors import hubness

        text = "" if name == "model" else hubness.check_correction(name)
        with self.writing() as catalogue:
            catalogue.set_setting(hubness.SETTING, text)

    def rebuild_as(self, kind: str | None, *, memory_mb: int | None = None) -> None:
        """Make `vectors.faiss` anew, from now on of another kind or within another memory."""
        settings = self.store_settings
        if kind is not None:
            settings = replace(settings, kind=check_kind(kind))
        if memory_mb is not None:
            settings = replace(settings, memory_bytes=memory_mb * 2**20)
        n_vectors = self.info().n_tracks
        if kind == "ivf-pq" and n_vectors < MIN_CODED_VECTORS:
            raise UsageError(
                f"ivf-pq: its codes are learnt from {MIN_CODED_VECTORS} tracks at least, and there "
                f"are {n_vectors}. Any other kind will do."
            )
        if settings == self.store_settings:
            self.rebuild()
        else:
            self.set_store(settings)

    def rebuild(self) -> None:
        """Make `vectors.faiss` anew from the catalogue."""
        settings = self.store_settings
        with self.writing() as catalogue:
            self._rebuild(catalogue, settings)

    def _sync_store(self, catalogue: Catalogue) -> None:
        model = catalogue.current_model()
        if model is not None:
            cache = StoreCache(self.folder, catalogue, settings=store_settings_in(catalogue))
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
