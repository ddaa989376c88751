"""No page cuts a text, lays one over another or makes one hard to read, at any size or in the dark.

The pages are opened in a real browser. Their labels, names and paths are long.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedder.training.train import train
from index.audit.page import write_page as write_audit
from index.audit.results import KINDS, Audit, Finding
from index.evaluate.evaluation import evaluate
from index.evaluate.page import write_page as write_evaluation
from index.evaluate.settings import EvaluationSettings
from index.map.drawing import draw_map
from tests.embedder.small_sets import small_config, write_array_set
from tests.index.browser import Browser, find_browser
from tests.index.evaluation_sets import dataset_of, noisy_genres
from tests.index.map.map_library import MapLibrary

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium on this machine")

PROBLEMS = (Path(__file__).parent / "page_layout.js").read_text(encoding="utf-8")
LONG = "a label of several words, and a wordwithoutanyspacethatislongerthanaphoneiswide"
PAGES = ("map", "evaluate", "audit", "report")
SIZES = ((1400, 900), (390, 844))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map, an evaluation, an audit and the report of a training run."""
    folder = tmp_path_factory.mktemp("pages")
    with MapLibrary(folder / "library", n_genres=12).grow(150) as library:
        draw_map(library, folder / "map.html")
    labels, artists, vectors = noisy_genres(80)
    labels = [LONG if label == "rock" else label for label in labels]
    dataset = dataset_of(labels, artists, vectors)
    settings = EvaluationSettings(k=3, n_draws=50)
    write_evaluation(folder / "evaluate.html", evaluate(dataset, ["given"], settings=settings))
    write_audit(folder / "audit.html", long_audit())
    train(write_array_set(folder / "set"), small_config(epochs=2), folder / "run")
    (folder / "run" / "report.html").rename(folder / "report.html")
    return folder


def long_audit() -> Audit:
    """Findings of each kind with long paths, some with names."""
    paths = [f"/music/{'a folder/' * 9}{LONG}/{n}.flac" for n in range(14)]
    findings = [
        Finding(kind, tuple(paths[: 1 + 13 * (n % 2)]), f"{LONG}: {n}")
        for n, kind in enumerate(KINDS)
    ]
    findings.append(
        Finding("suspicious-label", (paths[0],), LONG, "hint", {"neighbours": paths[1:9]})
    )
    names = dict.fromkeys(paths[::2], f"An Artist – {LONG}")
    return Audit("a set", 14, tuple(KINDS), tuple(findings), {}, (LONG,), names)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_or_overlaps(
    name: str, size: tuple[int, int], scheme: str, browser: Browser, folder: Path
) -> None:
    """Every text is inside the page, apart from every other, and has AA contrast."""
    ready = "document.readyState === 'complete'"
    browser.resize(*size, is_phone=size[0] < 500)
    browser.emulate_scheme(scheme)
    is_map = name == "map"
    url = (folder / f"{name}.html").as_uri()
    browser.open(url, ready="document.documentElement?.dataset.ready" if is_map else ready)
    assert browser.run(PROBLEMS) == []
    if is_map:
        browser.run("document.getElementById('sheet').click()")
        assert browser.run(PROBLEMS) == []
        browser.run("soundalike.page.select(20)")
        assert browser.run(PROBLEMS) == []


def test_the_check_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """A text that is too pale, two on one place, and one outside of the window are reported."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><body style='background:#fff'><p style='color:#bbb'>pale</p>"
        "<p style='position:absolute;top:90px'>under</p>"
        "<p style='position:absolute;top:92px'>over</p>"
        "<p style='position:absolute;left:9000px'>away</p>"
    )
    browser.resize(1400, 900)
    browser.open(page.as_uri(), ready="document.readyState === 'complete'")
    problems = " ".join(browser.run(PROBLEMS))
    for word in ("contrast 1.92: pale", "overlap: under | over", "outside: away", "pixels wide"):
        assert word in problems
