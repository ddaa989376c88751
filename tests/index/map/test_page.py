"""The map's page in a real browser: search, legend, lasso, neighbours, sound, and bad titles."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from index.library import Library
from tests.index.browser import Browser, find_browser
from tests.index.map.map_library import EVIL, N_TRACKS, spot

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium on this machine")


def test_the_page_opens_without_a_complaint(page: Browser) -> None:
    """It is drawn by WebGL, says what it shows, and asks nothing of any network."""
    assert page.run("soundalike.renderer") == "webgl"
    assert "60 tracks · 2-D UMAP" in page.run("document.getElementById('summary').textContent")
    assert page.run("performance.getEntriesByType('resource').length") == 0
    assert page.console == []


def test_points_are_on_the_canvas(page: Browser) -> None:
    """The picture has pixels of the first category's colour where its tracks are."""
    count = (
        "(() => {{ const p = soundalike.page; p.draw(); const c = document.createElement('canvas');"
        "c.width = innerWidth; c.height = innerHeight; const g = c.getContext('2d');"
        "g.drawImage(document.getElementById('points'), 0, 0, innerWidth, innerHeight);"
        "const [x, y] = p.spot({row}); return [...g.getImageData(x, y, 1, 1).data]; }})()"
    )
    for row in (0, 10, 20):
        assert page.run(count.format(row=row))[3] > 100


def test_tags_are_text_whatever_they_say(page: Browser, folder: Path) -> None:
    """A title that is markup is shown letter by letter in tip, card, legend and results."""
    html = (folder / "map.html").read_text(encoding="utf-8")
    assert "onerror=" not in html.replace("audio.onerror = ", "")
    assert "<title>Mine &lt;b&gt;&amp;&lt;/b&gt; {{script}}</title>" in html
    for place, title in enumerate(EVIL):
        row = N_TRACKS - len(EVIL) + place
        page.run(f"soundalike.page.select({row})")
        assert page.run("document.querySelector('#card h2').textContent") == title
        page.run(f"soundalike.page.hover({row}, 300, 300)")
        assert page.run("document.querySelector('#tip b').textContent") == title
    page.run("soundalike.page.search('owned')")
    assert page.run("document.querySelectorAll('#results li').length") == 4
    assert page.run("document.querySelectorAll('img, #legend i, #panel b').length") == 0
    assert page.run("document.title") == "Mine <b>&</b> {{script}}"
    assert page.console == []


def test_no_other_script_may_run(page: Browser) -> None:
    """The page's policy stops a script that is not its own, and every request."""
    page.run(
        "(() => { const s = document.createElement('script');"
        "s.textContent = 'document.title = \"owned\"'; document.body.append(s); })()"
    )
    assert page.run("document.title") != "owned"
    assert page.run("fetch('https://example.org').then(() => 'sent', () => 'stopped')") == "stopped"


def test_search_by_keyboard_ends_at_a_track(page: Browser) -> None:
    """Slash, some words without their accents, arrows and Enter choose a track."""
    page.key("/")
    page.type("naive unicode")
    page.frames()
    assert page.run("soundalike.page.hits") == [N_TRACKS - 1]
    page.key("ArrowDown")
    assert page.run("document.querySelector('#search').getAttribute('aria-activedescendant')")
    page.key("Enter")
    assert page.run("soundalike.page.selected") == N_TRACKS - 1
    page.key("Escape")
    assert page.run("document.getElementById('card').hidden")


def test_a_click_shows_the_true_neighbours(page: Browser, folder: Path) -> None:
    """The ten neighbours of the library in their order, wherever they lie on the map."""
    page.click(*spot(page, 20))
    chosen = page.run("soundalike.page.selected")
    with Library.open(folder / "library") as library:
        _, ids = library.nearest(library.vectors([chosen + 1]), 11)
    expected = [int(track_id) - 1 for track_id in ids[0] if track_id != chosen + 1]
    rows = page.run(f"soundalike.map.neighbours({chosen}).map((n) => n.row)")
    assert rows == expected
    assert page.run("document.querySelectorAll('#near li').length") == 10
    page.key("n")
    assert page.run("soundalike.page.selected") == expected[0]


def test_the_legend_filters(page: Browser) -> None:
    """A category that is switched off can be neither seen nor met; "show all" brings it back."""
    page.run("document.querySelector('#legend .entry').click()")
    hidden = page.run("soundalike.page.states.filter((_, at) => at % 4 === 1 && !_).length")
    assert hidden == page.run("soundalike.map.fields[0].counts[0]")
    row = page.run("soundalike.page.codes.indexOf(0)")
    assert page.run(f"soundalike.page.rowAt(...soundalike.page.spot({row}))") != row
    page.run("document.querySelector('#legend li:last-child .only').click()")
    assert page.run("soundalike.page.shown.filter(Boolean).length") == 1
    page.run("document.getElementById('show-all').click()")
    assert page.run("soundalike.page.shown.every(Boolean)")


