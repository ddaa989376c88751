"""Write docs/cli.md from the help pages, or with --check say whether it is current.

It refuses to add a word of its own about a command: what is missing belongs into the help text.
"""

import contextlib
import io
import os
import sys
from pathlib import Path

from typer.core import TyperGroup

from cli.app import main
from cli.loading import command_names, load_command

REFERENCE = Path(__file__).parent / "cli.md"
PAGE_COLUMNS = 80

INTRODUCTION = """\
# The command line

This page is written by `make docs` from `--help`; change the help texts, not this page.

stdout carries data, stderr carries talk. An answer is a table for people; `--json` makes it one
document, `--ndjson` a record a line as they come, `--paths` paths for pipes (with `-0` separated by
NUL). An empty answer is `[]` or nothing, and not an error. Where a command takes `TRACK`, `-` reads
paths from standard input.

| exit code | meaning |
|---|---|
| 0 | done (a reader that closes the pipe early is fine too) |
| 1 | our bug: `--debug` shows the traceback to report |
| 2 | usage: a wrong argument, a file that only `--force` replaces, an extra that is missing |
| 3 | bad input: audio, data or tracks of no use, diverged training, a busy library, the disk |
| 4 | an artefact that is corrupt, or that another model or version made |
| 5 | done, but some files failed |
| 130 | interrupted |
"""


def reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _section([], depth=2)]
    for name in command_names():
        parts.append(_section([name], depth=2))
        command = load_command(name)
        if isinstance(command, TyperGroup):
            parts += [_section([name, inner], depth=3) for inner in command.commands]
    return "\n".join(parts)


def _section(words: list[str], *, depth: int) -> str:
    page = "\n".join(line.rstrip() for line in help_page(words).strip().splitlines())
    return f"{'#' * depth} {' '.join(['soundalike', *words])}\n\n```text\n{page}\n```\n"


def help_page(words: list[str]) -> str:
    """What `soundalike WORDS --help` prints, at a fixed width."""
    shown = io.StringIO()
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(PAGE_COLUMNS)
    try:
        with contextlib.redirect_stdout(shown):
            code = main([*words, "--help"])
    finally:
        if width is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = width
    if code != 0:
        raise SystemExit(f"soundalike {' '.join(words)} --help ended with {code}")
    return shown.getvalue()


if __name__ == "__main__":
    page = reference()
    if "--check" not in sys.argv:
        REFERENCE.write_text(page, encoding="utf-8")
    elif not REFERENCE.exists() or REFERENCE.read_text(encoding="utf-8") != page:
        raise SystemExit("docs/cli.md is not current: run make docs")
