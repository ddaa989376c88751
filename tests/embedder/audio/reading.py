"""Ways to read a file, and a script runner, that the audio tests share."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import probe, read_stretches, read_whole
from embedder.errors import AudioError


def middle_second(path: Path, *, sample_rate: int = 0) -> np.ndarray:
    """Read one second from the middle, float32 [samples]."""
    stretches = read_stretches(
        path, lambda seconds: [seconds / 2 - 0.5], seconds=1.0, sample_rate=sample_rate
    )
    return stretches.samples[0]


def refusal(path: Path, kind: type[AudioError]) -> str:
    """Read the file in three ways; all raise the same one-line error, which is returned."""
    lines = []
    for attempt in (probe, read_whole, middle_second):
        with pytest.raises(kind) as caught:
            attempt(path)
        lines.append(str(caught.value))
    assert len(set(lines)) == 1, lines
    assert "\n" not in lines[0]
    return lines[0]


def run_python(source: str) -> str:
    """Run a script in a child process; returns its stdout and stderr."""
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return finished.stdout + finished.stderr
