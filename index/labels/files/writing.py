"""Write labels into the tags of files, and undo it.

    votes ─▶ plan (reads only) ─▶ preview ─▶ write, file by file: journal, file, catalogue
                                              │
                                              ▼
                                             undo, in reverse order

A file that has the field keeps it, unless the caller replaces old labels. The catalogue gets the
new tag and modification time, so that the next `index` analyses nothing.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from embedder.audio.digest import audio_digest
from embedder.errors import AudioError, StorageError
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.catalogue.records import Failure, Json
from index.indexing.changes import Sighting
from index.indexing.identify import identify
from index.labels.files.journal import JournalEntry, new_journal, now_text, read_journal
from index.labels.files.tag_writing import (
    check_writable_field,
    read_field,
    remove_leftover,
    restore_field,
    write_field,
)
from index.labels.results import LabelVote
from index.library_folder.open_library import OpenLibrary

Action = Literal["write", "written", "keep", "same", "skip", "fail", "restore"]


@dataclass(frozen=True, slots=True)
class TagChange:
    """The planned or finished change of one file's field."""

    path: str
    field: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    action: Action
    reason: str = ""
    probability: float | None = None
    """Of the most probable new label; None if no vote gave it."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "path": self.path,
            "field": self.field,
            "old": list(self.old),
            "new": list(self.new),
            "action": self.action,
            "reason": self.reason,
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class WriteReport:
    """The result of a plan."""

    changes: tuple[TagChange, ...]
    journal: Path | None = None
    """The journal to undo it with; None if nothing was written."""

    @property
    def n_written(self) -> int:
        """The number of changed files."""
        return sum(change.action == "written" for change in self.changes)

    @property
    def failed(self) -> tuple[Failure, ...]:
        """The files that could not be changed, and why."""
        return _failures_in(self.changes)


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What undoing a journal did, or would do."""

    changes: tuple[TagChange, ...]

    @property
    def failed(self) -> tuple[Failure, ...]:
        """The files that were not changed, and why."""
        return _failures_in(self.changes)

    def to_json(self) -> Json:
        """`{"restored": n, "unchanged": n, "changes": […], "failed": […]}`"""
        actions = [change.action for change in self.changes]
        return {
            "restored": actions.count("restore"),
            "unchanged": actions.count("same"),
            "changes": [change.to_json() for change in self.changes],
            "failed": [failure.to_json() for failure in self.failed],
        }


def plan_changes(votes: Iterable[LabelVote], *, replace_old: bool = False) -> list[TagChange]:
    """What writing the labels of votes would do, file by file. Reads tags, writes nothing.

    `replace_old`: replace other labels in the field.
    """
    by_path = {vote.track.path: vote for vote in votes}  # each file once
    return [_planned(vote, replace_old=replace_old) for vote in by_path.values()]


def write_labels(
    library: OpenLibrary,
    changes: Sequence[TagChange],
    *,
    on_file: Callable[[int], None] | None = None,
) -> WriteReport:
    """Carry out a plan; a file that cannot be written does not stop the others.

    A disk that is full or read-only does. The StorageError then says how to undo what was written.
    """
    if not any(change.action == "write" for change in changes):
        return WriteReport(tuple(changes))
    done: list[TagChange] = []
    n_written = 0
    with library.writing() as catalogue, new_journal(library.folder) as journal:
        for change in changes:
            if change.action != "write":
                done.append(change)
                continue
            try:
                journal.add(_entry(change))
                write_field(Path(change.path), change.field, change.new)
                n_written += 1
                _update_catalogue(catalogue, Path(change.path))
            except AudioError as error:
                done.append(replace(change, action="fail", reason=error.reason))
            except StorageError as error:
                raise StorageError(f"{error} {_how_to_undo(n_written, journal.path)}") from error
            else:
                done.append(replace(change, action="written"))
            if on_file is not None:
                on_file(1)
    return WriteReport(tuple(done), journal.path if journal.path.exists() else None)


