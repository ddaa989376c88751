"""The data of a training run: a data set, or the library as a table, and what to index after it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.options import LIBRARY_WORD, Globals
from embedder.errors import DatasetError


@contextmanager
def readable(
    settings: Globals, dataset: Path, folder: Path, *, only_settings: bool
) -> Iterator[Path]:
    """The data set, or for the library a table of its tracks in the run's folder.

    If it fails before a step was saved, the folder is removed again.
    """
    if str(dataset) != LIBRARY_WORD or only_settings:
        yield dataset
        return

    from embedder.training.folder.run_folder import RESULT_NAME, STATE_NAME
    from index.library import Library
    from index.library_folder.training_table import write_training_table

    was_there = folder.exists()
    with Library.open(settings.library_folder()) as library:
        table = write_training_table(library, folder)
    try:
        yield table
    except Exception:
        if not was_there and not any(
            (folder / name).exists() for name in (STATE_NAME, RESULT_NAME)
        ):
            shutil.rmtree(folder)
        raise


def music_of(dataset: Path) -> str:
    """What to index with the model: the data set's folder, the table's, or MUSIC."""
    if str(dataset) == LIBRARY_WORD:
        return "MUSIC"
    if not dataset.is_dir():
        return str(dataset.parent)
    holds_arrays = any(dataset.glob("*.npz")) or any(dataset.glob("*.npy"))
    return "MUSIC" if holds_arrays else str(dataset)


def has_own_labels(dataset: Path) -> bool:
    """Whether its labels come from elsewhere than the files' own tags."""
    from embedder.datasets.opening import detect_layout

    if str(dataset) == LIBRARY_WORD:
        return False
    try:
        return detect_layout(dataset) != "library"
    except DatasetError:  # the settings name one of several layouts that fit
        return False
