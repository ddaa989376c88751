"""Listening on the page: keys, stretches, the queue's end, plays that count, and the microphone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundalike.server.settings import ServerSettings
from tests.cli.songs import write_song
from tests.index.browser import Browser
from tests.server.conftest import write_served
from tests.server.pages import Page, needs_browser, serving

pytestmark = needs_browser

SECONDS = 24.0
PLAYS = "!document.querySelector('#audio').paused"
AT = "document.querySelector('#audio').currentTime"
SRC = "document.querySelector('#audio').src"
COUNTS = "fetch('/api/v1/taste').then(r => r.json()).then(t => t.counts)"


@pytest.fixture(scope="module")
def long_songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs that are long enough to jump in."""
    return write_served(tmp_path_factory.mktemp("long"), seconds=SECONDS, n_songs=6)


@pytest.fixture(scope="module")
def address(long_songs: Path) -> Iterator[str]:
    with serving(ServerSettings(long_songs / "library", port=0)) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile"), width=1400, height=900) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened anew; a trip may leave no error in the console."""
    yield Page.opened(browser, address)
    assert browser.console == []


def test_the_keyboard_alone_plays_and_finds(page: Page) -> None:
    """Without a mouse: find a song, open it, play, jump, judge, go on and back, read the help."""
    keys = page.browser
    keys.key("/")
    keys.type("song 2")
    page.wait("document.querySelectorAll('.row').length === 1")
    keys.key("ArrowDown")
    keys.key("Enter")
    page.wait("document.querySelector('#song-title')?.textContent === 'Song 2'")
    page.run("document.querySelector('main button.main').focus()")
    keys.key("Enter")
    page.wait(f"{PLAYS} && {AT} > 0.05")
    page.run("document.activeElement.blur()")
    keys.key(" ")
    page.wait(f"!({PLAYS})")
    for name, least, most in (
        ("ArrowRight", 10, 12),
        ("ArrowRight", 20, 22),
        ("ArrowLeft", 10, 12),
    ):
        keys.key(name)
        page.wait(f"{least} <= {AT} && {AT} < {most}")
    keys.key("l")
    page.wait("document.querySelector('.player .like[aria-pressed=true]')")
    keys.key("l")
    page.wait("document.querySelector('.player .like[aria-pressed=false]')")
    keys.key("k")
    page.wait(f"{AT} < 1")
    first = json.dumps(page.run(SRC))
    keys.key("j")
    page.wait(f"{SRC} !== {first}")
    keys.key("k")
    page.wait(f"{SRC} === {first}")
    keys.key("?")
    page.wait("document.querySelector('#help').open")
    assert "J / K" in page.text("#help")
    keys.key("Escape")
    page.wait("!document.querySelector('#help').open")


def test_matching_stretches_play_one_after_the_other(page: Page) -> None:
    """The query's stretch plays to its end, then the neighbour's, and then there is silence."""
    page.open("songs/2")
    page.click("#why")
    page.wait("document.querySelectorAll('.why:not([hidden])').length === 5")
    page.click(".why .find-stretches")
    page.wait("document.querySelector('.why .stretches button')")
    own, other = (
        [60 * int(minutes) + int(seconds) for minutes, seconds in pair]
        for pair in page.run(
            "[...document.querySelectorAll('.why .stretches button')].slice(0, 2)"
            ".map(b => [...b.textContent.matchAll(/(\\d+):(\\d+)/g)].map(m => [m[1], m[2]]))"
        )
    )
    page.run(
        "(() => { const a = document.querySelector('#audio'); window.heard = [];"
        "a.addEventListener('timeupdate', () => { if (!a.paused) heard.push("
        "[Number(a.src.match(/tracks.(\\d+)/)[1]), a.currentTime]); }); })()"
    )
    page.click(".why .stretches button:nth-child(3)")
    page.wait(f"heard.some(([id]) => id !== 2) && !({PLAYS})")
    heard = page.run("heard")
    assert [heard[0][0], heard[-1][0]] == [
        2,
        int(page.run("document.querySelector('.row').dataset.id")),
    ]
    for number, (start, end) in zip((heard[0][0], heard[-1][0]), (own, other), strict=True):
        times = [time for id_, time in heard if id_ == number and time > 0]
        assert start - 1 <= min(times) and max(times) <= end + 1.5


