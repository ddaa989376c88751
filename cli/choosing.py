"""Ask a person which of several tracks is meant. A script is never asked: it gets an error."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import typer

from cli.options import Form, Globals
from cli.talk import write_remark
from embedder.errors import AmbiguousTrack, Candidate, printable_path

if TYPE_CHECKING:
    from index.library_folder.finding.naming import Choose


def chooser(
    settings: Globals, pause: Callable[[], AbstractContextManager[None]] = nullcontext
) -> "Choose | None":
    """A function that asks on the terminal, once for the same words; None in a script.

    pause: takes away what else is drawn on the terminal, while the question is there.
    """
    if settings.form is not Form.TABLE or settings.quiet or not _is_terminal():
        return None
    chosen_ids: dict[str, int] = {}

    def choose(error: AmbiguousTrack) -> int:
        if error.words not in chosen_ids:
            with pause():
                chosen_ids[error.words] = _asked(error).id
        return chosen_ids[error.words]

    return choose


def _is_terminal() -> bool:
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def _asked(error: AmbiguousTrack) -> Candidate:
    n_more = error.total - len(error.candidates)
    lines = [f"{error.total} tracks have the words {printable_path(error.words)}:"]
    for number, candidate in enumerate(error.candidates, start=1):
        lines.append(f"{number:4}. {printable_path(str(candidate))}")
    if n_more:
        lines.append(f"      and {n_more} more: 'soundalike library find' lists them")
    write_remark("\n".join(lines) + "\n")
    while True:
        question = f"Which one (1 to {len(error.candidates)}, Enter for none)?"
        answer = typer.prompt(question, default="", show_default=False, err=True).strip()
        if not answer:
            raise error
        if answer.isdecimal() and 1 <= int(answer) <= len(error.candidates):
            return error.candidates[int(answer) - 1]
