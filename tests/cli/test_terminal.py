"""A table on a terminal: fitted to the window, and styled unless NO_COLOR says otherwise."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = """
from cli.options import Globals
from cli.output import emit
emit(Globals(), rows=[{"detail": "word " * 60, "score": 0.5}])
"""


@pytest.mark.parametrize("no_colour", [False, True])
def test_a_table_fits_the_window(no_colour: bool) -> None:
    """No line is wider than the window, and escapes for a style obey NO_COLOR."""
    ours, terminal = pty.openpty()
    env = {
        **os.environ,
        "TERM": "xterm",
        "COLUMNS": "60",
        **({"NO_COLOR": "1"} if no_colour else {}),
    }
    subprocess.run(
        [sys.executable, "-c", TABLE], cwd=ROOT, stdout=terminal, timeout=60, check=True, env=env
    )
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(terminal)
    lines = shown.splitlines()
    assert len(lines) > 3
    bare = [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in lines]
    assert max(len(line) for line in bare) <= 60
    assert ("\x1b" in shown) is not no_colour
