"""What `listen` shows, writes and sends while it runs."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.options import Form, Globals
from cli.output import emit, emit_text, flush
from cli.talk import say
from embedder.errors import NotFound, UsageError, printable_path

if TYPE_CHECKING:
    from index.library import Library
    from soundalike.live.heard import Heard
    from soundalike.live.listener import Listener
    from soundalike.live.session import Output
    from soundalike.live.settings import ListenSettings
    from soundalike.live.sources.source import Source, Warn
    from soundalike.live.stretches import Stretch


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where answers go, beside the screen."""

    write: Path | None = None
    force: bool = False
    osc: str | None = None
    osc_format: str = "soundalike"
    on: tuple[str, ...] = ()
    hold_seconds: float = 1.0

    @property
    def are_live(self) -> bool:
        """Whether something acts at once on what is heard."""
        return self.osc is not None or bool(self.on)


@dataclass(frozen=True, slots=True)
class Naming:
    """What names the sounds."""

    model: str = ""
    field: str = ""
    with_other_model: bool = False
    """Name the library's nearest tracks even if it has another model."""


def has_page(settings: Globals) -> bool:
    """Whether a person watches: a full-screen page is shown then."""
    streams = (sys.stdin, sys.stderr)
    is_terminal = all(stream is not None and stream.isatty() for stream in streams)
    return settings.form is Form.TABLE and not settings.quiet and is_terminal


def listen_and_show(
    settings: Globals,
    source: "Source",
    listen_settings: "ListenSettings",
    *,
    naming: Naming,
    destinations: Destinations,
    max_seconds: float | None = None,
) -> None:
    """Listen to the end of a source, or to Ctrl-C; then say what was done."""
    from soundalike.live.listening import open_listener
    from soundalike.live.outputs.labels_file import check_labels_path

    if settings.form is Form.PATHS:
        raise UsageError("listen has no paths to print: leave out --paths")
    if destinations.write is not None:
        check_labels_path(destinations.write, force=destinations.force)
    with ExitStack() as opened:
        opened.callback(source.close)
        library = _library(settings)
        if library is not None:
            opened.callback(library.close)
        listener = open_listener(
            source,
            model=naming.model,
            library=library,
            field=naming.field,
            settings=listen_settings,
            with_other_model=naming.with_other_model,
        )
        try:
            with ExitStack() as shown:
                _run(settings, listener, destinations, shown, max_seconds=max_seconds)
        finally:
            say(settings, str(listener.summary()))


def _library(settings: Globals) -> "Library | None":
    """The library, if there is one."""
    from index.library import Library

    try:
        return Library.open(settings.library_folder())
    except NotFound:
        return None


def _run(
    settings: Globals,
    listener: "Listener",
    destinations: Destinations,
    opened: ExitStack,
    *,
    max_seconds: float | None,
) -> None:
    """Run to the end, in the form that was asked for."""
    from soundalike.live.session import session

    lines = Lines(settings)
    screen: Output = lines
    warn: Warn = lambda text: say(settings, text)  # noqa: E731 - it is typed that way
    if listener.source.is_live and has_page(settings):
        from cli.live_page import LivePage

        page = opened.enter_context(LivePage(listener))
        screen, warn = page, page.remark
    listener.source.warn = warn
    outputs = [screen, *_outputs(listener, destinations, warn, opened)]
    with closing(session(listener, outputs, max_seconds=max_seconds)) as answers:
        if settings.form is Form.NDJSON:
            emit(settings, rows=answers)
        else:
            for _ in answers:
                pass
    if settings.form is Form.JSON:
        document = {
            "field": listener.labeller.field,
            "all_labels": list(listener.labeller.labels),
            "stretches": lines.stretches,
            "summary": listener.summary(),
        }
        emit(settings, document)


def _outputs(
    listener: "Listener", destinations: Destinations, warn: "Warn", opened: ExitStack
) -> "list[Output]":
    from soundalike.live.outputs.labels_file import LabelsFile
    from soundalike.live.outputs.osc import OscOutput
    from soundalike.live.outputs.programs import ProgramsOutput, parse_rule

    labels, settings = listener.labeller.labels, listener.settings
    outputs: list[Output] = []
    if destinations.on:
        programs = ProgramsOutput(
            [parse_rule(text, labels) for text in destinations.on],
            threshold=settings.threshold,
            hold_seconds=destinations.hold_seconds,
            warn=warn,
        )
        opened.callback(programs.close)
        outputs.append(programs)
    if destinations.osc is not None:
        osc = OscOutput(destinations.osc, labels, osc_format=destinations.osc_format, warn=warn)
        opened.callback(osc.close)
        outputs.append(osc)
    if destinations.write is not None:
        began_at = time.time() if listener.source.is_live else None
        file = LabelsFile(destinations.write, force=destinations.force, began_at=began_at)
        outputs.append(opened.enter_context(file))
    return outputs


class Lines:
    """Prints each stretch when it ends; for --json, collects them."""

    def __init__(self, settings: Globals) -> None:
        self._settings = settings
        self.stretches: list[Stretch] = []

    def hear(self, heard: "Heard") -> None:
        """Nothing: a line stands for a stretch."""

    def end_stretches(self, stretches: "Sequence[Stretch]") -> None:
        """A line for each."""
        if self._settings.form is Form.JSON:
            self.stretches += stretches
        elif self._settings.form is Form.TABLE:
            for stretch in stretches:
                emit_text(
                    self._settings,
                    f"{stretch.start_seconds:9.2f} {stretch.end_seconds:9.2f}  "
                    f"{stretch.probability:.2f}  {printable_path(stretch.label)}",
                )
                flush()
