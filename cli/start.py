"""What the `soundalike` script calls: it imports almost nothing, so that Ctrl-C is quiet at once.

Importing the command line takes a tenth of a second and more, and Ctrl-C may come meanwhile.
"""

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from embedder.processes.torchrun import own_rank

INTERRUPTED = 130
OBJECTS_BEFORE_COLLECTION = 20_000
"""Python's default is 700, and then it collects garbage hundreds of times during the imports: a
twentieth of the processor time of a query."""


def main() -> int:
    """Run the process's command line and return its exit code."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    _fill_closed_streams()
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return _run()  # a shell ignores Ctrl-C for what runs in the background
    signal.signal(signal.SIGINT, _end_now)
    return _run()


def _run() -> int:
    from cli.app import main as run

    if signal.getsignal(signal.SIGINT) is _end_now:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run()
    if own_rank().of > 1:
        _leave_now(code)
    return code


def _leave_now(code: int) -> None:
    """Skip Python's own end, in which gloo's threads would abort this process or wait for ever."""
    from cli.output import flush

    with suppress(OSError):
        flush()
    os._exit(code)


def _end_now(number: int, frame: FrameType | None) -> None:
    # Nothing has begun, so nothing needs to be closed; an exception could be lost in an import.
    del number, frame
    os.write(2, b"soundalike: interrupted\n")
    os._exit(INTERRUPTED)


def _fill_closed_streams() -> None:
    """Open the null device for each closed standard stream: otherwise the next file that is opened,
    such as the catalogue, would become standard output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - open to the end
