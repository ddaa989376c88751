"""The page in a real browser, as a user's trips."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundalike.server.settings import ServerSettings
from tests.index.browser import Browser
from tests.server.conftest import N_SONGS, ODD_TITLE
from tests.server.pages import IS_SOLVED, VIEW, Page, needs_browser, serving, start_playlist

pytestmark = needs_browser

SIZES = [(1400, 900), (390, 844)]
PLAYLIST_BUTTONS = "[...document.querySelectorAll('#playlist button')]"
WORDLESS = (
    "[...document.querySelectorAll('[data-text], [data-label], [data-title]')].filter(e =>"
    "/undefined/.test(e.textContent + e.ariaLabel + e.title) || !(e.textContent || e.ariaLabel))"
    ".map(e => e.outerHTML)"
)
"""Elements whose text is not among those of text.js."""
VIEWS = ["songs/", "songs/3", "playlist/", "map/", "library/", "taste/"]


@pytest.fixture(scope="module")
def address(served_folder: Path) -> Iterator[str]:
    """A real server on loopback."""
    with serving(ServerSettings(served_folder / "library", port=0)) as address:
        yield address


@pytest.fixture(scope="module")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all trips."""
    with Browser(tmp_path_factory.mktemp("profile"), width=1400, height=900) as browser:
        yield browser


@pytest.fixture
def page(shared_browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened anew; a trip may leave no error in the console."""
    page = Page.opened(shared_browser, address)
    yield page
    assert shared_browser.console == []


def test_songs_are_found_as_one_types(page: Page) -> None:
    """`/` leads to the search box, and each letter narrows the list."""
    page.browser.key("/")
    page.browser.type("zeb")
    page.wait("document.querySelector('#count').textContent.startsWith('1 song')")
    page.wait("document.querySelectorAll('.row').length === 1")
    assert page.titles() == ["Zebra crossing"]


def test_an_odd_title_is_text(page: Page) -> None:
    """A title with a script is shown letter by letter."""
    assert page.titles()[0] == ODD_TITLE
    assert page.run("document.querySelectorAll('main script').length") == 0


def test_a_song_has_neighbours_and_reasons(page: Page) -> None:
    """A song's page lists what sounds like it, why, and plays the matching stretches."""
    page.open("songs/3")
    assert page.run("document.querySelectorAll('.row meter').length") == N_SONGS - 1
    page.click("#why")
    page.wait("document.querySelectorAll('.why:not([hidden])').length > 3")
    page.click(".why .find-stretches")
    page.wait("document.querySelector('.why .stretches')")
    page.click(".why .stretches button:nth-child(2)")
    page.wait("!document.querySelector('#audio').paused")
    assert page.run("document.querySelector('#audio').src").endswith("/audio")


def test_the_player_stays_and_obeys_keys(page: Page) -> None:
    """Space pauses, J goes on, and another view does not stop the song."""
    page.click(".rows li:nth-child(2) .row > button")
    page.wait("!document.querySelector('#audio').paused")
    first = page.run("document.querySelector('#now-playing').textContent")
    page.run("document.activeElement.blur(); location.hash = '#/library'")
    page.wait(f"{VIEW} === 'library/'")
    assert not page.run("document.querySelector('#audio').paused")
    page.browser.key("j")
    page.wait(f"document.querySelector('#now-playing').textContent !== {json.dumps(first)}")
    page.browser.key(" ")
    page.wait("document.querySelector('#audio').paused")


def test_the_queue_goes_on_with_songs_like_it(page: Page) -> None:
    """After the last song of a queue, one that sounds like it plays."""
    page.open("songs/3")
    page.click("main .actions button.main")
    page.wait("!document.querySelector('#audio').paused")
    first = page.run("document.querySelector('#audio').src")
    page.run("document.querySelector('#next').click()")
    page.wait(f"document.querySelector('#audio').src !== {json.dumps(first)}")


def test_keep_and_drop_change_the_playlist(page: Page) -> None:
    """A dropped song leaves the list at once, and a kept one stays."""
    start_playlist(page)
    kept = page.titles()[1]
    page.click("#playlist li:nth-child(2) [aria-label^='Keep']")
    page.wait("document.querySelector('#playlist [aria-pressed=true]')")
    page.wait(IS_SOLVED)
    dropped = next(title for title in page.titles()[1:] if title != kept)
    drop = json.dumps(f"Drop {dropped},")
    page.run(f"{PLAYLIST_BUTTONS}.find(b => b.ariaLabel.startsWith({drop})).click()")
    page.wait(f"!{PLAYLIST_BUTTONS}.some(b => b.ariaLabel.startsWith({drop}))")
    assert kept in page.titles()


def test_a_playlist_is_saved_as_a_file(page: Page, tmp_path: Path) -> None:
    """A press of a button saves the list in the format of its name."""
    start_playlist(page)
    page.browser.allow_downloads(tmp_path)
    page.press("Save as M3U8")
    saved = tmp_path / "playlist.m3u8"
    for _ in range(200):
        if saved.exists():
            break
        page.browser.frames(5)
    assert saved.read_text().startswith("#EXTM3U")


def test_a_lasso_selects_on_the_map(page: Page) -> None:
    """A loop around all dots selects them, and a playlist can start from them."""
    page.open("map/")
    page.wait("document.querySelector('canvas')?.dataset.ready")
    page.press("Select with a lasso")
    x, y, width, height = page.run(
        "(r => [r.x, r.y, r.width, r.height])"
        "(document.querySelector('canvas').getBoundingClientRect())"
    )
    left, top, right, bottom = x + 2, y + 2, x + width - 2, y + height - 2
    loop = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 1)]
    page.browser.drag(loop)
    words = "document.querySelector('.map-side strong')?.textContent"
    page.wait(f"{words} === '{N_SONGS} songs are selected.'")
    page.press("Start a playlist from them")
    page.wait(f"{VIEW} === 'playlist/'")
    page.wait(f"document.querySelectorAll('#seeds li').length === {N_SONGS}")


