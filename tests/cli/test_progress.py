"""The bar: drawn for a person at a terminal, nowhere else."""

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNT = """
from cli.options import Globals
from cli.progress import bar, track
settings = Globals(quiet={quiet})
assert list(track(settings, range(40), label="Analysing", total=40)) == list(range(40))
with bar(settings, label="Writing", total=8) as advance:
    advance(8)
"""


def drawn(code: str) -> tuple[bytes, bytes]:
    """The output of a program: stdout, and a terminal on stderr."""
    ours, terminal = pty.openpty()
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=terminal,
            timeout=60,
            check=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        )
        os.write(terminal, b"\nend of drawing")
        shown = b""
        while b"end of drawing" not in shown:
            shown += os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(terminal)
    return ended.stdout, shown.replace(b"end of drawing", b"").strip()


def test_a_bar_is_drawn_on_a_terminal() -> None:
    """The bar shows label, count and rate on stderr and leaves stdout alone."""
    out, shown = drawn(COUNT.format(quiet=False))
    assert out == b""
    assert b"Analysing" in shown
    assert b"40/40" in shown
    assert b"/s" in shown
    assert b"8/8" in shown


def test_quiet_draws_nothing() -> None:
    """With --quiet a terminal stays empty."""
    assert drawn(COUNT.format(quiet=True)) == (b"", b"")
