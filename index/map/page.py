"""The map as one HTML file that needs no network, no server and no other file.

The parts are in `page/`; this module puts them together. Text from tags reaches the page only as
compressed base64 and is shown only as text. A content security policy lets only the page's own
script run, and blocks all network requests.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from index.map.fields import MapField
from index.map.library_map import LibraryMap
from index.map.payload import pack

SCRIPTS = (
    "data.js",
    "camera.js",
    "webgl.js",
    "canvas.js",
    "room.js",
    "overlay.js",
    "playlist.js",
    "panels.js",
    "main.js",
    "view.js",
    "input.js",
)


def page_html(
    drawn: LibraryMap, fields: Sequence[MapField], *, page_folder: Path, title: str
) -> str:
    """The whole page. `page_folder`: where it will be saved; paths of music are relative to it."""
    script = "\n".join(_part(name) for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}\n}})();'
    parts = {
        "policy": escape(_policy(script)),
        "title": escape(title),
        "style": _part("style.css"),
        "data": pack(drawn, fields, page_folder=page_folder, title=title),
        "script": script,
    }
    # One pass over the template: a title that contains "{{script}}" is not replaced again.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], _part("page.html"))


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )


def _part(name: str) -> str:
    return (files("index.map") / "page" / name).read_text(encoding="utf-8")
