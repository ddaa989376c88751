"""A headless Chromium that a test can steer: Chrome's DevTools protocol over a pair of pipes, so
that neither a driver nor a port is needed.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--enable-unsafe-swiftshader",  # WebGL on machines without a graphics card
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The protocol wants descriptors 3 and 4; they are put there just before the browser starts.
LAUNCH = (
    "import os, sys\n"
    "r, w = os.dup(int(sys.argv[1])), os.dup(int(sys.argv[2]))\n"
    "os.dup2(r, 3); os.dup2(w, 4)\n"
    "os.set_inheritable(3, True); os.set_inheritable(4, True)\n"
    "os.execv(sys.argv[3], sys.argv[3:])\n"
)


def find_browser() -> str | None:
    """A Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page at a time. `console` holds every error that the page has reported."""

    def __init__(
        self, profile: Path, *, width: int = 1280, height: int = 800, flags: tuple[str, ...] = ()
    ) -> None:
        path = find_browser()
        assert path is not None
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        line = [path, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(to_browser), str(from_browser), *line],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._n_sent = 0
        self._session: str | None = None
        self.console: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        self._send("Page.enable")
        self._send("Runtime.enable")
        self._send("Log.enable")
        self.resize(width, height)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session = None
        try:
            self._send("Browser.close")
            self._process.wait(20)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._in)
            os.close(self._out)

    def open(self, url: str, *, ready: str = "document.documentElement?.dataset.ready") -> None:
        """Go to a page and wait until an expression is true there."""
        self.console.clear()
        # A change of the hash alone would not load the page again.
        self._send("Page.navigate", url="about:blank")
        self._send("Page.navigate", url=url)
        self.wait_for(ready)

    def wait_for(self, expression: str, *, seconds: float = 60.0) -> None:
        """Wait until an expression is true on the page."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}; {self.console}"
            time.sleep(0.05)

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        answer = self._send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def frames(self, n: int = 2) -> None:
        """Let the page draw."""
        for _ in range(n):
            self.run("new Promise(requestAnimationFrame)")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """A real mouse event: mouseMoved, mousePressed, mouseReleased or mouseWheel."""
        self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(
        self, points: list[tuple[float, float]], *, button: str = "left", modifiers: int = 0
    ) -> None:
        """Press at the first point, move along the others, let go."""
        buttons = {
            "button": button,
            "buttons": 1 if button == "left" else 2,
            "modifiers": modifiers,
        }
        self.mouse("mousePressed", *points[0], clickCount=1, **buttons)
        for point in points[1:]:
            self.mouse("mouseMoved", *point, **buttons)
        self.mouse("mouseReleased", *points[-1], clickCount=1, **buttons)
        self.frames()

    def click(self, x: float, y: float) -> None:
        """Click where a person would."""
        self.mouse("mouseMoved", x, y)
        self.drag([(x, y)])

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        self._send("Input.insertText", text=text)

    def key(self, name: str) -> None:
        """Press and let go of one key."""
        text: dict[str, Any] = (
            {"text": name} if len(name) == 1 else {"text": "\r"} if name == "Enter" else {}
        )
        if name == "Escape":
            text["windowsVirtualKeyCode"] = 27  # without it a dialog stays open
        self._send("Input.dispatchKeyEvent", type="keyDown", key=name, **text)
        self._send("Input.dispatchKeyEvent", type="keyUp", key=name)
        self.frames()

    def resize(self, width: int, height: int, *, is_phone: bool = False) -> None:
        """Make the window another size; a phone is touched instead of clicked."""
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=is_phone,
        )
        self._send("Emulation.setTouchEmulationEnabled", enabled=is_phone)

    def emulate_scheme(self, scheme: str) -> None:
        """Prefer light or dark, as a system setting does."""
        self._emulate("prefers-color-scheme", scheme)

    def reduce_motion(self) -> None:
        """Prefer pictures that stand still."""
        self._emulate("prefers-reduced-motion", "reduce")

    def _emulate(self, name: str, value: str) -> None:
        features = [{"name": name, "value": value}]
        self._send("Emulation.setEmulatedMedia", features=features)

    def drop(self, path: Path, x: float, y: float) -> None:
        """Drag a file from the desktop to a place, and let go."""
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
            self._send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
            self.frames()

    def pinch(self, spread: list[float], x: float, y: float) -> None:
        """Two fingers around a place, with these distances one after the other."""
        for number, apart in enumerate(spread):
            points = [{"x": x - apart / 2, "y": y, "id": 0}, {"x": x + apart / 2, "y": y, "id": 1}]
            kind = "touchMove" if number else "touchStart"
            self._send("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self._send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.frames()

    def allow_downloads(self, folder: Path) -> None:
        """Put what the page saves into a folder."""
        self._send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def screenshot(self) -> bytes:
        """The page as a PNG."""
        self.frames()
        return base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"])

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._n_sent += 1
        number = self._n_sent
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer.get("result", {}))
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.console.append(parameters["entry"]["text"])

    def _receive(self, *, seconds: float = 90.0) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            readable, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            assert readable, "the browser does not answer"
            data = os.read(self._in, 1 << 20)
            if not data:
                raise EOFError("the browser is gone")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))
