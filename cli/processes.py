"""A command line that `torchrun` starts several times: what it refuses, and who speaks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.options import LIBRARY_WORD
from embedder.errors import SoundalikeError, UsageError
from embedder.processes.torchrun import own_rank

MOST_SECONDS_FOR_RANK_ZERO = 60.0


def check_command(command: str | None) -> None:
    """Only training is shared between processes."""
    if own_rank().of > 1 and command != "train":
        raise UsageError(
            f"{command or 'soundalike'} runs in one process: start it without torchrun"
        )


def check_training(dataset: Path, flags: dict[str, object]) -> None:
    """Refuse what torchrun cannot share. `flags`: those that work in one process only."""
    if own_rank().of == 1:
        return
    for flag, is_given in flags.items():
        if is_given:
            raise UsageError(f"{flag} works in one process: start it without torchrun")
    if str(dataset) == LIBRARY_WORD:
        raise UsageError(
            "training on the library works in one process: start it without torchrun, or name a "
            "folder of music"
        )


def wait_for_rank_zero() -> None:
    """Let rank zero say what is wrong: torchrun's SIGTERM ends this process then.

    If rank zero has no such error, as on another machine, this process says its own.
    """
    time.sleep(MOST_SECONDS_FOR_RANK_ZERO)


@contextmanager
def said_by_rank_zero() -> Iterator[None]:
    """Checks of the command line, which fail in all processes alike."""
    try:
        yield
    except SoundalikeError:
        if not is_speaker():
            wait_for_rank_zero()
        raise


def is_speaker() -> bool:
    """Whether this process shows messages and results: all but rank zero are silent."""
    return own_rank().number == 0
