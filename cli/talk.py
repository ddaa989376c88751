"""Talk to the person at the keyboard: always on stderr, so that stdout stays data."""

import logging
import sys

from cli.options import Globals
from embedder.errors import printable_path

OUR_PACKAGES = ("embedder", "index", "cli")


def say(settings: Globals, message: str) -> None:
    """One remark on stderr; silent with --quiet."""
    if not settings.quiet:
        sys.stderr.write(printable_path(message) + "\n")
        sys.stderr.flush()


class _StderrHandler(logging.Handler):
    """Writes where sys.stderr points now, not where it pointed when the handler was made."""

    def emit(self, record: logging.LogRecord) -> None:
        detail = f"{record.name}: " if record.levelno < logging.WARNING else ""
        sys.stderr.write(f"soundalike: {detail}{printable_path(record.getMessage())}\n")
        if record.exc_info:
            sys.stderr.write(logging.Formatter().formatException(record.exc_info) + "\n")


def set_up_logging(settings: Globals) -> None:
    """Send our packages' log to stderr: warnings, with --debug everything, with --quiet errors."""
    level = logging.DEBUG if settings.debug else logging.WARNING
    if settings.quiet and not settings.debug:
        level = logging.ERROR
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
            logger.addHandler(_StderrHandler())


def take_down_logging() -> None:
    """Leave the loggers as they were before, for whoever calls `main()` from a program."""
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        ours = [handler for handler in logger.handlers if isinstance(handler, _StderrHandler)]
        for handler in ours:
            logger.removeHandler(handler)
        if ours:
            logger.setLevel(logging.NOTSET)
