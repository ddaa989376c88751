"""The library of a command: it asks which track words mean, and says what takes long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.choosing import chooser
from cli.options import Globals
from cli.progress import waiting

if TYPE_CHECKING:
    from index.library import Library


@contextmanager
def opened_library(settings: Globals, label: str) -> Iterator["Library"]:
    """The library, open. `label` is shown if the block takes over a second."""
    from index.library import Library

    with (
        waiting(settings, label) as wait,
        Library.open(settings.library_folder()) as library,
    ):
        library.choose = chooser(settings, wait.paused)
        library.on_step = wait.step
        yield library
