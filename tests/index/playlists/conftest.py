"""A library of six hundred tracks."""

from collections.abc import Iterator

import pytest

from index.library import Library
from tests.index.playlists.asking import N
from tests.index.playlists.playlist_library import line_of_styles, write_library


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Six hundred tracks along a bow from one style to another; ids go along it."""
    songs, vectors = line_of_styles(N)
    with write_library(tmp_path_factory.mktemp("bow") / "library", songs, vectors) as library:
        yield library
