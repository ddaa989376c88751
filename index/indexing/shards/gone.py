"""Which files of the shards are gone: a list beside them, which each run writes anew.

It has the form of a shard whose rows have only a place and a reason. So a file that comes back as
it was only leaves the list, and is not analysed again.
"""

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from embedder.errors import CorruptArtefact
from index.catalogue.ledger import PathKey, place_of
from index.indexing.changes import Sighting, is_below
from index.indexing.empty_folders import Unreachable, is_bare, unreachable
from index.indexing.request import ScanRules
from index.indexing.scan import Found, is_passed_over, is_taken
from index.indexing.shards.places import Place, is_remote
from index.indexing.shards.records import ShardHead, ShardTrack, places_in, read_head, shard_bytes
from index.indexing.shards.work import no_facts, shard_name

GONE = "its file is gone"
UNREACHABLE = "its folder is there and empty: a disk may be missing"
PREFIX = "gone-"

Reasons = dict[PathKey, str]
"""GONE or UNREACHABLE, by place."""


@dataclass(frozen=True, slots=True)
class GoneList:
    """What is gone, and when that was written."""

    reasons: Reasons
    written_ns: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """What a run found out about the files that shards have."""

    new: frozenset[PathKey]
    kept: Unreachable


def is_gone_list(name: str) -> bool:
    """Whether a file beside shards is such a list, by its name."""
    return name.rpartition("/")[2].startswith(PREFIX)


def read_gone(place: Place, fingerprint: str) -> GoneList:
    """The list of a model's shards; raises CorruptArtefact if it is damaged."""
    name = _name(fingerprint)
    if not place.has(name):
        return GoneList({})
    address = f"{place.address}/{name}"
    content = place.read(address)
    head = read_head(content, name=address)
    states = places_in(content, name=address)
    return GoneList({key: state.reason for key, state in states.items()}, head.written_ns)


@dataclass(frozen=True, slots=True)
class Look:
    """What a run looked through, and where it found files."""

    paths: Sequence[str]
    sighted: Container[PathKey]
    scanned: Found
    rules: ScanRules

    @property
    def roots(self) -> list[bytes]:
        """The folders and files on disks."""
        local = (given for given in self.paths if not is_remote(given))
        return [os.fsencode(os.path.abspath(given)) for given in local]

    def was_at(self, path: bytes) -> bool:
        """Whether the run would have seen a file of this path."""
        if is_remote(os.fsdecode(path)):
            addresses = [os.fsencode(given.rstrip("/")) for given in filter(is_remote, self.paths)]
            above = [address for address in addresses if is_below(path, [address])]
            return any(is_taken(path[len(address) + 1 :], self.rules) for address in above)
        is_out = is_below(path, [folder for folder, _ in self.scanned.unreadable])
        return (
            is_below(path, self.roots)
            and not is_out
            and not is_passed_over(path, self.scanned, self.rules)
        )


def settle_gone(
    place: Place, fingerprint: str, shown: Iterable[PathKey], look: Look, *, allow_empty: bool
) -> Missing:
    """Find out which of the shards' files are gone, and write it beside them if it has changed.

    shown: the places of the shards. What the run did not look at stays as it was.
    """
    try:
        before = read_gone(place, fingerprint).reasons
    except CorruptArtefact:
        before = {}  # it is written anew
    stays: Reasons = {}
    missing: dict[int, PathKey] = {}
    for key in shown:
        if key in look.sighted:
            continue
        if look.was_at(place_of(key)[0]):
            missing[len(missing)] = key
        elif key in before:
            stays[key] = before[key]
    kept = Unreachable()
    if not allow_empty:
        kept = _kept(missing, look)
    reasons = {key: UNREACHABLE if i in kept.folders else GONE for i, key in missing.items()}
    missing_now = stays | reasons
    if missing_now != before:
        _write_gone(place, fingerprint, missing_now)
    return Missing(frozenset(reasons.keys() - before.keys()), kept)


def _write_gone(place: Place, fingerprint: str, reasons: Reasons) -> None:
    head = ShardHead(fingerprint, 1, ())
    rows = []
    for key, reason in sorted(reasons.items()):
        path, part = place_of(key)
        rows.append(ShardTrack(no_facts(Sighting(path, 0, 0), part=part), None, reason, True))
    place.write(_name(fingerprint), shard_bytes(head, rows))


def _kept(missing: Mapping[int, PathKey], look: Look) -> Unreachable:
    """Those below empty folders, and below given folders without any audio file."""
    paths = {i: place_of(key)[0] for i, key in missing.items()}
    local = {i: path for i, path in paths.items() if not is_remote(os.fsdecode(path))}
    folders = unreachable(local).folders
    for root in look.roots:
        below = {i: root for i, path in local.items() if is_below(path, [root])}
        if below and is_bare(root, look.scanned):
            folders |= below
    return Unreachable(folders)


def _name(fingerprint: str) -> str:
    return PREFIX + shard_name(fingerprint, [])
