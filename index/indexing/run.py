"""Indexing from start to end: which library, which model, and then the work."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from embedder.errors import MissingAudio
from index.catalogue.records import IndexReport
from index.indexing.ingest import IndexOptions, IndexProgress
from index.library import Library
from index.library_folder.model_folder import LazyEncoder, choose_model
from index.library_folder.open_library import CATALOGUE_NAME


def update_library(
    folder: Path,
    paths: Sequence[Path],
    *,
    model: str | None = None,
    options: IndexOptions | None = None,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Bring the library in a folder up to date with music, and make it if it is not there.

    model: a name or a model's folder; none: the library's own, else the default one. Another one
    than the library's takes its place.
    """
    for path in paths:
        if not path.exists():  # before a library is made for it
            raise MissingAudio(path, "no such file or folder")
    options = options or IndexOptions()
    if options.dry_run and not (folder / CATALOGUE_NAME).exists():
        # A library that is only thought of leaves nothing behind.
        with tempfile.TemporaryDirectory() as elsewhere:
            return _update(Path(elsewhere), paths, model, options, on_progress)
    return _update(folder, paths, model, options, on_progress)


def _update(
    folder: Path,
    paths: Sequence[Path],
    model: str | None,
    options: IndexOptions,
    on_progress: Callable[[IndexProgress], None] | None,
) -> IndexReport:
    # Before the folder is made: without a model there is nothing to make it for.
    encoder = LazyEncoder(choose_model(Library(folder), model))
    with Library.open_or_create(folder) as library:
        return library.index(
            paths,
            encoder=encoder,
            options=options,
            migrate=model is not None,
            on_progress=on_progress,
        )
