"""The only module that writes to stdout: a table for people; JSON, NDJSON or paths for scripts.

JSON is UTF-8 whatever the terminal's encoding is, and paths are the bytes of the file system. A
table is aligned text: coloured and fitted to the window on a terminal, plain and as wide as it
needs to be in a pipe. Control characters of tags and of names of files are escaped wherever a
terminal could obey them.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.options import Form, Globals
from cli.records import cell, heading, with_names
from cli.talk import write_remark
from embedder.errors import BadInput, UsageError, printable_path
from soundalike.documents import Json, dump, to_row

if TYPE_CHECKING:
    from rich.console import Console

    from cli.table_layout import Column

PIPE_COLUMNS = 10_000  # wide enough that no cell is cut


def emit(
    settings: Globals,
    document: object = None,
    *,
    rows: Iterable[object] | None = None,
    columns: Sequence[str] = (),
    title: str = "",
) -> None:
    """Print an answer in the form that the global options name.

    document: what --json prints whole; by default the list of the rows.
    rows: what the table shows, what --ndjson prints one a line as they come, and what --paths takes
        the field `path` from; by default the document itself as one record.
    columns: the table's fields, in order; by default all of the first row.
    """
    records = iter([document] if rows is None else rows)
    if settings.form is Form.JSON:
        write_line(dump(list(records) if document is None else document, indent=2))
    elif settings.form is Form.NDJSON:
        for record in records:
            write_line(dump(record))
            flush()
    elif settings.form is Form.PATHS:
        for record in records:
            write_path(settings, _path_in(record))
    elif rows is None:
        _write_record(document, columns=columns, title=title)
    else:
        _write_table(settings, [to_row(r) for r in records], columns=columns, title=title)


def emit_text(settings: Globals, text: str) -> None:
    """Print prose for a person; the machine forms leave it out."""
    if settings.form is Form.TABLE:
        write_line(_printable(text))


def write_line(text: str) -> None:
    """Write one line to stdout as UTF-8; bytes of paths that are not text are kept."""
    write_bytes(text.encode("utf-8", "surrogateescape") + b"\n")


def write_text(text: str) -> None:
    """Write a document such as CSV: as it is in a pipe, with escaped controls on a terminal."""
    shown = _printable(text) if _is_terminal() else text
    write_bytes(shown.encode("utf-8", "surrogateescape"))


def write_path(settings: Globals, path: str) -> None:
    """Write one path to stdout; it ends in a newline, or in NUL with -0.

    The bytes are those of the file's name, except on a terminal, which could obey them.
    """
    data = printable_path(path).encode() if _is_terminal() else os.fsencode(path)
    write_bytes(data + (b"\0" if settings.null_separated else b"\n"))


def write_bytes(data: bytes) -> None:
    """Write raw bytes to stdout (an export to `-`, say)."""
    if sys.stdout is None:
        raise BadInput("standard output is closed: there is nowhere to print to")
    with _named_output():
        sys.stdout.flush()  # text that is still in the upper buffer goes first
        sys.stdout.buffer.write(data)


def flush() -> None:
    """Write out all buffers; raises BrokenPipeError if the reader has closed the pipe."""
    if sys.stdout is None:
        return
    with _named_output():
        sys.stdout.flush()


@contextmanager
def _named_output() -> Iterator[None]:
    """Errors of the block name standard output, and later output is discarded."""
    try:
        yield
    except OSError as error:
        # The interpreter flushes again when it ends, and would print an error then.
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, sys.stdout.fileno())
        os.close(silent)
        if isinstance(error, BrokenPipeError):
            raise
        raise BadInput(f"standard output: {error.strerror}") from error


def _path_in(record: object) -> str:
    path = to_row(record).get("path")
    if not isinstance(path, str):
        raise UsageError("this command has no paths to print: leave out --paths")
    return path


def _write_record(document: object, *, columns: Sequence[str], title: str) -> None:
    from cli.table_layout import Column

    row = to_row(document)
    shown = {name: row.get(name) for name in columns} if columns else row
    names = Column("", "", tuple(heading(name) for name in shown))
    values = Column("", "", tuple(cell(name, value) for name, value in shown.items()))
    _draw([names, values], title=title, with_header=False)


def _write_table(
    settings: Globals, rows: Sequence[dict[str, Json]], *, columns: Sequence[str], title: str
) -> None:
    if not rows:
        if not settings.quiet:
            write_remark("nothing found\n")
        return
    from cli.table_layout import Column, fit

    rows = with_names(rows)
    shown = [
        Column(
            name,
            heading(name),
            tuple(cell(name, row.get(name)) for row in rows),
            is_number=all(isinstance(row.get(name), int | float | None) for row in rows),
        )
        for name in columns or list(rows[0])
    ]
    shared = ""
    if _is_terminal():
        shown, shared = fit(shown, width=_console(io.StringIO()).width)
    _draw(shown, title=title, shared=shared)


def _draw(
    columns: "Sequence[Column]", *, title: str, shared: str = "", with_header: bool = True
) -> None:
    from rich.table import Table
    from rich.text import Text

    on_terminal = _is_terminal()
    table = Table(box=None, pad_edge=False, show_header=with_header, header_style="bold")
    for column in columns:
        is_cut = column.width is not None
        table.add_column(
            column.heading,
            justify="right" if column.is_number else "left",
            no_wrap=is_cut or not on_terminal,
            width=column.width,
            overflow="ellipsis" if is_cut else "fold",
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(text) for text in row))
    canvas = io.StringIO()
    console = _console(canvas)
    if title:
        console.print(Text(_printable(title), style="bold"))
    if shared:
        console.print(Text(shared))
    console.print(table)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in canvas.getvalue().splitlines():
        write_bytes(line.rstrip().encode(encoding, "replace") + b"\n")


def _console(canvas: io.StringIO) -> "Console":
    """Draws as wide as the terminal, and without a limit in a pipe."""
    from rich.console import Console

    on_terminal = _is_terminal()
    return Console(
        file=canvas,
        force_terminal=on_terminal and not os.environ.get("NO_COLOR"),  # no bold either
        width=None if on_terminal else PIPE_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _printable(text: str) -> str:
    """Prose of several lines without control characters."""
    return "\n".join(printable_path(line) for line in text.split("\n"))


@contextmanager
def muted() -> Iterator[None]:
    """Discard what is printed inside."""
    before = sys.stdout
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdout = before
