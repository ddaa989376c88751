"""A bar with rate and time left, on stderr, and only if stderr is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from cli.options import Globals

Item = TypeVar("Item")


class Advance(Protocol):
    """Moves a bar, and may set its length once that is known."""

    def __call__(self, n_done: int, *, total: int | None = None) -> None:
        """`n_done` more are done."""
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
    if settings.quiet or not sys.stderr.isatty():
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

        def advance(n_done: int, *, total: int | None = None) -> None:
            if total is not None:
                progress.tasks[0].total = total  # `update` would reset the rate
            progress.advance(task, n_done)

        yield advance


def _nothing(n_done: int, *, total: int | None = None) -> None:
    """Stands in for the bar if stderr is no terminal."""
