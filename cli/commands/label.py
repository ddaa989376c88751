"""`soundalike label`: the neighbours vote on a label."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.choosing import chooser
from cli.labels_shown import (
    CHANGE_COLUMNS,
    PLAN_COLUMNS,
    PROBABILITY_COLUMNS,
    VOTE_COLUMNS,
    VOTER_COLUMNS,
    as_csv,
    change_rows,
    closeness_line,
    probability_rows,
    vote_rows,
)
from cli.options import (
    Form,
    Globals,
    SecondsOption,
    SomeTracksArgument,
    StartOption,
    VotersOption,
    globals_of,
    read_tracks,
)
from cli.output import emit, emit_text, write_text
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from index.catalogue.records import Failure
    from index.labels.files.writing import TagChange, WriteReport
    from index.labels.results import LabelReport
    from index.library import Library


ABSTAIN_TO_WRITE = 0.5


def run(
    context: typer.Context,
    tracks: SomeTracksArgument = None,
    field: Annotated[
        str, typer.Option(metavar="FIELD", help="The tag to vote on: genre, mood or any other.")
    ] = "genre",
    k: VotersOption = 20,
    start: StartOption = None,
    seconds: SecondsOption = None,
    class_balanced: Annotated[
        bool,
        typer.Option("--class-balanced", help="Count as if all labels were equally frequent."),
    ] = False,
    abstain: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="P",
            help=f"Give no label less probable than P; by default 0, and {ABSTAIN_TO_WRITE} with "
            "--write.",
            show_default=False,
        ),
    ] = None,
    include_artist: Annotated[
        bool,
        typer.Option(
            "--include-artist/--exclude-artist",
            help="Whether other tracks of the same artist vote. For the fields artist, albumartist "
            "and composer they always do.",
        ),
    ] = False,
    several: Annotated[
        bool | None,
        typer.Option(
            "--several/--single",
            help="Whether a track may have several labels; by default as in the library's tags.",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, with a column for each label.")
    ] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the labels into the files' tags, after a preview."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --write: replace labels that files already have.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --write or --undo: show only the preview.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --write: do not ask first. --undo never asks.")
    ] = False,
    undo: Annotated[
        Path | None,
        typer.Option(metavar="JOURNAL", help="Restore the tags that a run with --write replaced."),
    ] = None,
) -> None:
    """Let the nearest tracks vote on a label, with probabilities.

    Copies of a track never vote on it. By default, other tracks of its artist do not vote either.

    $ soundalike label song.mp3
    Prints the genres of song.mp3 with their probabilities, and the tracks that voted.
    """
    from index.labels.request import LabelRequest, VoteSettings
    from index.library import Library

    settings = globals_of(context)
    _check(settings, tracks, csv=csv, undo=undo, write=write, force=force, yes=yes, dry_run=dry_run)
    if undo is not None:
        _undo(settings, undo, dry_run=dry_run)
        return
    if write:
        _check_field(field)
    names = tuple(read_tracks(settings, tracks or ()))
    least = abstain if abstain is not None else ABSTAIN_TO_WRITE if write else 0.0
    votes = VoteSettings(field, k, class_balanced, include_artist, least, several)
    request = LabelRequest(names, votes, start_seconds=start, seconds=seconds)
    with Library.open(settings.library_folder()) as library:
        library.choose = chooser(settings)
        with bar(settings, label="Analysing", total=len(names)) as advance:
            report = library.label(request, on_track=advance)
        n_failed = _talk_of(settings, report.failed)
        if write:
            changes = _preview(settings, report, csv=csv, force=force, yes=yes)
            written = _write(settings, library, changes, dry_run=dry_run, yes=yes)
            n_failed += _talk_of(settings, written.failed)
            _show_written(settings, report, written, csv=csv, dry_run=dry_run)
        else:
            _show(settings, report, csv=csv)
    if n_failed:
        raise PartialFailure(f"{n_failed} of {len(names)} tracks could not be labelled")


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
        raise UsageError("--undo restores everything in a journal: leave out tracks and --write")
    if force and not write:
        raise UsageError("--force is for --write: give both, or leave it out")
    if (yes or dry_run) and not write and undo is None:
        raise UsageError("--yes and --dry-run are for --write and --undo, which change files")
    if write and may_ask and not sys.stdin.isatty():
        raise UsageError("--write changes files: give --yes, or --dry-run for a preview")


def _check_field(field: str) -> None:
    from index.labels.files.tag_writing import check_writable_field

    check_writable_field(field)


def _talk_of(settings: Globals, failed: "tuple[Failure, ...]") -> int:
    for failure in failed:
        say(settings, f"{failure.path}: {failure.reason}")
    return len(failed)


def _show(settings: Globals, report: "LabelReport", *, csv: bool) -> None:
    for vote in report.votes:
        if vote.abstained:
            say(settings, f"{vote.track.path}: no label, {vote.abstained}")
    if csv:
        write_text(as_csv(report))
    elif settings.form is Form.PATHS:
        emit(settings, rows=report.votes)
    elif settings.form is not Form.TABLE:
        emit(settings, report, rows=[*report.votes, *report.failed])
    elif len(report.votes) == 1:
        (vote,) = report.votes
        if vote.closeness is not None:
            emit_text(settings, f"{closeness_line(vote.closeness)}\n")
        emit(settings, rows=probability_rows(vote), columns=PROBABILITY_COLUMNS)
        emit(settings, rows=vote.voters, columns=VOTER_COLUMNS, title="\nvoters")
    else:
        emit(settings, rows=vote_rows(report.votes), columns=VOTE_COLUMNS)


def _preview(
    settings: Globals, report: "LabelReport", *, csv: bool, force: bool, yes: bool
) -> "list[TagChange]":
    """The changes that --write would make, shown before a person is asked about them."""
    from index.labels.files.writing import plan_changes

    changes = plan_changes(report.votes, replace_old=force)
    if settings.form is Form.TABLE and not csv:
        emit(settings, rows=change_rows(changes), columns=PLAN_COLUMNS)
    elif not yes:
        for row in change_rows(changes):
            why = f" ({row['reason']})" if row["reason"] else ""
            chance = f" (probability {row['probability']})" if row["probability"] else ""
            change = f"{row['old']} → {row['new']}{chance}"
            say(settings, f"{row['action']} {row['path']}: {change}{why}")
    return changes


def _write(
    settings: Globals, library: "Library", changes: "list[TagChange]", *, dry_run: bool, yes: bool
) -> "WriteReport":
    """Ask, write, and say how to undo it."""
    from index.labels.files.writing import WriteReport

    n_changes = sum(change.action == "write" for change in changes)
    written = WriteReport(tuple(changes))
    question = f"Write {n_changes} {'label' if n_changes == 1 else 'labels'}?"
    if n_changes and not dry_run and (yes or typer.confirm(question, err=True)):
        with bar(settings, label="Writing", total=n_changes) as advance:
            written = library.write_labels(changes, on_file=advance)
    if dry_run:
        say(settings, f"{n_changes} {'label' if n_changes == 1 else 'labels'} would be written.")
    else:
        say(settings, f"{written.n_written} of {n_changes} labels written.")
    if written.journal is not None:
        say(settings, f"To restore the old tags: soundalike label --undo '{written.journal}'")
    return written


def _show_written(
    settings: Globals, report: "LabelReport", written: "WriteReport", *, csv: bool, dry_run: bool
) -> None:
    """What was written, in the forms for scripts; a table has shown it in the preview."""
    if csv:
        _show(settings, report, csv=True)
    elif settings.form is Form.PATHS:
        emit(settings, rows=[c for c in written.changes if c.action in {"write", "written"}])
    elif settings.form is not Form.TABLE:
        document = report.to_json() | {
            "failed": [*report.failed, *written.failed],
            "changes": written.changes,
            "written": written.n_written,
            "journal": written.journal,
            "dry_run": dry_run,
        }
        emit(settings, document, rows=written.changes)


def _undo(settings: Globals, journal: Path, *, dry_run: bool) -> None:
    from index.library import Library

    with Library.open(settings.library_folder()) as library:
        report = library.undo_labels(journal, dry_run=dry_run)
    n_failed = _talk_of(settings, report.failed)
    if settings.form is Form.TABLE:
        emit(settings, rows=change_rows(report.changes), columns=CHANGE_COLUMNS)
    else:
        is_paths = settings.form is Form.PATHS
        rows = [c for c in report.changes if c.action == "restore" or not is_paths]
        emit(settings, report, rows=rows)
    if n_failed:
        what = "file was" if n_failed == 1 else "files were"
        raise PartialFailure(f"{n_failed} {what} left unchanged")