def test_a_heard_song_is_a_play_and_like_songs_follow(page: Page) -> None:
    """A song that is heard is stored as a play, and at the queue's end a song like it plays."""
    before = page.run(COUNTS)["play"]
    page.open("songs/3")
    page.click("main .actions button.main")
    page.wait(PLAYS)
    page.run("document.querySelector('#audio').playbackRate = 6")
    first = json.dumps(page.run(SRC))
    near = page.run("[...document.querySelectorAll('#near .row')].map(r => r.dataset.id)")
    page.wait(f"{SRC} !== {first} && {PLAYS}")
    assert page.run(SRC).split("/")[-2] in near
    assert page.run(COUNTS)["play"] == before + 1
    page.open("taste/")
    assert "Song 2" in page.text("#events li")
    assert "played" in page.text("#events li")


def test_a_queue_may_end(page: Page) -> None:
    """If the listener does not want more songs, the last one is the end."""
    page.run("document.querySelector('#go-on').click()")
    page.open_in_page("songs/3")
    page.click("main .actions button.main")
    page.wait(PLAYS)
    first = page.run(SRC)
    page.run("document.querySelector('#next').click()")
    page.run(f"document.querySelector('#audio').currentTime = {SECONDS - 0.2}")
    page.wait("document.querySelector('#audio').ended")
    page.browser.frames(5)
    assert page.run(SRC) == first


def test_a_file_from_the_desktop_is_asked_about(page: Page, long_songs: Path) -> None:
    """A file that is dropped on the window lists the songs like it, itself first as a copy."""
    page.browser.drop(long_songs / "music" / "03.flac", 700, 400)
    page.wait("document.querySelector('h1')?.textContent === 'Songs like 03.flac'")
    assert page.titles()[0] == "Song 3"
    assert "another copy" in page.text(".why")


def test_nothing_moves_by_itself_if_motion_is_reduced(page: Page) -> None:
    """No animation and no transition is left, whatever a style asks for."""
    page.browser.reduce_motion()
    try:
        for view in ("songs/", "songs/3", "library/"):
            page.open(view)
            page.wait("document.querySelector('main button')")
            page.run(
                "(b => { b.style.animation = 'x 1s infinite'; b.style.transition = 'all 1s'; })"
                "(document.querySelector('main button'))"
            )
            moving = (
                "[...document.querySelectorAll('*')].map(e => getComputedStyle(e)).filter(s =>"
                "s.animationName !== 'none' || s.transitionDuration !== '0s').length"
            )
            assert page.run(f"[{moving}, document.getAnimations().length]") == [0, 0], view
        page.run("document.querySelector('main').append(document.createElement('progress'))")
        bar = "getComputedStyle(document.querySelector('main > progress')).appearance"
        assert page.run(bar) == "none"
    finally:
        page.browser.emulate_scheme("light")


@pytest.mark.slow
def test_what_the_microphone_hears_is_found(address: str, tmp_path: Path) -> None:
    """Eight seconds of a song that plays in the room lead to that song."""
    write_song(tmp_path / "room.wav", 4, seconds=SECONDS)
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={tmp_path / 'room.wav'}",
    )
    with Browser(tmp_path / "profile", width=1400, height=900, flags=flags) as browser:
        page = Page.opened(browser, address)
        page.click("#listen")
        page.wait("document.querySelector('#status').textContent.startsWith('Recording')")
        page.wait(
            "document.querySelector('h1')?.textContent === 'Songs like what the microphone heard'"
        )
        assert page.titles()[0] == "Song 4"
        assert browser.console == []
