"""`soundalike index`: analyse folders of music into the library."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Form, Globals, globals_of
from cli.output import emit
from cli.progress import Advance, bar
from cli.talk import say
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from index.indexing.results import IndexProgress, IndexReport

SCANNING, ANALYSING = "Scanning", "Analysing"
COUNTS = ("added", "updated", "moved", "unchanged")


def run(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Folders of music, or files.", show_default=False),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="A model's name or folder; by default the library's own model, or the bundled one "
            "for a new library. Another model than the library's analyses every track again.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Analyse N tracks at once; by default one a core."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and change nothing.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove tracks whose files are gone.")
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty",
            help="With --prune: also if a folder has no audio file at all. Without it that is "
            "refused, because a disk may be missing.",
        ),
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Only files that match, such as '*.flac'. Repeatable."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="No files or folders that match. Repeatable."),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Include hidden files and folders.")
    ] = False,
    labels_from: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DATASET",
            help="Also take labels from a folder for each label, a table, or any other data set "
            "that train reads. Later runs use it too; 'none' forgets all. Repeatable.",
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="TOML",
            help="Settings for --labels-from: the [dataset] table of a file for train, such as "
            "its merge_labels.",
            show_default=False,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="One setting for --labels-from, such as dataset.layout=folders. Repeatable.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Where the vectors are kept from now on, such as lance:FOLDER or "
            "lance:s3://BUCKET/FOLDER; the kinds are those of 'library rebuild --store'.",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try files again that failed in an earlier run.")
    ] = False,
) -> None:
    """Analyse music and store it in the library.

    New and changed files are analysed. Moved and retagged files are recognised. A file that has
    vanished is gone: its track is no longer found, and comes back with the file. The run can be
    stopped at any time; the same command continues it.

    $ soundalike index ~/Music
    Analyses every new or changed file below ~/Music, and prints how many there were.

    $ soundalike index gtzan --labels-from gtzan
    Analyses the files below gtzan. The names of its folders become their genres.
    """
    from index.indexing.label_settings import LabelSettings
    from index.indexing.request import IndexOptions, ScanRules
    from index.indexing.run import update_library

    if (settings_file or assignments) and not labels_from:
        raise UsageError("--config and --set say how --labels-from is read: give it too")

    settings = globals_of(context)
    options = IndexOptions(
        ScanRules(tuple(include or ()), tuple(exclude or ()), with_hidden=hidden),
        workers=workers,
        prune=prune,
        allow_empty=allow_empty,
        retry_failed=retry_failed,
        dry_run=dry_run,
        labels_from=_labels_from(labels_from),
        label_settings=LabelSettings(settings_file, tuple(assignments or ())),
        store=store,
    )
    with _progress(settings) as follower:
        report = update_library(
            settings.library_folder(),
            paths,
            model=model,
            options=options,
            on_progress=follower.done,
            on_scan=follower.scanned,
        )
    _show(settings, report)


def _labels_from(given: list[Path] | None) -> tuple[Path, ...] | None:
    """The data sets; empty for `none`, None without the option."""
    if given is None or given == [Path("none")]:
        return None if given is None else ()
    if Path("none") in given:
        raise UsageError("--labels-from none forgets all data sets: give it alone")
    return tuple(given)


@contextmanager
def _progress(settings: Globals) -> Iterator["_Follower"]:
    """Files while the folders are scanned, then a bar of what is analysed."""
    with bar(settings, label=SCANNING) as advance:
        try:
            yield _Follower(advance)
        except KeyboardInterrupt:
            say(settings, "Every analysed track is saved. The same command continues from there.")
            raise


class _Follower:
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


def _show(settings: Globals, report: "IndexReport") -> None:
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
    next_step = _next_step(report)
    if next_step and settings.form is Form.TABLE:
        say(settings, next_step)
    if report.failed:
        what = "file" if len(report.failed) == 1 else "files"
        raise PartialFailure(f"{len(report.failed)} {what} could not be used")


def _next_step(report: "IndexReport") -> str:
    """One sentence with what to do next; nothing if no file was found, which a note says."""
    n_usable = report.added + report.updated + report.moved + report.unchanged
    if not n_usable:
        return "Next: 'soundalike doctor' says what can be decoded here." if report.failed else ""
    if report.is_dry_run:
        return "Next: the same command without --dry-run does it."
    if report.gone:
        return "Next: 'soundalike index --prune' with the same folders removes what is gone."
    return (
        "Next: 'soundalike query FILE' finds what sounds like a file, and "
        "'soundalike map -o map.html' draws the library."
    )
