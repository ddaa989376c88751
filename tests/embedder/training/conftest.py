"""A small set of spectrograms that the tests of training share."""

from pathlib import Path

import pytest

from tests.embedder.small_sets import write_array_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectrograms of four genres that are easy to tell apart."""
    return write_array_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(autouse=True)
def _no_picture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs leave out `curves.png`, which takes a third of a small one; `drawing` draws it."""
    if "drawing" not in request.fixturenames:
        monkeypatch.setattr("embedder.training.report.report.write_curves", lambda *_: None)


@pytest.fixture
def drawing() -> None:
    """Draw the curves of this test's runs."""
