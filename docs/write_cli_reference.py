"""Write docs/cli.md from the help pages; with --check, only say whether it is up to date.

It adds nothing about a command: what is missing belongs in the help text.
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

`make docs` writes this page from `--help`: change the help texts, not this page.

Data goes to stdout, remarks go to stderr. By default, a command prints a table. `--json` prints one
document, `--ndjson` one record a line, and `--paths` only paths, for pipes; with `-0`, paths end in
NUL. An empty answer is `[]` or nothing, and no error. If a command takes `TRACK`, `-` reads paths
from standard input. JSON is always valid UTF-8: a byte of a path that is not text is printed as
`\\xff`, and the record's field `location` is a file URI with the exact bytes. `--paths -0` prints
such paths as they are.

| exit code | meaning |
|---|---|
| 0 | done (a reader that closes the pipe early is fine too) |
| 1 | a bug of ours: `--debug` shows the traceback to report |
| 2 | usage: a wrong argument, an existing file without `--force`, a missing extra |
| 3 | unusable audio, data or tracks; diverged training; busy library; full or read-only disk |
| 4 | an artefact that is corrupt, or made by another model or version |
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
        raise SystemExit("docs/cli.md is out of date: run make docs")
