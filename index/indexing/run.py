"""Indexing from start to end: the library, the model, and then the work."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from embedder.errors import MissingAudio, printable_path
from index.catalogue.ledger import Ledger
from index.indexing.ingest import Ingest
from index.indexing.model_choice import LazyEncoder, choose_model
from index.indexing.request import IndexOptions, ScanRules
from index.indexing.results import IndexProgress, IndexReport
from index.library_folder.encoder import Encoder
from index.library_folder.model_notes import keep_up, notes_of
from index.library_folder.open_library import CATALOGUE_NAME, OpenLibrary, check_fingerprint
from index.library_folder.upkeep import sync_store


def update_library(
    folder: Path,
    paths: Sequence[Path],
    *,
    model: str | None = None,
    options: IndexOptions | None = None,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Bring the library in a folder up to date with music; the library is made if it is missing.

    model: a name or a model's folder; None: the library's own, else the default model. Another
    model than the library's replaces it.
    """
    for path in paths:
        if not path.exists():  # before a library is made for it
            raise MissingAudio(path, "no such file or folder")
    options = options or IndexOptions()
    if options.dry_run and not (folder / CATALOGUE_NAME).exists():
        # The dry run of a new library leaves nothing behind.
        with tempfile.TemporaryDirectory() as elsewhere:
            return _update(Path(elsewhere), paths, model, options, on_progress)
    return _update(folder, paths, model, options, on_progress)


def index_into(
    library: OpenLibrary,
    paths: Sequence[Path],
    *,
    encoder: Encoder,
    options: IndexOptions | None = None,
    migrate: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Bring an open library up to date with folders of music.

    Another model than the library's is refused. With `migrate`, all tracks get the new model's
    vectors, and searches use the old ones until the last new one is there.
    """
    options = options or IndexOptions()
    with library.writing() as catalogue:
        current = catalogue.current_model()
        if current is not None and not migrate:
            check_fingerprint(library.folder, current, encoder.fingerprint)
        model = catalogue.model_with(
            encoder.fingerprint,
            embedding_size=encoder.embedding_size,
            geometry=encoder.config.geometry,
            curvature=encoder.config.curvature,
        )
        if current is None and not options.dry_run:
            Ledger(catalogue).switch_to(model.id)
            library.write_manifest(catalogue)  # finished batches can be searched at once
        notes = notes_of(encoder)
        if not options.dry_run:
            keep_up(catalogue, notes)
        ingest = Ingest(catalogue, model, encoder=encoder, options=options, on_progress=on_progress)
        report = _noted(ingest.run(paths), paths, options.rules)
        if options.dry_run:
            return report
        if current is not None and current.id != model.id:
            with catalogue.database.transaction():
                Ledger(catalogue).switch_to(model.id)
        sync_store(library, catalogue)
        keep_up(catalogue, notes)
    return report


def _noted(report: IndexReport, paths: Sequence[Path], rules: ScanRules) -> IndexReport:
    """The report, with a note if the scan found no file at all."""
    n_files = report.added + report.updated + report.moved + report.unchanged + len(report.failed)
    if n_files:
        return report
    places = ", ".join(printable_path(path) for path in paths)
    limits = [f"--include {pattern!r}" for pattern in rules.include]
    limits += [f"--exclude {pattern!r}" for pattern in rules.exclude]
    why = f" with {' and '.join(limits)}" if limits else ""
    return replace(report, notes=(*report.notes, f"{places}: no audio file found{why}."))


def _update(
    folder: Path,
    paths: Sequence[Path],
    model: str | None,
    options: IndexOptions,
    on_progress: Callable[[IndexProgress], None] | None,
) -> IndexReport:
    # Before the folder is made: without a model there is no use for it.
    encoder = LazyEncoder(choose_model(OpenLibrary(folder), model))
    with OpenLibrary.open_or_create(folder) as library:
        return index_into(
            library,
            paths,
            encoder=encoder,
            options=options,
            migrate=model is not None,
            on_progress=on_progress,
        )
