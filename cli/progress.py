"""What takes long says so on stderr, if stderr is a terminal: a bar, or a line after a second."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from cli.options import Globals

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

PATIENCE_SECONDS = 1.0
"""What ends sooner says nothing."""


class Advance(Protocol):
    """Moves a bar, and may set its length once that is known."""

    def __call__(self, n_done: int, *, total: int | None = None, label: str = "") -> None:
        """`n_done` more are done. Another label begins another step, with a rate of its own."""
        ...


def track(
    settings: Globals, items: Iterable[Item], *, label: str, total: int | None = None
) -> Iterator[Item]:
    """The same items, with a bar that moves with each."""
    with bar(settings, label=label, total=total) as advance:
        for item in items:
            yield item
            advance(1)


@contextmanager
def bar(settings: Globals, *, label: str, total: int | None = None) -> Iterator[Advance]:
    """A bar for work that reports its progress with `advance(n_done)`."""
    if not _is_shown(settings):
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Items a second, over the last seconds."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f}/s")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        progress.advance(task, 0)  # the rate counts from here, not from the first finished item
        shown = label

        def advance(n_done: int, *, total: int | None = None, label: str = "") -> None:
            nonlocal shown
            if label and label != shown:
                shown = label
                progress.reset(task, total=total, description=label)
                progress.advance(task, 0)
            elif total is not None:
                progress.tasks[0].total = total  # `update` would reset the rate
            progress.advance(task, n_done)

        yield advance


class Wait:
    """A line that says what is done now, and since when; shown only after a second."""

    def __init__(self, label: str, *, is_shown: bool) -> None:
        self._label = label
        self._is_shown = is_shown
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._timer: threading.Timer | None = None
        self.start()

    def step(self, label: str) -> None:
        """Another step begins."""
        with self._lock:
            self._label = label
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], description=label)

    def start(self) -> None:
        """Show the line in a second."""
        if self._is_shown:
            self._timer = threading.Timer(PATIENCE_SECONDS, self._show)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Take the line away."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        with self._lock:
            if self._progress is not None:
                self._progress.stop()
                self._progress = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Without the line, so that a person can be asked."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with self._lock:
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.add_task(self._label, total=None)
            self._progress.start()


@contextmanager
def waiting(settings: Globals, label: str) -> Iterator[Wait]:
    """Say what is done if the block takes over a second."""
    wait = Wait(label, is_shown=_is_shown(settings))
    try:
        yield wait
    finally:
        wait.stop()


def _is_shown(settings: Globals) -> bool:
    return not settings.quiet and sys.stderr is not None and sys.stderr.isatty()


def _nothing(n_done: int, *, total: int | None = None, label: str = "") -> None:
    """Stands in for the bar if stderr is no terminal."""
