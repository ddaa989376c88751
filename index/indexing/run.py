"""Indexing from start to end: the library, the model, and then the work."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from embedder.errors import MissingAudio, printable_path
from embedder.features.measuring.measurers import current_versions
from index.catalogue.catalogue import Catalogue
from index.catalogue.database import Database
from index.catalogue.ledger import Ledger
from index.indexing.dataset_labels import (
    DatasetLabels,
    forget_sources,
    given_labels,
    offer,
    register,
    store_labels,
)
from index.indexing.ingest import Ingest
from index.indexing.model_choice import LazyEncoder, choose_model
from index.indexing.request import IndexOptions, ScanRules
from index.indexing.results import IndexProgress, IndexReport, OnScan
from index.indexing.survey import forecast
from index.library_folder.copies import find_copies
from index.library_folder.encoder import Encoder
from index.library_folder.model_folder import check_fingerprint
from index.library_folder.model_notes import keep_up, notes_of
from index.library_folder.open_library import CATALOGUE_NAME, OpenLibrary
from index.library_folder.score_fitting import keep_scores
from index.library_folder.upkeep import choose_store, sync_store
from index.vectors.kinds import StoreSettings
from index.vectors.stores import with_store

PATIENCE_SECONDS = 300.0
"""A run may have worked for hours when another program, such as a backup, locks the catalogue."""


def update_library(
    folder: Path,
    paths: Sequence[Path],
    *,
    model: str | None = None,
    options: IndexOptions | None = None,
    on_progress: Callable[[IndexProgress], None] | None = None,
    on_scan: OnScan | None = None,
) -> IndexReport:
    """Bring the library in a folder up to date with music; the library is made if it is missing.

    model: a name or a model's folder; None: the library's own, else the default model. Another
    model than the library's replaces it.
    """
    for path in paths:
        if not path.exists():  # before a library is made for it
            raise MissingAudio(path, "no such file or folder")
    options = options or IndexOptions()
    if options.store is not None:
        with_store(StoreSettings(), options.store)  # raises before a library is made
    is_new = not (folder / CATALOGUE_NAME).exists()
    # A new library's folder is made once there are a model and labels, and not for a dry run.
    library = OpenLibrary(folder) if is_new else OpenLibrary.open_or_create(folder)
    encoder = LazyEncoder(choose_model(library, model))
    labels = _given_labels(options, None if is_new else library.catalogue, encoder)
    if is_new and not options.dry_run:
        library = OpenLibrary.open_or_create(folder)
    with library:
        return index_into(
            library,
            paths,
            encoder=encoder,
            options=options,
            labels=labels,
            migrate=model is not None,
            on_progress=on_progress,
            on_scan=on_scan,
        )


def index_into(
    library: OpenLibrary,
    paths: Sequence[Path],
    *,
    encoder: Encoder,
    options: IndexOptions | None = None,
    labels: Sequence[DatasetLabels] | None = None,
    migrate: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
    on_scan: OnScan | None = None,
) -> IndexReport:
    """Bring an open library up to date with folders of music.

    Another model than the library's is refused. With `migrate`, all tracks get the new model's
    vectors, and searches use the old ones until the last new one is there. `labels`: the data sets
    that the options name, if they are read already.
    """
    options = options or IndexOptions()
    if labels is None:
        has_catalogue = Database.has_tables(library.folder / CATALOGUE_NAME)
        labels = _given_labels(options, library.catalogue if has_catalogue else None, encoder)
    if options.dry_run:
        return _dry_run(
            library, paths, encoder=encoder, options=options, migrate=migrate, on_scan=on_scan
        )
    with library.writing() as catalogue, catalogue.database.patient(PATIENCE_SECONDS):
        current = catalogue.current_model()
        if current is not None and not migrate:
            check_fingerprint(library.folder, current, encoder.fingerprint)
        model = catalogue.model_with(
            encoder.fingerprint,
            embedding_size=encoder.embedding_size,
            geometry=encoder.config.geometry,
            curvature=encoder.config.curvature,
        )
        if options.store is not None:
            choose_store(catalogue, options.store)
        if current is None:
            Ledger(catalogue).switch_to(model.id)
            library.write_manifest(catalogue)  # finished batches can be searched at once
        notes = notes_of(encoder)
        keep_up(catalogue, notes)
        if options.labels_from == ():
            forget_sources(catalogue)
        register(catalogue, labels, paths)
        ingest = Ingest(
            catalogue,
            model,
            encoder=encoder,
            options=options,
            on_progress=on_progress,
            on_scan=on_scan,
        )
        report = _noted(ingest.run(paths), paths, options.rules)
        report = _with_lacking(report, catalogue)
        if current is not None and current.id != model.id:
            with catalogue.database.transaction():
                Ledger(catalogue).switch_to(model.id)
        store = sync_store(library, catalogue)
        keep_up(catalogue, notes)
        report = _labelled(report, catalogue, labels, paths)
        if store is not None:
            find_copies(catalogue, store)
            keep_scores(catalogue, store)
        return report


def _with_lacking(report: IndexReport, catalogue: Catalogue) -> IndexReport:
    """The report, with a note on tracks outside the given paths that are still to be measured."""
    n_lacking = len(catalogue.measured.lacking(current_versions()))
    if not n_lacking:
        return report
    what = "1 other track was" if n_lacking == 1 else f"{n_lacking:,} other tracks were"
    note = (
        f"{what} analysed by an older version, which measured less. Run 'soundalike index' with "
        "their folders to measure them, too; their vectors stay."
    )
    return replace(report, notes=(*report.notes, note))


def _given_labels(
    options: IndexOptions, catalogue: Catalogue | None, encoder: Encoder
) -> list[DatasetLabels]:
    card = encoder.card if isinstance(encoder, LazyEncoder) else None
    paths = options.labels_from or ()
    return given_labels(paths, options.label_settings, catalogue=catalogue, card=card)


def _labelled(
    report: IndexReport,
    catalogue: Catalogue,
    labels: Sequence[DatasetLabels],
    paths: Sequence[Path],
) -> IndexReport:
    """Store the labels of data sets; the report with what was stored, or with an offer."""
    reports, notes = store_labels(catalogue, labels)
    offers = tuple(offer(catalogue, paths)) if report.added else ()
    return replace(report, labels=reports, notes=(*report.notes, *notes, *offers))


def _dry_run(
    library: OpenLibrary,
    paths: Sequence[Path],
    *,
    encoder: Encoder,
    options: IndexOptions,
    migrate: bool,
    on_scan: OnScan | None = None,
) -> IndexReport:
    """What a run would do. Writes nothing and takes no lock."""
    is_new = not (library.folder / CATALOGUE_NAME).exists()
    catalogue = None if is_new else library.catalogue
    current = catalogue.current_model() if catalogue else None
    if current is not None and not migrate:
        check_fingerprint(library.folder, current, encoder.fingerprint)
    report = forecast(
        catalogue, paths, fingerprint=encoder.fingerprint, options=options, on_scan=on_scan
    )
    return _noted(report, paths, options.rules)


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
