"""What differs between a scan and the catalogue. Pure: two tables in, lists out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from index.catalogue.ledger import PathKey, path_key
from index.catalogue.records import Failure
from index.indexing.cue import CueTrack
from index.indexing.scan import Found


@dataclass(frozen=True, slots=True)
class Sighting:
    """A track that a scan found: where, in what state, and which part of its file."""

    path: bytes
    size_bytes: int
    modified_ns: int
    cue: CueTrack | None = None

    @property
    def part(self) -> int:
        """0 for a whole file, else the number of the part."""
        return self.cue.number if self.cue else 0

    @property
    def key(self) -> PathKey:
        """The track's place."""
        return path_key(self.path, self.part)

    @property
    def stat(self) -> tuple[int, int]:
        """Size and time of change."""
        return self.size_bytes, self.modified_ns


@dataclass(slots=True)
class Changes:
    """New and changed tracks to look at, ids of the others."""

    new: list[Sighting] = field(default_factory=list)
    changed: list[tuple[int, Sighting]] = field(default_factory=list)
    n_unchanged: int = 0
    back: list[int] = field(default_factory=list)
    """Were gone, and are there again as they were."""
    gone: list[int] = field(default_factory=list)
    gone_before: list[int] = field(default_factory=list)
    known_failures: list[tuple[Sighting, str]] = field(default_factory=list)
    failures_gone: list[PathKey] = field(default_factory=list)


Stats = dict[PathKey, tuple[int, int, int, int]]
Stretches = dict[int, tuple[float | None, float | None]]
FailureStats = dict[PathKey, tuple[int, int, str, str]]


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue says, by place."""

    stats: Stats
    stretches: Stretches
    failures: FailureStats
    fingerprint: str
    """The model in use: what failed with another one is tried again."""


def compare(
    scanned: Found, catalogued: Known, *, roots: Sequence[bytes], retry_failed: bool = False
) -> Changes:
    """Sort what was found into new, changed, unchanged and failed, and find what is gone.

    Only tracks below the scanned roots can be gone, and none below a folder that could not be
    read.
    """
    changes = Changes()
    stats = catalogued.stats
    n_met = 0
    for path, (size_bytes, modified_ns) in scanned.files.items():
        row = stats.get(path)
        if row is not None:
            n_met += 1
            if row[1] == size_bytes and row[2] == modified_ns:
                changes.n_unchanged += 1
                if row[3]:
                    changes.back.append(row[0])
                continue
        _sort(
            changes, Sighting(path, size_bytes, modified_ns), catalogued, retry_failed=retry_failed
        )
    for part in scanned.parts:
        sighting = Sighting(part.path, part.size_bytes, part.modified_ns, part.cue)
        row = stats.get(sighting.key)
        stretch = (part.cue.start_seconds, part.cue.end_seconds)
        if row is not None:
            n_met += 1
            if row[1:3] == sighting.stat and catalogued.stretches.get(row[0]) == stretch:
                changes.n_unchanged += 1
                if row[3]:
                    changes.back.append(row[0])
                continue
        _sort(changes, sighting, catalogued, retry_failed=retry_failed)
    changes.new.sort(key=lambda sighting: sighting.key)  # a disk's own order is anything
    if n_met < len(stats):
        _find_gone(changes, scanned, stats, roots)
    _find_failures_gone(changes, scanned, catalogued, roots)
    return changes


def _sort(changes: Changes, sighting: Sighting, catalogued: Known, *, retry_failed: bool) -> None:
    key = sighting.key
    failure = catalogued.failures.get(key)
    has_failed_as_it_is = (
        failure is not None
        and failure[:2] == sighting.stat
        and failure[2] in ("", catalogued.fingerprint)
    )
    if has_failed_as_it_is and failure is not None and not retry_failed:
        changes.known_failures.append((sighting, failure[3]))
        return
    row = catalogued.stats.get(key)
    if row is None:
        changes.new.append(sighting)
    else:
        changes.changed.append((row[0], sighting))


def _find_gone(changes: Changes, scanned: Found, stats: Stats, roots: Sequence[bytes]) -> None:
    present = {path_key(part.path, part.cue.number) for part in scanned.parts}
    unreadable = [path for path, _ in scanned.unreadable]
    for key, row in stats.items():
        if key in scanned.files or key in present:
            continue
        path = key.partition(b"\0")[0]
        if is_below(path, roots) and not is_below(path, unreadable):
            (changes.gone_before if row[3] else changes.gone).append(row[0])


def _find_failures_gone(
    changes: Changes, scanned: Found, catalogued: Known, roots: Sequence[bytes]
) -> None:
    present = {path_key(part.path, part.cue.number) for part in scanned.parts}
    unreadable = [path for path, _ in scanned.unreadable]
    changes.failures_gone = [
        key
        for key in catalogued.failures
        if key not in scanned.files
        and key not in present
        and is_below(key.partition(b"\0")[0], roots)
        and not is_below(key.partition(b"\0")[0], unreadable)
    ]


def is_below(path: bytes, folders: Sequence[bytes]) -> bool:
    """Whether a path is one of some folders, or in one."""
    return any(path == folder or path.startswith(folder.rstrip(b"/") + b"/") for folder in folders)


def known_failures(changes: Changes) -> list[Failure]:
    """What failed in an earlier run and is as it was."""
    return [
        Failure(os.fsdecode(sighting.path), reason, is_known=True)
        for sighting, reason in changes.known_failures
    ]
