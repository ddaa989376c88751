"""Six songs in two folders, and a library for them."""

from pathlib import Path

import pytest

from index.library import Library
from tests.index.toy_encoder import tag_wav, write_wav


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Six songs in two folders."""
    for number in range(6):
        path = write_wav(tmp_path / "music" / f"album {number % 2}" / f"{number}.wav", number)
        tag_wav(path, title=f"Song {number}", artist=f"Artist {number % 3}", genre="jazz")
    return tmp_path / "music"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open_or_create(tmp_path / "library")