def test_every_field_colours_the_map(page: Browser) -> None:
    """Each choice fills the legend with its categories, which add up to all tracks."""
    for place in range(page.run("soundalike.map.fields.length")):
        page.run(
            f"(() => {{ const f = document.getElementById('field'); f.value = {place};"
            "f.dispatchEvent(new Event('change')); })()"
        )
        counts = page.run(
            "[...document.querySelectorAll('#legend .count')].map((c) => Number(c.textContent))"
        )
        assert sum(counts) == N_TRACKS


def test_a_lasso_becomes_a_playlist(page: Browser, tmp_path: Path) -> None:
    """Shift and drag around some tracks; what is saved holds just these, by absolute path."""
    x, y = spot(page, 5)
    ring = [(x - 60, y - 60), (x + 60, y - 60), (x + 60, y + 60), (x - 60, y + 60)]
    places = [spot(page, row) for row in range(N_TRACKS)]
    inside = {row for row, (a, b) in enumerate(places) if abs(a - x) < 60 and abs(b - y) < 60}
    page.drag(ring, modifiers=8)
    assert set(page.run("soundalike.page.chosen")) == inside
    page.allow_downloads(tmp_path)
    page.run("document.getElementById('save').click()")
    file = tmp_path / "map-selection.m3u8"
    for _ in range(100):
        if file.exists():
            break
        time.sleep(0.05)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    paths = [line for line in lines if not line.startswith("#")]
    assert sorted(paths) == sorted(page.run(f"soundalike.map.path({row})") for row in inside)
    assert re.fullmatch(r"#EXTINF:\d+,The .* - .*", lines[1])


def test_wheel_and_drag_move_the_map(page: Browser) -> None:
    """The wheel keeps the point under the pointer, a drag moves it along, 0 shows all again."""
    before = spot(page, 3)
    page.mouse("mouseWheel", *before, deltaX=0, deltaY=-200)
    page.wait_for("soundalike.page.camera.zoom > 1.2")
    assert spot(page, 3) == pytest.approx(before, abs=1)
    page.drag([(600, 400), (640, 420), (700, 450)])
    assert spot(page, 3) == pytest.approx((before[0] + 100, before[1] + 50), abs=1)
    page.key("0")
    assert spot(page, 3) == pytest.approx(before, abs=1)


def test_a_map_in_space_turns(browser: Browser, folder: Path) -> None:
    """Dragging turns it: points move unlike each other, and stay where hit-testing finds them."""
    browser.open((folder / "deep.html").as_uri())
    before = [spot(browser, row) for row in range(N_TRACKS)]
    browser.drag([(700, 300), (760, 320), (820, 340)])
    moves = np.array([spot(browser, row) for row in range(N_TRACKS)]) - np.array(before)
    assert moves.std(axis=0).max() > 5
    found_row = browser.run("soundalike.page.rowAt(...soundalike.page.spot(7).slice(0, 2))")
    x, y = spot(browser, 7)
    assert np.hypot(*np.subtract(spot(browser, found_row), (x, y))) < 20
    assert browser.console == []


def test_a_file_beside_the_page_plays(page: Browser) -> None:
    """The sound is found relative to the page; what cannot be reached is said."""
    page.run("soundalike.page.select(0)")
    page.run("document.getElementById('audio').play()")
    page.wait_for("document.getElementById('audio').currentTime > 0.1")
    assert "/music/" in page.run("document.getElementById('audio').currentSrc")
    page.run("soundalike.page.select(1)")
    page.run("document.getElementById('audio').play().catch(() => {})")
    page.wait_for("!document.querySelector('#card .sound').hidden")
    assert "This page cannot open" in page.run("document.querySelector('#card .sound').textContent")


def test_without_webgl_the_map_is_drawn_all_the_same(browser: Browser, folder: Path) -> None:
    """On a plain canvas, with a message."""
    browser.open((folder / "map.html").as_uri() + "#renderer=canvas")
    assert browser.run("soundalike.renderer") == "canvas"
    assert "no WebGL" in browser.run("document.getElementById('notice').textContent")
    drawn = browser.run(
        "(() => { const p = soundalike.page; p.draw(); const [x, y] = p.spot(3);"
        "return [...p.renderer.context.getImageData(x, y, 1, 1).data]; })()"
    )
    assert drawn[3] > 100
    assert browser.console == []


def test_paths_of_any_bytes_reach_the_playlist(page: Browser) -> None:
    """A name that is no valid text is written byte for byte, and asked for by its bytes."""
    name = json.dumps("/m/caf\udce9 #1?.mp3")
    assert page.run(f"soundalike.encodePath({name})") == "/m/caf%e9%20%231%3f.mp3"
    assert page.run(f"[...soundalike.bytesOf({name})].slice(3, 7)") == [99, 97, 102, 0xE9]
    relative = page.run("soundalike.relativePath('/a/b/c.mp3', '/a/d/e')")
    assert relative == "../../b/c.mp3"


def test_the_page_follows_the_system_in_light_and_dark(browser: Browser, folder: Path) -> None:
    """Each has its own colours."""
    grounds = set()
    for scheme in ("light", "dark"):
        browser.emulate_scheme(scheme)
        browser.open((folder / "map.html").as_uri())
        assert browser.run("soundalike.page.theme") == scheme
        grounds.add(browser.run("soundalike.page.colours[0]"))
    assert len(grounds) == 2
