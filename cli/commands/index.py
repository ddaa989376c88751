"""`soundalike index`: folders of music into the library."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Form, Globals, globals_of
from cli.output import emit
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure

if TYPE_CHECKING:
    from index.indexing.results import IndexProgress, IndexReport

COUNTS = ("added", "updated", "moved", "unchanged", "removed")


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
            help="A model's name or folder; by default the library's own, else the one that comes "
            "with soundalike. Another model than the library's analyses all of it anew.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Tracks at once; by default one a core.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove tracks whose files are gone.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Only files like this, such as '*.flac'. Repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="No files or folders like this. Repeatable."),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Hidden files and folders too.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try files again that failed before.")
    ] = False,
) -> None:
    """Analyse music into the library.

    New and changed files are analysed, moved and retagged ones recognised, all others left alone.
    It may be stopped at any time and goes on where it was.
    """
    from index.indexing.request import IndexOptions, ScanRules
    from index.indexing.run import update_library

    settings = globals_of(context)
    options = IndexOptions(
        ScanRules(tuple(include or ()), tuple(exclude or ()), with_hidden=hidden),
        workers=workers,
        prune=prune,
        retry_failed=retry_failed,
        dry_run=dry_run,
    )
    with _progress(settings) as on_progress:
        report = update_library(
            settings.library_folder(), paths, model=model, options=options, on_progress=on_progress
        )
    _show(settings, report)


@contextmanager
def _progress(settings: Globals) -> Iterator[Callable[["IndexProgress"], None]]:
    """A bar that learns on the way how much there is to do."""
    with bar(settings, label="Analysing") as advance:
        try:
            yield lambda progress: advance(1, total=progress.n_total)
        except KeyboardInterrupt:
            say(settings, "What has been analysed is kept: the same command goes on from there.")
            raise


def _show(settings: Globals, report: "IndexReport") -> None:
    for note in report.notes:
        say(settings, note)
    for failure in report.failed:
        before = " (as before; --retry-failed tries again)" if failure.is_known else ""
        say(settings, f"{failure.path}: {failure.reason}{before}")
    if settings.form is Form.TABLE:
        counts = {name: getattr(report, name) for name in COUNTS} | {"failed": len(report.failed)}
        title = "Would be done:" if report.is_dry_run else ""
        emit(settings, {**counts, "seconds": report.seconds}, title=title)
    else:
        emit(settings, report, rows=None if settings.form is Form.NDJSON else report.failed)
    if report.failed:
        what = "file" if len(report.failed) == 1 else "files"
        raise PartialFailure(f"{len(report.failed)} {what} could not be used")
