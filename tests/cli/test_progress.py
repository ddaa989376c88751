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


WAIT = """
import time
from cli.options import Globals
from cli.progress import bar, waiting
with waiting(Globals(), "Too quick to tell"):
    pass
with waiting(Globals(), "Searching") as wait:
    wait.step("Analysing song.mp3")
    time.sleep(1.6)
    with wait.paused():
        pass
"""
STEPS = """
import time
from cli.index_shown import index_progress
from cli.options import Globals
from index.indexing.results import IndexProgress
with index_progress(Globals()) as follower:
    follower.scanned(700, None)
    follower.scanned(1234, None)
    time.sleep(0.3)
    follower.scanned(1234, 104)
    time.sleep(0.3)
    for n in range(1, 101):
        follower.done(IndexProgress(n, 104, "", n_quick=min(n, 96)))
    time.sleep(0.3)
"""


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


def test_what_takes_over_a_second_says_so() -> None:
    """A block that ends sooner says nothing; a longer one names its step and the time."""
    out, shown = drawn(WAIT)
    assert out == b""
    assert b"Too quick" not in shown
    assert b"Analysing song.mp3" in shown
    assert b"0:00:0" in shown


def test_index_counts_files_and_then_work() -> None:
    """While folders are scanned the files found are counted; then only analysed tracks count."""
    _, shown = drawn(STEPS)
    assert b"Scanning" in shown
    assert b"1234/?" in shown
    assert b"0/104" in shown
    assert b"4/8" in shown
    assert b"100/104" not in shown
