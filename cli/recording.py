"""What `record` shows while takes are recorded, and the counts at the end."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.levels_shown import level_text
from cli.options import Form, Globals
from cli.output import emit
from cli.talk import say, write_remark
from embedder.errors import printable_path

if TYPE_CHECKING:
    from soundalike.live.recording.folder import Take, TakesFolder
    from soundalike.live.recording.recording import RecordSettings

COLUMNS = ("label", "takes")
SESSION_FORMAT = "%Y-%m-%dT%H:%M:%S"


def record_from_device(
    settings: Globals,
    label: str,
    output: Path,
    record_settings: "RecordSettings",
    *,
    device: str,
    rate: int,
) -> None:
    """Record takes with a microphone."""
    from soundalike.live.recording.folder import TakesFolder, checked_label
    from soundalike.live.recording.recorder import Recorder
    from soundalike.live.recording.recording import record_takes
    from soundalike.live.sources.microphone import Microphone

    checked_label(label)
    microphone = Microphone(device, sample_rate=rate)
    microphone.warn = lambda text: say(settings, text)
    session = time.strftime(SESSION_FORMAT)
    with Recorder(microphone, silence_db=record_settings.silence_db) as recorder:
        folder = TakesFolder(output, label, session=session)
        meter = Meter(settings, record_settings.n_takes or 1)
        takes = record_takes(recorder, folder, record_settings, meter)
        _show(settings, folder, takes, meter)


def record_from_file(
    settings: Globals, label: str, output: Path, record_settings: "RecordSettings", *, path: Path
) -> None:
    """Cut takes out of a recording."""
    from soundalike.live.recording.folder import TakesFolder
    from soundalike.live.recording.recording import takes_in_recording

    recorded_at = time.localtime(path.stat().st_mtime if path.exists() else None)
    folder = TakesFolder(output, label, session=time.strftime(SESSION_FORMAT, recorded_at))
    _show(settings, folder, takes_in_recording(path, folder, record_settings), None)


def _show(
    settings: Globals, folder: "TakesFolder", takes: "Iterable[Take]", meter: "Meter | None"
) -> None:
    """A line for each take; at the end, how many each label has. Ctrl-C keeps what was saved."""
    saved: list[Take] = []
    try:
        for take in takes:
            saved.append(take)
            if meter is not None:
                meter.clear()
            levels = take.levels
            advice = f"  {levels.advice}" if levels.advice else ""
            say(
                settings,
                f"{take.path.name}  {take.seconds:.2f} s  peak {levels.peak_db:.0f} dB{advice}",
            )
        if saved:
            threshold = f"{saved[-1].silence_db:.0f}"
            say(
                settings,
                f"Below {threshold} dB the room counts as silent. 'soundalike listen --silence "
                f"{threshold}' leaves it out in the same way.",
            )
    finally:
        if meter is not None:
            meter.clear()
        counts = folder.counts()
        if settings.form is Form.TABLE:
            rows = [{"label": label, "takes": n_takes} for label, n_takes in counts.items()]
            emit(settings, rows=rows, columns=COLUMNS)
        else:
            emit(settings, {"takes": saved, "labels": counts}, rows=saved)


class Meter:
    """A line with the level on a terminal's stderr; elsewhere nothing."""

    def __init__(self, settings: Globals, n_takes: int) -> None:
        self._is_shown = not settings.quiet and sys.stderr is not None and sys.stderr.isatty()
        self._n_takes = n_takes

    def countdown(self, n_take: int, level_db: float) -> None:
        """The room's level before a take."""
        self._draw("get ready", n_take, level_db)

    def recording(self, n_take: int, level_db: float) -> None:
        """The level in a take."""
        self._draw("recording", n_take, level_db)

    def clear(self) -> None:
        """Remove the line."""
        if self._is_shown:
            write_remark("\r\x1b[K")

    def _draw(self, what: str, n_take: int, level_db: float) -> None:
        if self._is_shown:
            text = f"{what} {n_take}/{self._n_takes}  {level_text(level_db)}"
            write_remark(f"\r{printable_path(text)}\x1b[K")
