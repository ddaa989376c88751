"""A real server on loopback, and the page in a browser, as a user sees and drives it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from soundalike.server.app import create_app
from soundalike.server.navidrome.crawl import Navidrome
from soundalike.server.serve import listening
from soundalike.server.settings import ServerSettings
from tests.index.browser import Browser, find_browser

needs_browser = pytest.mark.skipif(find_browser() is None, reason="no Chromium on this machine")

VIEW = "document.documentElement?.dataset.view"
IS_SOLVED = "document.querySelector('main section[aria-busy=false]')"


@contextmanager
def serving(settings: ServerSettings, *, navidrome: Navidrome | None = None) -> Iterator[str]:
    """The address of a real server."""
    with listening(settings) as listener:
        app = create_app(settings, navidrome=navidrome)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join(30)


class Page:
    """What a user does, by what is seen."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self._address = address

    @classmethod
    def opened(cls, browser: Browser, address: str) -> "Page":
        """The list of songs, without what an earlier trip has chosen."""
        page = cls(browser, address)
        page.open("songs/")
        page.run("sessionStorage.clear(); localStorage.clear()")
        page.open("songs/")
        page.wait("document.querySelectorAll('.row').length > 4")
        return page

    def open(self, view: str) -> None:
        """Go to a view and wait for it."""
        self.browser.open(f"{self._address}#/{view.rstrip('/')}", ready=f"{VIEW} === '{view}'")

    def open_in_page(self, view: str) -> None:
        """Follow a link to a view: the page stays, and with it what plays."""
        self.run(f"location.hash = '#/{view.rstrip('/')}'")
        self.wait(f"{VIEW} === '{view}'")

    def run(self, expression: str) -> Any:
        return self.browser.run(expression)

    def wait(self, expression: str) -> None:
        self.browser.wait_for(expression, seconds=20)

    def click(self, selector: str) -> None:
        """Click the middle of an element, where a person would."""
        self.run(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block:'center'}})"
        )
        self.browser.frames()
        x, y = self.run(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        self.browser.click(x, y)

    def set(self, selector: str, value: float | str) -> None:
        """Give a control a value, as a person does; the page hears of it."""
        self.run(
            f"(c => {{ c.value = {json.dumps(str(value))};"
            "c.dispatchEvent(new Event('input', {bubbles: true}));"
            "c.dispatchEvent(new Event('change', {bubbles: true})); })"
            f"(document.querySelector({json.dumps(selector)}))"
        )

    def titles(self) -> list[str]:
        """The titles in the first list."""
        names = ".row .words > *:first-child"
        script = f"[...document.querySelectorAll('{names}')].map(a => a.textContent)"
        return list(self.run(script))

    def text(self, selector: str) -> str:
        """The text of an element; empty if there is none."""
        return str(self.run(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    def press(self, words: str) -> None:
        """Press the first button whose text begins with some words."""
        text = json.dumps(words)
        buttons = "[...document.querySelectorAll('main button')]"
        self.run(f"{buttons}.find(b => b.textContent.startsWith({text})).click()")


def start_playlist(page: Page) -> None:
    """A playlist of five songs from the third one."""
    page.click(".rows li:nth-child(3) .row > button:last-child")
    page.open("playlist/")
    page.set("#rule-length", 5)
    page.wait(f"{IS_SOLVED} && document.querySelectorAll('#playlist .row').length === 5")
