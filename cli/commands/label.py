"""`soundalike label`: what do the neighbours say that this is?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.labels_shown import (
    CHANGE_COLUMNS,
    PROBABILITY_COLUMNS,
    VOTE_COLUMNS,
    VOTER_COLUMNS,
    as_csv,
    change_rows,
    probability_rows,
    vote_rows,
)
from cli.options import Form, Globals, globals_of, read_tracks
from cli.output import emit, write_bytes
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from index.labels.files.writing import TagChange
    from index.labels.results import LabelReport
    from index.library import Library


def run(
    context: typer.Context,
    tracks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TRACK...",
            help="Audio files or track ids; - reads paths from standard input, a line each.",
            show_default=False,
        ),
    ] = None,
    field: Annotated[
        str, typer.Option(metavar="FIELD", help="Which tag to vote on: genre, mood, any other.")
    ] = "genre",
    k: Annotated[
        int, typer.Option("-k", min=1, metavar="K", help="How many neighbours vote.")
    ] = 20,
    start: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Listen from this second on.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Listen for this long; 2 is enough.")
    ] = None,
    class_balanced: Annotated[
        bool,
        typer.Option("--class-balanced", help="As if all labels were equally frequent."),
    ] = False,
    abstain: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="No label that is less probable.")
    ] = 0.0,
    include_artist: Annotated[
        bool,
        typer.Option(
            "--include-artist/--exclude-artist", help="Whether other tracks of its artist vote."
        ),
    ] = False,
    several: Annotated[
        bool | None,
        typer.Option(
            "--several/--single",
            help="Whether a track may have several labels; by default as the tags are.",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a column a label.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put the labels into the files' tags, after a preview.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --write: replace the labels that files have.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --write or --undo: the preview only.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --write: do not ask.")] = False,
    undo: Annotated[
        Path | None,
        typer.Option(metavar="JOURNAL", help="Take back what a run with --write has written."),
    ] = None,
) -> None:
    """Let the nearest tracks vote on a label, with a probability for each.

    A track's own copies never vote, nor by default do its artist's other tracks.
    """
    from index.labels.labelling import label_tracks
    from index.labels.request import LabelRequest, VoteSettings
    from index.library import Library

    settings = globals_of(context)
    _check(settings, tracks, csv=csv, undo=undo, write=write, force=force, yes=yes, dry_run=dry_run)
    if undo is not None:
        _undo(settings, undo, dry_run=dry_run)
        return
    if write:
        from index.labels.files.tag_writing import check_writable_field

        check_writable_field(field)
    wanted = tuple(read_tracks(settings, tracks or ()))
    votes = VoteSettings(field, k, class_balanced, include_artist, abstain, several)
    request = LabelRequest(wanted, votes, start_seconds=start, seconds=seconds)
    with Library.open(settings.library_folder()) as library:
        with bar(settings, label="Listening", total=len(wanted)) as advance:
            report = label_tracks(library, request, on_heard=advance)
        for failure in report.failed:
            say(settings, f"{failure.path}: {failure.reason}")
        n_failed = len(report.failed)
        if write:
            n_failed += _write(
                settings, library, report, csv=csv, force=force, dry_run=dry_run, yes=yes
            )
        else:
            _show(settings, report, csv=csv)
    if n_failed:
        raise PartialFailure(f"{n_failed} of {len(wanted)} tracks could not be labelled")


def _check(
    settings: Globals,
    tracks: list[str] | None,
    *,
    csv: bool,
    undo: Path | None,
    write: bool,
    force: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    may_ask = not (yes or dry_run)
    if csv and settings.form is not Form.TABLE:
        raise UsageError(f"give --csv or --{settings.form}, not both")
    if undo is None and not tracks:
        raise UsageError("no track to label: name files or ids, or - to read them")
    if undo is not None and (tracks or write):
        raise UsageError("--undo takes back all of a journal: leave tracks and --write out")
    if (force or yes) and not write:
        raise UsageError("--force and --yes are for --write: give it, or leave them out")
    if dry_run and not write and undo is None:
        raise UsageError("--dry-run is for --write and --undo: without them nothing is changed")
    if write and may_ask and not sys.stdin.isatty():
        raise UsageError("--write changes files: give --yes, or --dry-run to see what it would do")


def _show(settings: Globals, report: "LabelReport", *, csv: bool) -> None:
    for vote in report.votes:
        if vote.abstained:
            say(settings, f"{vote.track.path}: no label, {vote.abstained}")
    if csv:
        write_bytes(as_csv(report).encode("utf-8", "surrogateescape"))
    elif settings.form is not Form.TABLE:
        emit(settings, report, rows=[*report.votes, *report.failed])
    elif len(report.votes) == 1:
        (vote,) = report.votes
        emit(settings, rows=probability_rows(vote), columns=PROBABILITY_COLUMNS)
        emit(settings, rows=vote.voters, columns=VOTER_COLUMNS, title="\nvoters")
    else:
        emit(settings, rows=vote_rows(report.votes), columns=VOTE_COLUMNS)


def _write(
    settings: Globals,
    library: "Library",
    report: "LabelReport",
    *,
    csv: bool,
    force: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Preview, ask, write, say how to undo it; how many files could not be written."""
    from index.labels.files.writing import WriteReport, plan_changes, write_labels

    changes = plan_changes(report.votes, replace_old=force)
    n_wanted = sum(change.action == "write" for change in changes)
    is_table = settings.form is Form.TABLE and not csv
    if is_table:
        emit(settings, rows=change_rows(changes), columns=CHANGE_COLUMNS)
    elif not yes:
        _preview(settings, changes)
    done = WriteReport(tuple(changes))
    if n_wanted and not dry_run and (yes or typer.confirm(f"Write {n_wanted}?", err=True)):
        with bar(settings, label="Writing", total=n_wanted) as advance:
            done = write_labels(library, changes, on_file=advance)
    for failure in done.failed:
        say(settings, f"{failure.path}: {failure.reason}")
    say(settings, f"{done.n_written} of {n_wanted} labels written.")
    if done.journal is not None:
        say(settings, f"To take them back: soundalike label --undo '{done.journal}'")
    if csv:
        _show(settings, report, csv=True)
    elif not is_table:
        document = report.to_json() | {
            "failed": [*report.failed, *done.failed],
            "changes": done.changes,
            "written": done.n_written,
            "journal": done.journal,
            "dry_run": dry_run,
        }
        emit(settings, document, rows=done.changes)
    return len(done.failed)


def _preview(settings: Globals, changes: list["TagChange"]) -> None:
    for row in change_rows(changes):
        why = f" ({row['reason']})" if row["reason"] else ""
        say(settings, f"{row['action']} {row['path']}: {row['old']} → {row['new']}{why}")


def _undo(settings: Globals, journal: Path, *, dry_run: bool) -> None:
    from index.labels.files.writing import undo_labels
    from index.library import Library

    with Library.open(settings.library_folder()) as library:
        report = undo_labels(library, journal, dry_run=dry_run)
    for failure in report.failed:
        say(settings, f"{failure.path}: {failure.reason}")
    if settings.form is Form.TABLE:
        emit(settings, rows=change_rows(report.changes), columns=CHANGE_COLUMNS)
    else:
        emit(settings, report, rows=report.changes)
    if report.failed:
        raise PartialFailure(f"{len(report.failed)} files were left as they are")
