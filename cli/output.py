"""The only module that writes to stdout: a table for people; JSON, NDJSON or paths for scripts.

JSON is UTF-8 whatever the terminal's encoding is, and paths are the bytes of the file system. A
table is aligned text: coloured and fitted to the window on a terminal, plain and as wide as it
needs to be in a pipe.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from cli.options import Form, Globals
from cli.records import Json, cell, dump, heading, to_row
from cli.talk import write_remark
from embedder.errors import BadInput, UsageError

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
        write_line(text)


def write_line(text: str) -> None:
    """Write one line to stdout as UTF-8; bytes of paths that are not text are kept."""
    write_bytes(text.encode("utf-8", "surrogateescape") + b"\n")


def write_path(settings: Globals, path: str) -> None:
    """Write one path to stdout; it ends in a newline, or in NUL with -0."""
    write_bytes(os.fsencode(path) + (b"\0" if settings.null_separated else b"\n"))


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
    row = to_row(document)
    shown = {name: row.get(name) for name in columns} if columns else row
    pairs = [(heading(name), cell(name, value)) for name, value in shown.items()]
    _draw([("", False), ("", False)], pairs, title=title, with_header=False)


def _write_table(
    settings: Globals, rows: Sequence[dict[str, Json]], *, columns: Sequence[str], title: str
) -> None:
    if not rows:
        if not settings.quiet:
            write_remark("nothing found\n")
        return
    names = columns or list(rows[0])
    numeric = {n: all(isinstance(r.get(n), int | float | None) for r in rows) for n in names}
    cells = [[cell(name, row.get(name)) for name in names] for row in rows]
    _draw([(heading(name), numeric[name]) for name in names], cells, title=title)


def _draw(
    columns: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[str]],
    *,
    title: str,
    with_header: bool = True,
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, show_header=with_header, header_style="bold")
    for name, is_number in columns:
        table.add_column(name, justify="right" if is_number else "left", no_wrap=not on_terminal)
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    canvas = io.StringIO()
    console = Console(
        file=canvas,
        force_terminal=on_terminal and not os.environ.get("NO_COLOR"),  # no bold either
        width=None if on_terminal else PIPE_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in canvas.getvalue().splitlines():
        write_bytes(line.rstrip().encode(encoding, "replace") + b"\n")


@contextmanager
def muted() -> Iterator[None]:
    """Discard what is printed inside."""
    before = sys.stdout
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdout = before
