"""Remarks and logs for a person: always on stderr, so that stdout holds only data."""

import logging
import os
import sys

from cli.options import Globals
from embedder.errors import printable_path

OUR_PACKAGES = ("embedder", "index", "soundalike", "cli")


def say(settings: Globals, message: str) -> None:
    """One remark on stderr; silent with --quiet."""
    if not settings.quiet:
        write_remark(printable_path(message) + "\n")


def write_remark(text: str) -> None:
    """Write to stderr. If it takes nothing, the rest of the run is silent and goes on."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # The interpreter flushes again when it ends, and would change the exit code then.
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, sys.stderr.fileno())
        os.close(silent)


class _StderrHandler(logging.Handler):
    """Writes to the current sys.stderr, not to the one at the time it was made."""

    def emit(self, record: logging.LogRecord) -> None:
        detail = f"{record.name}: " if record.levelno < logging.WARNING else ""
        write_remark(f"soundalike: {detail}{printable_path(record.getMessage())}\n")
        if record.exc_info:
            write_remark(logging.Formatter().formatException(record.exc_info) + "\n")


def set_up_logging(settings: Globals) -> None:
    """Log to stderr: warnings by default, everything with --debug, errors with --quiet."""
    level = logging.DEBUG if settings.debug else logging.WARNING
    if settings.quiet and not settings.debug:
        level = logging.ERROR
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
            logger.addHandler(_StderrHandler())


def take_down_logging() -> None:
    """Restore the loggers, for programs that call `main()`."""
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        ours = [handler for handler in logger.handlers if isinstance(handler, _StderrHandler)]
        for handler in ours:
            logger.removeHandler(handler)
        if ours:
            logger.setLevel(logging.NOTSET)
