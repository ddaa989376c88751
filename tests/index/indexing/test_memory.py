"""What a run of indexing takes."""

import sys
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.peak_memory import run_and_measure

PEAK_MEGABYTES = 1212
"""Of one short file, measured on Linux with torch 2.11; importing torch alone takes 743."""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured on Linux")
def test_indexing_one_file_takes_no_more_memory_than_before(tmp_path: Path) -> None:
    """The peak of `index` of one short file stays within a tenth of what was measured."""
    song = tmp_path / "song.flac"
    noise = 0.1 * np.random.default_rng(0).standard_normal(10 * 22_050)
    write_audio(song, noise.astype(np.float32), 22_050)
    run, peak_bytes = run_and_measure("--library", str(tmp_path / "library"), "index", str(song))
    assert run.returncode == 0, run.stderr
    assert peak_bytes / 2**20 < 1.1 * PEAK_MEGABYTES
