"""What a map's page shows: names with room, the way back from a card, walks, and phones."""

from pathlib import Path

import numpy as np
import pytest

from tests.index.browser import Browser, find_browser
from tests.index.map.map_library import N_TRACKS, spot

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium on this machine")


def test_names_hide_no_track_and_no_panel_hides_a_name(browser: Browser, folder: Path) -> None:
    """A name's box holds no visible track, overlaps no other name, and is beside the panel."""
    browser.open((folder / "map.html").as_uri())
    boxes = browser.run("soundalike.page.overlay.names.map((n) => n.box)")
    assert len(boxes) >= 3
    tracks = np.array([spot(browser, row) for row in range(N_TRACKS)])
    panel = browser.run("document.getElementById('panel').getBoundingClientRect().right")
    for number, (left, top, right, bottom) in enumerate(boxes):
        inside = (tracks > (left, top)) & (tracks < (right, bottom))
        assert not inside.all(axis=1).any()
        assert left >= panel
        for other in boxes[:number]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_closing_the_card_restores_the_view(page: Browser) -> None:
    """A walk moves the map; after Escape each track is where it was before."""
    page.run("soundalike.page.camera.zoomAt(6, 900, 300); soundalike.page.draw()")
    before = [spot(page, row) for row in range(5)]
    page.run("soundalike.page.select(20, { fly: true }); soundalike.page.draw()")
    page.key("n")
    assert spot(page, 0) != pytest.approx(before[0], abs=5)
    page.key("Escape")
    assert [spot(page, row) for row in range(5)] == [pytest.approx(at, abs=0.5) for at in before]


def test_a_view_moved_by_hand_stays(page: Browser) -> None:
    """A person who moves the map while the card is open keeps the new view."""
    page.run("soundalike.page.select(20)")
    page.drag([(600, 400), (640, 420), (700, 450)])
    moved = spot(page, 3)
    page.run("soundalike.page.select(-1); soundalike.page.draw()")
    assert spot(page, 3) == pytest.approx(moved, abs=0.5)


def test_the_key_n_walks_on(page: Browser) -> None:
    """Each press goes to a track that the walk has not met, also where two are nearest."""
    page.run("soundalike.page.select(20)")
    walked = [20]
    for _ in range(12):
        page.key("n")
        walked.append(page.run("soundalike.page.selected"))
    assert len(set(walked)) == len(walked)


def test_a_map_in_space_fills_the_canvas(browser: Browser, folder: Path) -> None:
    """It touches the free part of the window on two sides, with a small margin, and stays in it."""
    browser.open((folder / "deep.html").as_uri())
    places = np.array([spot(browser, row) for row in range(N_TRACKS)])
    free = browser.run("soundalike.page.freePart()")
    size = (free["right"] - free["left"], free["bottom"] - free["top"])
    shares = np.ptp(places, axis=0) / size
    assert shares.max() == pytest.approx(0.92, abs=0.01)
    assert (places >= (free["left"], free["top"])).all()
    assert (places <= (free["right"], free["bottom"])).all()


def test_a_phone_has_one_sheet_and_large_targets(browser: Browser, folder: Path) -> None:
    """The card takes the place of the panel; what can be tapped is 44 pixels high or more."""
    small = (
        "[...document.querySelectorAll('button, select, input:not([type=checkbox]), .checks label,"
        " #near li')].filter((e) => { const b = e.getBoundingClientRect();"
        " return b.width && b.height < 44; }).map((e) => e.outerHTML)"
    )
    sheets = "['panel', 'card'].filter((id) => document.getElementById(id).offsetWidth > 0)"
    browser.resize(390, 844, is_phone=True)
    try:
        browser.open((folder / "map.html").as_uri())
        assert "Tap a track" in browser.run("document.getElementById('hint').textContent")
        browser.run("document.getElementById('sheet').click()")
        assert browser.run(sheets) == ["panel"]
        assert browser.run(small) == []
        browser.run("soundalike.page.select(20)")
        assert browser.run(sheets) == ["card"]
        assert browser.run(small) == []
        assert browser.run("document.documentElement.scrollWidth") == 390
        _, y = spot(browser, 20)
        assert y < browser.run("document.getElementById('card').getBoundingClientRect().top")
    finally:
        browser.resize(1280, 800)


def test_a_wide_map_stands_upright_on_a_phone(page: Browser) -> None:
    """A quarter turn fills a high window; moving and zooming follow the fingers all the same."""
    made = (
        "(() => {{ const {{ page, map }} = soundalike;"
        "const c = new page.camera.constructor([1, 0.4], map.positions);"
        "c.width = {}; c.height = {}; c.turnToFit(); {}"
        "return [[-1, -0.4], [1, 0.4], [0.3, 0.2]].map(([x, y]) => c.project(x, y, 0)); }})()"
    )
    corners = np.array(page.run(made.format(390, 700, "")))[:, :2]
    assert np.all((corners > 0) & (corners < [390, 700]))
    assert abs(corners[1, 1] - corners[0, 1]) > 600
    moved = np.array(page.run(made.format(390, 700, "c.pan(30, -20);")))[:, :2]
    np.testing.assert_allclose(moved - corners, np.tile([30, -20], (3, 1)), atol=1e-6)
    x, y = corners[2]
    zoomed = np.array(page.run(made.format(390, 700, f"c.zoomAt(2, {x}, {y});")))[:, :2]
    np.testing.assert_allclose(zoomed[2], corners[2], atol=1e-6)
    plain = np.array(page.run(made.format(1280, 800, "")))[:, :2]
    assert abs(plain[1, 0] - plain[0, 0]) > 1000
