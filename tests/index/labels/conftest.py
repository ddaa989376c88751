"""Songs in every format whose tags can be written."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.index.labels.song_copies import SUFFIXES


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short sound in every format, with a title."""
    folder = tmp_path_factory.mktemp("songs")
    samples = 0.1 * np.random.default_rng(0).standard_normal((1, 24000))
    for suffix in SUFFIXES:
        path = folder / f"song{suffix}"
        write_audio(path, samples.astype(np.float32), 48000, tags={"title": "Old song"})
    return folder
