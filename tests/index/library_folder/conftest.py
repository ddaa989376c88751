"""Eight songs, and a library of them."""

from pathlib import Path

import pytest

from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(8):
        write_wav(tmp_path / "music" / f"{number}.wav", number)
    return tmp_path / "music"


@pytest.fixture
def library(tmp_path: Path, music: Path) -> Library:
    library = Library.open_or_create(tmp_path / "library")
    library.index([music], encoder=ToyEncoder())
    library.close()
    return library
