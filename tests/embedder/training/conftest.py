"""A small set of spectrograms that the tests of training share."""

from pathlib import Path

import pytest

from tests.embedder.small_sets import write_array_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectrograms of four genres that are easy to tell apart."""
    return write_array_set(tmp_path_factory.mktemp("set"))
