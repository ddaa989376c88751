"""A map's pages and a browser, made once for all tests of the page."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from index.map.drawing import draw_map
from index.map.request import MapRequest
from tests.index.browser import Browser
from tests.index.map.map_library import EVIL, N_TRACKS, MapLibrary


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of 60 tracks, five of them with titles that would be markup, and its pages."""
    folder = tmp_path_factory.mktemp("page")
    map_library = MapLibrary(folder / "library", n_genres=4)
    map_library.grow(N_TRACKS - len(EVIL)).close()
    with map_library.grow(len(EVIL), titles=EVIL, genre="<i>evil</i>") as library:
        draw_map(library, folder / "map.html", title="Mine <b>&</b> {{script}}")
        draw_map(library, folder / "deep.html", request=MapRequest(3), colour="year")
        first = Path(library.track(1).path)
        first.parent.mkdir(parents=True)
        tone = 0.1 * np.sin(np.arange(16000) / 20, dtype=np.float32)[None]
        write_audio(first, tone, 16000)
    return folder


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, folder: Path) -> Browser:
    """The flat map, just opened."""
    browser.open((folder / "map.html").as_uri())
    return browser
