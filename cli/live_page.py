"""The full-screen page of `listen`: bars, the last minute, the level and the nearest tracks.

It is drawn on stderr, so that standard output stays free for data.
"""

import os
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.levels_shown import level_text
from embedder.errors import printable_path

if TYPE_CHECKING:
    from soundalike.live.heard import Heard
    from soundalike.live.listener import Listener
    from soundalike.live.stretches import Stretch

STRIP_SECONDS = 60.0
STRIP_CELLS = 60
BAR_CELLS = 40
MAX_LABELS = 10
MAX_REMARKS = 3
COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red", "bright_cyan", "bright_magenta")
BLOCKS = " ▏▎▍▌▋▊▉█"


class LivePage:
    """A page that every answer draws anew."""

    def __init__(self, listener: "Listener") -> None:
        self._source_name = listener.source.name
        self._labels = listener.labeller.labels
        self._strip: deque[tuple[float, str | None]] = deque()
        self._remarks: deque[str] = deque(maxlen=MAX_REMARKS)
        self._newest: Heard | None = None
        self._n_left_out = 0
        self.console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")) or None)
        self._live = Live(
            self.draw(), console=self.console, screen=True, auto_refresh=False, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def hear(self, heard: "Heard") -> None:
        """Draw an answer."""
        self._newest = heard
        self._n_left_out += heard.n_left_out
        self._strip.append((heard.seconds, heard.label))
        while self._strip[0][0] <= heard.seconds - STRIP_SECONDS:
            self._strip.popleft()
        self._live.update(self.draw(), refresh=True)

    def end_stretches(self, stretches: "Sequence[Stretch]") -> None:
        """Nothing: the strip shows them."""

    def remark(self, text: str) -> None:
        """Show a sentence below."""
        self._remarks.append(text)
        self._live.update(self.draw(), refresh=True)

    def draw(self) -> RenderableType:
        """The whole page."""
        heard = self._newest
        if heard is None:
            body: list[RenderableType] = [Text("waiting for the first window of sound", "dim")]
        else:
            body = [self._headline(heard), Text(), self._bars(heard), Text(), self._last_minute()]
            if heard.neighbours:
                body += [Text(), _nearest(heard)]
        body += [Text(remark, "yellow") for remark in self._remarks]
        return Panel(
            Group(*body),
            title=Text(self._source_name, "bold"),
            subtitle=Text("Ctrl-C ends", "dim"),
            padding=(1, 2),
        )

    def _headline(self, heard: "Heard") -> Text:
        name = "silence" if heard.silence else printable_path(heard.label or "")
        line = Text(name, f"bold {self._colour(heard.label)}")
        if heard.probability is not None:
            line.append(f"  {heard.probability:.2f}", "default")
        line.append(f"\n{_clock(heard.seconds)}  ", "dim").append(level_text(heard.level))
        line.append(f"  latency {1000 * heard.latency_seconds:.0f} ms", "dim")
        if self._n_left_out:
            line.append(f"  {self._n_left_out} windows left out", "yellow")
        return line

    def _bars(self, heard: "Heard") -> Table:
        table = Table.grid(padding=(0, 2))
        chances = heard.probabilities or dict.fromkeys(self._labels, 0.0)
        shown = list(chances.items())
        if len(shown) > MAX_LABELS:
            shown = sorted(shown, key=lambda pair: -pair[1])[:MAX_LABELS]
        for label, chance in shown:
            bar = Text(_bar(chance, BAR_CELLS).ljust(BAR_CELLS), self._colour(label))
            table.add_row(Text(printable_path(label)), bar, Text(f"{chance:.2f}", "dim"))
        return table

    def _last_minute(self) -> Text:
        """A cell a second, the newest at the right."""
        line = Text("last minute  ", "dim")
        now = self._strip[-1][0]
        labels: list[str | None] = [""] * STRIP_CELLS
        for seconds, label in self._strip:
            cell = STRIP_CELLS - 1 - int((now - seconds) * STRIP_CELLS / STRIP_SECONDS)
            labels[max(cell, 0)] = label
        for label in labels:
            if label == "":
                line.append(" ")
            else:
                line.append("·" if label is None else "█", self._colour(label))
        return line

    def _colour(self, label: str | None) -> str:
        if label not in self._labels:
            return "dim"
        return COLOURS[self._labels.index(label) % len(COLOURS)]


def _nearest(heard: "Heard") -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(Text("sounds like", "dim"))
    for neighbour in heard.neighbours:
        track = neighbour.track
        name = ": ".join(part for part in (track.artist, track.title) if part)
        name = name or track.path.rsplit("/", 1)[-1]
        table.add_row(Text(printable_path(name)), Text(f"{neighbour.score:.2f}", "dim"))
    return table


def _bar(share: float, n_cells: int) -> str:
    """A bar in eighths of a cell."""
    eighths = round(min(max(share, 0.0), 1.0) * n_cells * 8)
    rest = BLOCKS[eighths % 8] if eighths % 8 else ""
    return "█" * (eighths // 8) + rest


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
