"""The library on the page: a hundred thousand songs, and what is wrong with some of them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.many_tracks import songs_by_number, write_library
from index.labels.files.tag_writing import read_field, write_field
from soundalike.server.settings import ServerSettings
from tests.cli.songs import write_song
from tests.index.browser import Browser
from tests.index.vector_library import library_of
from tests.server.pages import Page, needs_browser, serving

pytestmark = needs_browser

N_MANY = 100_000
ROW = "document.querySelectorAll('.rows li')"
SHOWN = (
    "(s => [...document.querySelectorAll('.rows li')].filter(li => {"
    "const r = li.getBoundingClientRect(), box = s.getBoundingClientRect();"
    "return r.bottom > box.top && r.top < box.bottom; }).map(li =>"
    "[Number(li.ariaPosInSet), li.querySelector('.words a').textContent]))"
    "(document.querySelector('.scroller'))"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile"), width=1400, height=900) as browser:
        yield browser


@pytest.fixture(scope="module")
def doubted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty songs of one sound, one of them with another genre, and two copies; one file exists."""
    folder = tmp_path_factory.mktemp("doubted")
    song = folder / "song.flac"
    write_song(song, 1)
    write_field(song, "genre", ["metal"])
    generator = np.random.default_rng(0)
    vectors = np.ones((40, 8)) + 0.05 * generator.standard_normal((40, 8))
    tags = [
        {"genre": "jazz", "artist": f"Artist {row}", "title": f"Title {row}"} for row in range(40)
    ]
    tags[7] |= {"genre": "metal", "path": str(song)}
    digests = [*range(38), 5, 39]  # the last but one is a copy of the sixth
    library_of(folder / "library", vectors, tags, digests=digests).close()
    return folder


@pytest.fixture
def page(browser: Browser, doubted: Path) -> Iterator[Page]:
    """The page of that library; a trip may leave no error in the console."""
    with serving(ServerSettings(doubted / "library", port=0)) as address:
        yield Page.opened(browser, address)
        browser.open("about:blank", ready="true")  # ends its requests
    assert browser.console == []


def test_a_doubtful_label_is_mended_and_put_back(page: Page, doubted: Path) -> None:
    """The evidence is shown; one click changes the file's tag, and the next one undoes it."""
    song = doubted / "song.flac"
    page.open("library/")
    page.press("Look for them")
    page.wait("document.querySelector('#doubtful .why button')")
    assert page.titles()[-1] == "Title 7"
    assert "10 of 10 neighbours" in page.text("#doubtful .why")
    page.press("Change to jazz")
    page.wait("document.querySelector('#doubtful .why button').textContent === 'Undo'")
    assert read_field(song, "genre").labels == ("jazz",)
    (journal,) = (doubted / "library").rglob("labels-*.jsonl")
    assert json.loads(journal.read_text().splitlines()[-1])
    page.press("Undo")
    page.wait("document.querySelector('#doubtful').textContent.includes('The old tag is back.')")
    assert read_field(song, "genre").labels == ("metal",)


def test_copies_and_coverage_are_shown(page: Page) -> None:
    """Two files of equal audio are a group with their paths, and every model has its share."""
    page.open("library/")
    assert page.run("[...document.querySelectorAll('#copies .why')].map(p => p.textContent)") == [
        "/music/5.mp3",
        "/music/38.mp3",
    ]
    assert "equal audio" in page.text("#copies")
    assert "40 of 40 songs" in page.text("#coverage")


def test_a_file_that_cannot_be_used_is_named_with_its_reason(
    browser: Browser, served_folder: Path, tmp_path: Path
) -> None:
    """After indexing from the page, a broken file stands there with its reason."""
    shutil.copytree(served_folder / "library", tmp_path / "library")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "broken.mp3").write_bytes(b"this is no music" * 100)
    with serving(ServerSettings(tmp_path / "library", port=0)) as address:
        page = Page.opened(browser, address)
        page.open("library/")
        assert "Every file could be used." in page.text("main")
        page.set("#folder", str(tmp_path / "music"))
        page.press("Index")
        page.wait("document.querySelector('#failures')")
        assert "broken.mp3" in page.text("#failures td:first-child")
        assert len(page.text("#failures td:last-child")) > 10
        browser.open("about:blank", ready="true")


@pytest.mark.slow
def test_a_hundred_thousand_songs_scroll(browser: Browser, tmp_path: Path) -> None:
    """The list holds the rows in view alone, shows the right ones after any jump, and finds."""
    blocks = (np.eye(4, dtype=np.float32)[np.arange(5000) % 4] for _ in range(N_MANY // 5000))
    write_library(tmp_path / "library", songs_by_number(N_MANY), blocks)
    with serving(ServerSettings(tmp_path / "library", port=0)) as address:
        page = Page.opened(browser, address)
        assert page.text("#count") == "100,000 songs"
        height = page.run("document.querySelector('.rows').scrollHeight") / N_MANY
        for place in (99_000, 12_345, 50_000, 99_990, 0):
            page.run(f"document.querySelector('.scroller').scrollTop = {place * height}")
            page.wait(f"{SHOWN}.length > 9 && Math.abs({SHOWN}[0][0] - {place}) < 12")
            shown = page.run(SHOWN)
            assert [title for _, title in shown] == [f"Song {n - 1}" for n, _ in shown]
            assert np.all(np.diff([n for n, _ in shown]) == 1)
        page.run(
            "window.most = 0; window.frames = []; (async () => { let last = performance.now();"
            "for (let step = 0; step < 200; step++) {"
            "document.querySelector('.scroller').scrollTop += 300;"
            "await new Promise(requestAnimationFrame); const now = performance.now();"
            f"frames.push(now - last); last = now; most = Math.max(most, {ROW}.length); }}"
            "window.isDone = true; })(); 1"
        )
        page.wait("window.isDone")
        assert page.run("most") < 60
        assert np.median(page.run("frames")) < 100  # of a browser without a graphics card
        page.run(f"document.querySelector('.scroller').scrollTop = {95 * height}")
        page.wait("document.querySelector('li[aria-posinset=\"101\"]')")
        page.run("document.querySelector('li[aria-posinset=\"100\"] button').click()")
        page.browser.key("q")
        page.wait("document.querySelector('#queue [aria-current] + li')")
        assert "Song 100" in page.text("#queue [aria-current] + li")  # of the next page of songs
        page.browser.key("Escape")
        browser.console.clear()  # the song's file is made up
        page.browser.key("/")
        page.browser.type("song 98765")
        page.wait("document.querySelector('#count').textContent.startsWith('1 song')")
        assert page.titles() == ["Song 98765"]
        browser.open("about:blank", ready="true")
    assert browser.console == []