def test_a_dropped_file_is_asked_about(page: Page, served_folder: Path) -> None:
    """A file that is dropped anywhere lists the songs like it, itself first."""
    data = list((served_folder / "music" / "03.flac").read_bytes())
    page.run(
        "(() => { const t = new DataTransfer();"
        f"t.items.add(new File([new Uint8Array({data})], 'mine.flac'));"
        "dispatchEvent(new DragEvent('drop', {dataTransfer: t})); })()"
    )
    page.wait("document.querySelector('h1')?.textContent === 'Songs like mine.flac'")
    assert page.titles()[0] == "Song 3"


def test_likes_and_skips_are_the_listeners_events(page: Page) -> None:
    """A like in a list, and a song skipped by key, are stored; the taste view deletes them."""
    stored = "fetch('/api/v1/taste').then(r => r.json()).then(t => t.counts.skip)"
    before = page.run(stored)
    page.click(".rows li:nth-child(3) .judge.like")
    page.wait("document.querySelector('.row[data-id=\"3\"] .like[aria-pressed=true]')")
    page.click(".rows li:nth-child(2) .row > button")
    page.wait("!document.querySelector('#audio').paused")
    page.browser.key("j")
    page.wait("document.querySelector('.player .like[aria-pressed=true]')")  # the liked song
    while page.run(stored) == before:
        page.browser.frames(3)
    page.open("taste/")
    counts = "document.querySelector('#taste-counts')?.textContent"
    page.wait(f"/^Likes: 1. Dislikes: 0.*Skips: {before + 1}.$/.test({counts})")
    for _ in range(2):
        page.run("(b => { b.focus(); b.click(); })(document.querySelector('#forget'))")
    page.wait(f"{counts} === 'Likes: 0. Dislikes: 0. Plays: 0. Skips: 0.'")


def test_the_queue_is_shown_and_changed(page: Page) -> None:
    """Q shows what comes next; a song is taken out of it, and Esc hides it."""
    page.click(".rows li:nth-child(2) .row > button")
    page.run("document.activeElement.blur()")
    page.browser.key("q")
    page.wait(f"document.querySelectorAll('#queue li').length === {N_SONGS}")
    page.click("#queue li:nth-child(3) button:last-child")
    page.wait(f"document.querySelectorAll('#queue li').length === {N_SONGS - 1}")
    page.browser.key("Escape")
    page.wait("document.querySelector('#queue').hidden")


def test_the_page_about_the_api_sends_a_request(page: Page, address: str) -> None:
    """Each address has an example, which is sent at a click."""
    page.browser.open(f"{address}api/docs")
    similar = "document.getElementById('get-/api/v1/similar')"
    page.run(f"{similar}.open = true")
    page.wait(f"{similar}.querySelector('button')")
    page.run(f"{similar}.querySelector('button').click()")
    page.wait(f"{similar}.querySelector('.answer').textContent.startsWith('200')")
    assert "similar?id=1&k=5" in page.run(f"{similar}.querySelector('.line').textContent")


def test_indexing_from_the_page_shows_its_end(page: Page, served_folder: Path) -> None:
    """A folder is indexed from the page, which says what was done."""
    page.open("library/")
    folder = json.dumps(str(served_folder / "music"))
    page.run(f"document.querySelector('#folder').value = {folder}")
    page.run("document.querySelector('#folder').form.requestSubmit()")
    page.wait("document.querySelector('#status').textContent === '0 added, 0 updated, 0 failed.'")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_everybody_can_read_it(
    address: str, tmp_path: Path, size: tuple[int, int], scheme: str
) -> None:
    """No view is wider than the window, and axe-core finds nothing serious in it."""
    axe = pytest.importorskip("axe_core_python", reason="axe-core is not installed")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with Browser(tmp_path, width=size[0], height=size[1]) as browser:
        browser.emulate_scheme(scheme)
        page = Page(browser, address)
        for view in (*VIEWS, "api/docs"):
            if view in VIEWS:
                page.open(view)
            else:
                browser.open(f"{address}{view}")
            browser.frames(3)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.run(wide) <= 0, view
            assert page.run(WORDLESS) == [], view
            page.run(f"{script}; true")
            problems = page.run(
                "axe.run().then(r => r.violations.filter(v => ['serious', 'critical']"
                ".includes(v.impact)).map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))"
            )
            assert problems == [], view
