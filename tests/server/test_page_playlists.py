"""The playlist workshop: rules, the listener's own kinds, files, other players, and its map."""

import json
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from index.library import Library
from index.taste.request import EventRequest
from soundalike.server.kept_lists import all_lists
from soundalike.server.navidrome.crawl import Navidrome
from soundalike.server.settings import ServerSettings
from tests.index.browser import Browser
from tests.index.playlists.mpd_daemon import Daemon, needs_mpd
from tests.server.conftest import N_SONGS
from tests.server.pages import IS_SOLVED, Page, needs_browser, serving, start_playlist

pytestmark = needs_browser

PASSWORD = "for-navidrome"  # noqa: S105 - of a test
STATUS = "document.querySelector('#status').textContent"
IDS = "[...document.querySelectorAll('#playlist .row')].map(r => Number(r.dataset.id))"
YEAR = 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Desk:
    """A server with a Navidrome beside it, and a browser."""

    folder: Path
    address: str
    browser: Browser


@pytest.fixture(scope="module")
def desk(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A copy of the library, with a stand-in for Navidrome: our own server of the same files."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("library", "navidrome"):
        shutil.copytree(served_folder / "library", folder / name)
    stand_in = ServerSettings(folder / "navidrome", port=0, player_password=PASSWORD)
    with (
        serving(stand_in) as other,
        serving(
            ServerSettings(folder / "library", port=0),
            navidrome=Navidrome(other.rstrip("/"), "soundalike", PASSWORD),
        ) as address,
        Browser(folder / "profile", width=1400, height=900) as browser,
    ):
        yield Desk(folder, address, browser)


@pytest.fixture
def page(desk: Desk) -> Iterator[Page]:
    """The page, opened anew; a trip may leave no error in the console."""
    yield Page.opened(desk.browser, desk.address)
    assert desk.browser.console == []


@pytest.fixture
def saved(page: Page, tmp_path: Path) -> Any:
    """Waits for the file that the page saves under a name."""
    page.browser.allow_downloads(tmp_path)

    def wait(name: str) -> str:
        for _ in range(200):
            if (tmp_path / name).exists():
                return (tmp_path / name).read_text(encoding="utf-8")
            page.browser.frames(5)
        raise AssertionError(f"{name} was never saved")

    return wait


def test_each_format_has_the_songs_of_the_list(page: Page, saved: Any) -> None:
    """M3U8, XSPF and JSON, under the name that was typed, with the list's songs in its order."""
    start_playlist(page)
    page.set("#list-name", "Abend")
    ids = page.run(IDS)
    for name in ("M3U8", "XSPF", "JSON"):
        page.press(f"Save as {name}")
    paths = [f"/{track - 1:02d}.flac" for track in ids]
    lines = [line for line in saved("Abend.m3u8").splitlines() if not line.startswith("#")]
    places = ET.fromstring(saved("Abend.xspf")).iterfind(".//{*}location")  # noqa: S314 - our own
    tracks = json.loads(saved("Abend.json"))["tracks"]
    for listed in (lines, [place.text for place in places], [track["path"] for track in tracks]):
        assert len(listed) == len(paths)
        assert all(one.endswith(path) for one, path in zip(listed, paths, strict=True))


def test_rules_are_controls_and_say_what_they_kept_out(page: Page) -> None:
    """A limit per artist, a filter and the slider to `adventurous` change the list at once."""
    start_playlist(page)
    close = page.run(IDS)
    page.set("#rule-drift", 1)
    page.wait(f"{IS_SOLVED} && String({IDS}) !== {json.dumps(','.join(map(str, close)))}")
    page.set("#rule-per_artist", 1)
    page.wait(f"{IS_SOLVED} && document.querySelector('#left-out')?.textContent.includes('artist')")
    artists = page.run(
        "[...document.querySelectorAll('#playlist .words span')].map(s => s.textContent)"
    )
    assert len(artists) == len(set(artists))
    page.set("#rule-where", "genre=rock")
    page.wait(f"{IS_SOLVED} && {IDS}.every(id => id % 2)")
    assert "the filter" in page.text("#left-out")
    page.set("#rule-where", "genre=")
    page.wait("document.querySelector('main section .bad')")
    page.set("#rule-where", "")
    page.wait(f"{IS_SOLVED} && document.querySelector('#playlist .row')")
    page.browser.console.clear()  # the browser notes the refused request


def test_the_flow_is_drawn_and_said(page: Page) -> None:
    """Two lines show energy and tempo, and the same is there in words."""
    start_playlist(page)
    assert page.run("[...document.querySelectorAll('.flow polyline')].length") == 2
    assert "Energy (solid) from" in page.run("document.querySelector('.flow').ariaLabel")


@needs_mpd
def test_a_playlist_is_queued_on_mpd(
    page: Page, served_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A press puts the songs into the queue of a real MPD, in order."""
    pytest.importorskip("mpd", reason="needs the extra mpd")
    start_playlist(page)
    with Daemon(served_folder / "music", n_songs=N_SONGS) as daemon:
        monkeypatch.setenv("MPD_HOST", "127.0.0.1")
        monkeypatch.setenv("MPD_PORT", str(daemon.port))
        page.press("Queue on MPD")
        page.wait(f'{STATUS} === "5 songs are in MPD\'s queue."')
        client = daemon.client()
        queued = [song["file"] for song in client.playlistinfo()]
        client.disconnect()
    assert queued == [f"{track - 1:02d}.flac" for track in page.run(IDS)]


def test_without_an_mpd_the_page_says_so(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with the address that was tried."""
    monkeypatch.setenv("MPD_HOST", "127.0.0.1")
    monkeypatch.setenv("MPD_PORT", "9")
    start_playlist(page)
    page.press("Queue on MPD")
    page.wait(f"{STATUS}.includes('127.0.0.1:9')")
    page.browser.console.clear()  # the browser notes the refused request


def test_a_playlist_is_sent_to_navidrome(page: Page, desk: Desk) -> None:
    """A press makes a playlist there, with the songs as Navidrome knows them."""
    start_playlist(page)
    page.set("#list-name", "Abend")
    page.wait("fetch('/api/v1/navidrome').then(r => r.json()).then(n => n.state === 'ready')")
    page.press("Send to Navidrome")
    page.wait(f"{STATUS} === 'Navidrome has the playlist with 5 songs.'")
    (kept,) = all_lists(desk.folder / "navidrome")
    assert (kept["name"], kept["songs"]) == ("Abend", page.run(IDS))


def test_a_playlist_is_kept_for_players(page: Page, desk: Desk) -> None:
    """What is kept on the page is in the library's folder, for players that log in."""
    start_playlist(page)
    page.set("#list-name", "Morgen")
    page.press("Keep for players")
    page.wait(f"{STATUS}.startsWith('Players that log in')")
    (kept,) = all_lists(desk.folder / "library")
    assert (kept["name"], kept["songs"]) == ("Morgen", page.run(IDS))


def test_old_favourites_and_a_daily_mix(page: Page, desk: Desk) -> None:
    """The taste view leads to playlists from the listener's events, without any seed."""
    with Library.open(desk.folder / "library") as library:
        now = time.time()
        old = [EventRequest(track, "like", now - 2 * YEAR) for track in (2, 4, 6)]
        library.taste.record([*old, EventRequest(9, "dislike", now - 3600)])
    page.open("taste/")
    page.click("a[href='#/playlist/rediscover']")
    page.wait(f"{IS_SOLVED} && document.querySelectorAll('#playlist .row').length === 3")
    assert sorted(page.run(IDS)) == [2, 4, 6]
    assert page.run("document.querySelector('#rule-kind').value") == "rediscover"
    page.set("#rule-kind", "daily-mix")
    page.wait(f"{IS_SOLVED} && document.querySelectorAll('#playlist .row').length > 3")
    assert 9 not in page.run(IDS)


def test_the_way_between_two_songs_is_drawn_on_the_map(page: Page) -> None:
    """A playlist that leads to a last song is a line over the map, from song to song."""
    for row in (3, 9):
        page.click(f".rows li:nth-child({row}) .row > button:last-child")
    page.open("playlist/")
    page.set("#rule-length", 4)
    page.set("#rule-to", 9)
    page.wait(f"{IS_SOLVED} && {IDS}.at(-1) === 9 && {IDS}.length === 4")
    assert page.run("document.querySelector('#rule-drift').disabled")
    way = page.run(IDS)
    page.click("a[href='#/map/playlist']")
    page.wait("document.querySelector('canvas')?.dataset.ready")
    for one, next_one in pairwise(way):
        (x, y), (to_x, to_y) = (page.run(place_of(track)) for track in (one, next_one))
        assert ink_at(page, (x + to_x) / 2, (y + to_y) / 2) > 0.5


def test_the_ring_moves_with_the_map_and_follows_the_player(page: Page) -> None:
    """The song that plays has a ring, which stays around its dot when the map is dragged."""
    page.click(".rows li:nth-child(5) .row > button")
    page.wait("!document.querySelector('#audio').paused")
    page.run("document.querySelector('#audio').pause()")
    page.open_in_page("map/")
    page.wait("document.querySelector('canvas')?.dataset.ready")
    page.browser.frames()
    x, y = page.run(place_of(5))
    assert ink_at(page, x + RING, y) > 0.5
    left, top = page.run(
        "(r => [r.x, r.y])(document.querySelector('canvas').getBoundingClientRect())"
    )
    page.browser.drag([(left + 700, top + 300), (left + 690, top + 310), (left + 640, top + 340)])
    assert page.run(place_of(5)) == pytest.approx([x - 60, y + 40], abs=1)
    assert ink_at(page, x - 60 + RING, y + 40) > 0.5
    page.browser.key("j")
    page.wait("document.querySelector('#audio').src.includes('/tracks/6/')")
    x, y = page.run(place_of(6))
    assert ink_at(page, x + RING, y) > 0.5


def test_two_fingers_zoom_the_map(page: Page) -> None:
    """On a phone a pinch zooms, and a turned phone shows the whole map again."""
    page.browser.resize(390, 844, is_phone=True)
    try:
        page.open("map/")
        page.wait("document.querySelector('canvas')?.dataset.ready")
        page.browser.frames()
        span = f"Math.hypot(...{place_of(1)}.map((v, n) => v - {place_of(8)}[n]))"
        before = page.run(span)
        page.browser.pinch([60, 90, 120], 195, 480)
        assert page.run(span) == pytest.approx(2 * before, rel=0.05)
        page.press("Whole map")
        assert page.run(span) == pytest.approx(before, rel=0.01)
        page.browser.resize(844, 390, is_phone=True)
        page.browser.frames(4)
        places = [page.run(place_of(track)) for track in range(1, N_SONGS + 1)]
        width, height = page.run(
            "(c => [c.clientWidth, c.clientHeight])(document.querySelector('canvas'))"
        )
        assert all(0 < x < width and 0 < y < height for x, y in places)
    finally:
        page.browser.resize(1400, 900)


RING = 11
"""The distance of a ring from the middle of its dot, in pixels."""


def place_of(track: int) -> str:
    """Where a song is on the map's canvas."""
    return f"document.querySelector('canvas').mapApi.toScreen({track})"


def ink_at(page: Page, x: float, y: float) -> float:
    """How much of the text's colour there is at a place of the canvas, 0…1."""
    pixel = page.run(
        "[...document.querySelector('canvas').getContext('2d')"
        f".getImageData({round(x) - 1}, {round(y) - 1}, 3, 3).data]"
    )
    dark = [pixel[at + 3] / 255 for at in range(0, len(pixel), 4) if max(pixel[at : at + 3]) < 60]
    return max(dark, default=0.0)
