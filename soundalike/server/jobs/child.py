"""The process of one job: a task in, lines of progress and one result out.

    standard input:  the task as one line of JSON; its end means that the server is gone
    standard output: {"progress": {…}} …, then {"result": {…}} or {"error": "…"}

Standard output is a pipe to the server. Run as `python -m soundalike.server.jobs.child`.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from embedder.errors import SoundalikeError
from index.indexing.request import IndexOptions
from index.indexing.results import IndexProgress
from index.library import Library
from index.map.request import MapRequest
from soundalike.documents import dump
from soundalike.server.failures import text_of

PROGRESS_SECONDS = 0.2


class Reporter:
    """Writes lines to the server."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)  # a library that prints does not disturb the lines
        self._last = 0.0

    def send(self, name: str, value: object) -> None:
        """One line."""
        self._out.write(dump({name: value}) + "\n")

    def progress(self, progress: IndexProgress) -> None:
        """How far indexing is, a few times a second."""
        now = time.monotonic()
        if now - self._last < PROGRESS_SECONDS and progress.n_done < progress.n_total:
            return
        self._last = now
        name = Path(progress.path).name
        self.send("progress", {"done": progress.n_done, "total": progress.n_total, "file": name})


def main() -> None:
    """Do the task that standard input names."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    reporter = Reporter()
    try:
        reporter.send("result", _result(task, reporter))
    except SoundalikeError as error:
        reporter.send("error", text_of(error))
    except KeyboardInterrupt:
        reporter.send("error", "cancelled; what was finished before is kept")


def _result(task: dict[str, Any], reporter: Reporter) -> object:
    folder = Path(task["library"])
    if task["kind"] == "map":
        with Library.open(folder) as library:
            return {"tracks": len(library.map(MapRequest(task["dimensions"])).tracks)}
    with Library.open_or_create(folder) as library:
        return library.index(
            [Path(path) for path in task["paths"]],
            options=IndexOptions(prune=task["prune"]),
            on_progress=reporter.progress,
        )


def _end_with_the_server() -> None:
    """End when the server does: nobody would read the result."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