def undo_labels(library: OpenLibrary, journal: Path, *, dry_run: bool = False) -> UndoReport:
    """Undo the changes of a journal, the last one first.

    A file whose audio or tag has changed since is not touched, and is reported as failed.
    """
    entries = list(reversed(read_journal(journal)))
    if dry_run or not entries:
        return UndoReport(tuple(_undoing(entry) for entry in entries))
    with library.writing() as catalogue:
        return UndoReport(tuple(_undone(catalogue, entry) for entry in entries))


def _how_to_undo(n_written: int, journal: Path) -> str:
    if not n_written:
        return "No label was written."
    what = "1 label was" if n_written == 1 else f"{n_written} labels were"
    return f"{what} written before; to undo it: soundalike label --undo '{journal}'"


def _failures_in(changes: Iterable[TagChange]) -> tuple[Failure, ...]:
    return tuple(Failure(c.path, c.reason) for c in changes if c.action == "fail")


def _planned(vote: LabelVote, *, replace_old: bool) -> TagChange:
    check_writable_field(vote.field)
    path, new = vote.track.path, vote.labels
    probability = vote.probability if vote.voters else None
    unread = TagChange(path, vote.field, (), new, "skip", vote.abstained or "", probability)
    if not new:
        return unread if unread.reason else replace(unread, reason="no label is probable enough")
    if vote.track.start_seconds is not None:
        reason = "a part of a file: its label belongs in the CUE sheet"
        return replace(unread, action="fail", reason=reason)
    try:
        old = read_field(Path(path), vote.field).labels
    except AudioError as error:
        return replace(unread, action="fail", reason=error.reason)
    if are_same(old, new):
        return replace(unread, old=old, action="same")
    if old and not replace_old:
        return replace(unread, old=old, action="keep", reason="it has one: --force replaces it")
    return replace(unread, old=old, action="write")


def are_same(labels: Iterable[str], others: Iterable[str]) -> bool:
    """Whether two fields have the same labels; their order says nothing."""
    return set(labels) == set(others)


def _entry(change: TagChange) -> JournalEntry:
    path = Path(change.path)
    before = read_field(path, change.field)
    if not are_same(before.labels, change.old):
        raise AudioError(path, f"its {change.field} has changed since the preview")
    return JournalEntry(
        path=change.path,
        field=change.field,
        old=before.labels,
        new=change.new,
        time=now_text(),
        audio_digest=audio_digest(path).hex(),
        old_tags=before.raw,
        had_tags=before.has_tags,
    )


def _undoing(entry: JournalEntry) -> TagChange:
    """What undoing an entry would do now."""
    path = Path(entry.path)
    current: tuple[str, ...] = ()
    try:
        current = read_field(path, entry.field).labels
        digest = audio_digest(path).hex()
    except AudioError as error:
        return TagChange(entry.path, entry.field, current, entry.old, "fail", error.reason)
    change = TagChange(entry.path, entry.field, current, entry.old, "restore")
    if digest != entry.audio_digest:
        return replace(change, action="fail", reason="the file holds another recording now")
    if are_same(current, entry.new):
        return change
    if are_same(current, entry.old):
        return replace(change, action="same")
    shown = "; ".join(current) or "empty"
    reason = f"its {entry.field} has changed since: it is {shown}, not {'; '.join(entry.new)}"
    return replace(change, action="fail", reason=reason)


def _undone(catalogue: Catalogue, entry: JournalEntry) -> TagChange:
    path = Path(entry.path)
    remove_leftover(path)
    change = _undoing(entry)
    if change.action != "restore":
        return change
    try:
        restore_field(path, entry.field, entry.state_before)
        _update_catalogue(catalogue, path)
    except AudioError as error:
        return replace(change, action="fail", reason=error.reason)
    return change


def _update_catalogue(catalogue: Catalogue, path: Path) -> None:
    """Store a file's new tags and modification time, as a scan does."""
    for track in catalogue.tracks_at(path):
        if track.start_seconds is not None:
            continue  # a part of a file has its tags from a CUE sheet
        status = path.stat()
        facts = identify(Sighting(os.fsencode(path), status.st_size, status.st_mtime_ns))
        with catalogue.database.transaction():
            # The duration in the tags is an estimate; the stored one comes from the audio.
            exact = replace(facts, duration_seconds=track.duration_seconds)
            Ledger(catalogue).update(track.id, exact)
