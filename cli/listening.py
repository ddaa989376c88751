"""What `listen` shows and writes while it runs."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
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
    from soundalike.live.sources.source import Source
    from soundalike.live.stretches import Stretch


def listen_and_show(
    settings: Globals,
    source: "Source",
    listen_settings: "ListenSettings",
    *,
    model: str,
    field: str,
    write: Path | None,
    force: bool,
    with_other_model: bool,
) -> None:
    """Listen to the end of a source, or to Ctrl-C; then say what was done."""
    from soundalike.live.listening import open_listener
    from soundalike.live.outputs.labels_file import LabelsFile, check_labels_path

    if settings.form is Form.PATHS:
        raise UsageError("listen has no paths to print: leave out --paths")
    if write is not None:
        check_labels_path(write, force=force)
    with ExitStack() as opened:
        opened.callback(source.close)
        library = _library(settings)
        if library is not None:
            opened.callback(library.close)
        listener = open_listener(
            source,
            model=model,
            library=library,
            field=field,
            settings=listen_settings,
            with_other_model=with_other_model,
        )
        outputs: list[Output] = []
        if write is not None:
            outputs.append(opened.enter_context(LabelsFile(write, force=force)))
        try:
            _show(settings, listener, outputs)
        finally:
            say(settings, str(listener.summary()))


def _library(settings: Globals) -> "Library | None":
    """The library, if there is one."""
    from index.library import Library

    try:
        return Library.open(settings.library_folder())
    except NotFound:
        return None


def _show(settings: Globals, listener: "Listener", outputs: "list[Output]") -> None:
    """Run to the end, in the form that was asked for."""
    from soundalike.live.session import session

    shown = _Shown(settings)
    with closing(session(listener, [*outputs, shown])) as answers:
        if settings.form is Form.NDJSON:
            emit(settings, rows=answers)
        else:
            for _ in answers:
                pass
    if settings.form is Form.JSON:
        document = {
            "field": listener.labeller.field,
            "all_labels": list(listener.labeller.labels),
            "stretches": shown.stretches,
            "summary": listener.summary(),
        }
        emit(settings, document)


class _Shown:
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
