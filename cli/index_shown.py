"""The progress and the report of `index`, and of `library import`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.options import Form, Globals
from cli.output import emit
from cli.progress import Advance, bar
from cli.talk import say
from embedder.errors import PartialFailure

if TYPE_CHECKING:
    from index.indexing.results import IndexProgress, IndexReport

SCANNING, ANALYSING = "Scanning", "Analysing"
COUNTS = ("added", "updated", "moved", "unchanged")


@contextmanager
def index_progress(settings: Globals, *, label: str = SCANNING) -> Iterator["Follower"]:
    """Files while the folders are scanned, then a bar of what is analysed."""
    with bar(settings, label=label) as advance:
        try:
            yield Follower(advance)
        except KeyboardInterrupt:
            say(settings, "Every analysed track is saved. The same command continues from there.")
            raise


class Follower:
    """Moves the bar. The rate and the time left come from analysed tracks only."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._n_scanned = 0
        self._n_analysed = 0

    def scanned(self, n_files: int, n_tracks: int | None) -> None:
        """So many files were found until now; at the end, so many tracks are to be analysed."""
        if n_tracks is None:
            self._advance(n_files - self._n_scanned)
            self._n_scanned = n_files
        else:
            self._advance(0, total=n_tracks, label=ANALYSING)

    def done(self, progress: "IndexProgress") -> None:
        """One more track is done. Those without analysis leave the total instead."""
        n_analysed = progress.n_done - progress.n_quick
        total = progress.n_total - progress.n_quick
        self._advance(n_analysed - self._n_analysed, total=total, label=ANALYSING)
        self._n_analysed = n_analysed


PRUNING = "'soundalike index --prune' with the same folders"


def show_report(settings: Globals, report: "IndexReport", *, pruning: str = PRUNING) -> None:
    """What a run did, what it could not use, and what to do next."""
    for note in report.notes:
        say(settings, note)
    for file_note in report.file_notes:
        say(settings, f"{file_note.path}: {file_note.reason}")
    for failure in report.failed:
        hint = " (as before; --retry-failed tries again)" if failure.is_known else ""
        say(settings, f"{failure.path}: {failure.reason}{hint}")
    if settings.form is Form.TABLE:
        counts = {name: getattr(report, name) for name in COUNTS}
        n_removed = report.removed - report.gone
        lost = {"removed": n_removed, "gone": report.gone}
        counts |= {name: count for name, count in lost.items() if count} or {"gone": 0}
        counts["failed"] = len(report.failed)
        title = "Would be done:" if report.is_dry_run else ""
        if report.n_measured:
            counts["measured"] = report.n_measured
        if report.labels:
            counts["labelled"] = sum(labels.tracks for labels in report.labels)
        emit(settings, {**counts, "seconds": report.seconds}, title=title)
    else:
        emit(settings, report, rows=None if settings.form is Form.NDJSON else report.failed)
    advice = next_step(report, pruning)
    if advice and settings.form is Form.TABLE:
        say(settings, advice)
    if report.failed:
        what = "file" if len(report.failed) == 1 else "files"
        raise PartialFailure(f"{len(report.failed)} {what} could not be used")


def next_step(report: "IndexReport", pruning: str = PRUNING) -> str:
    """One sentence with what to do next; nothing if no file was found, which a note says."""
    n_usable = report.added + report.updated + report.moved + report.unchanged
    if not n_usable:
        return "Next: 'soundalike doctor' says what can be decoded here." if report.failed else ""
    if report.is_dry_run:
        return "Next: the same command without --dry-run does it."
    if report.gone and not report.unreachable:
        return f"Next: {pruning} removes what is gone."
    return (
        "Next: 'soundalike query FILE' finds what sounds like a file, and "
        "'soundalike map -o map.html' draws the library."
    )
