"""The audio files under given folders, with their sizes and times of change. Reads no audio.

Follows links to folders, each real folder once, so that loops end. Works on paths as bytes: a
name need not be valid text. What cannot be read is reported, never skipped in silence.
"""

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import MissingAudio
from index.indexing.cue import CueTrack, decode_cue, parse_cue
from index.indexing.request import ScanRules
from index.indexing.results import OnScan

MAX_CUE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundPart:
    """A track that is a part of a file."""

    path: bytes
    size_bytes: int
    modified_ns: int
    cue: CueTrack


@dataclass(slots=True)
class Found:
    """What a scan found.

    files: path → (size in bytes, time of change in ns); a file with parts is not among them
    """

    files: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    parts: list[FoundPart] = field(default_factory=list)
    unreadable: list[tuple[bytes, str]] = field(default_factory=list)
    """Folders and files that could not be read, and why."""


def scan(
    paths: Sequence[Path],
    *,
    rules: ScanRules | None = None,
    on_scan: OnScan | None = None,
) -> Found:
    """All audio files under some folders. A file given by itself is taken whatever its suffix.

    `on_scan` is called once for each folder.
    """
    scanned = Found()
    walk = _Walk(scanned, rules or ScanRules(), on_scan)
    for path in paths:
        root = os.fsencode(os.path.abspath(path))
        try:
            state = path.stat()
        except FileNotFoundError as error:
            raise MissingAudio(path, "no such file or folder") from error
        except OSError as error:
            scanned.unreadable.append((root, error.strerror or "cannot be read"))
            continue
        if stat.S_ISDIR(state.st_mode):
            walk.folder(root, state)
        elif not stat.S_ISREG(state.st_mode):
            scanned.unreadable.append((root, "it is a pipe, socket or device, not a regular file"))
        else:
            scanned.files[root] = (state.st_size, storable_time(state.st_mtime_ns))
            if root.lower().endswith(b".cue"):
                del scanned.files[root]
                walk.sheets.append(root)
    _split_by_sheets(scanned, walk.sheets)
    return scanned


def is_passed_over(path: bytes, scanned: Found, rules: ScanRules) -> bool:
    """Whether a file exists, and the scan left it out because of the rules."""
    is_hidden = b"/." in path and not rules.with_hidden
    if not (rules.include or rules.exclude or is_hidden) or path in scanned.files:
        return False
    return os.path.lexists(path) and all(part.path != path for part in scanned.parts)


class _Walk:
    def __init__(self, scanned: Found, rules: ScanRules, on_scan: OnScan | None) -> None:
        self._on_scan = on_scan
        self.sheets: list[bytes] = []
        self._found = scanned
        self._with_hidden = rules.with_hidden
        self._is_included = _matcher(rules.include)
        self._is_excluded = _matcher(rules.exclude)
        self._seen: set[tuple[int, int]] = set()

    def folder(self, root: bytes, state: os.stat_result) -> None:
        """Everything below a folder. Iterative: a deep tree must not end in a RecursionError."""
        self._seen.add((state.st_dev, state.st_ino))
        waiting = [root]
        n_root = len(root.rstrip(b"/")) + 1
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    self._entries(entries, waiting, n_root)
            except OSError as error:
                self._found.unreadable.append((folder, error.strerror or "cannot be read"))
            if self._on_scan is not None:
                self._on_scan(len(self._found.files), None)

    def _entries(
        self, entries: Iterable["os.DirEntry[bytes]"], waiting: list[bytes], n_root: int
    ) -> None:
        files = self._found.files
        for entry in entries:
            name = entry.name
            if name[:1] == b"." and not self._with_hidden:
                continue
            try:
                if entry.is_dir():
                    if self._is_new_folder(entry) and not self._is_out(entry, n_root):
                        waiting.append(entry.path)
                    continue
                suffix = name.rpartition(b".")[2].lower()
                if suffix == b"cue" and not self._is_out(entry, n_root):
                    self.sheets.append(entry.path)
                    continue
                if not self._is_wanted(entry, suffix, n_root):
                    continue
                state = entry.stat()
            except OSError as error:  # a broken link, or it vanished meanwhile
                if not isinstance(error, FileNotFoundError):
                    reason = error.strerror or "cannot be read"
                    self._found.unreadable.append((entry.path, reason))
                continue
            if stat.S_ISREG(state.st_mode):
                files[entry.path] = (state.st_size, storable_time(state.st_mtime_ns))

    def _is_new_folder(self, entry: "os.DirEntry[bytes]") -> bool:
        """Each real folder once. Only links can lead back, but links and real ones can meet."""
        state = entry.stat()
        identity = (state.st_dev, state.st_ino)
        if identity in self._seen:
            return False
        self._seen.add(identity)
        return True

    def _is_wanted(self, entry: "os.DirEntry[bytes]", suffix: bytes, n_root: int) -> bool:
        if suffix not in _SUFFIXES or self._is_out(entry, n_root):
            return False
        return self._is_included is None or self._is_included(entry.name, entry.path[n_root:])

    def _is_out(self, entry: "os.DirEntry[bytes]", n_root: int) -> bool:
        excluded = self._is_excluded
        return excluded is not None and excluded(entry.name, entry.path[n_root:])


def is_taken(below: bytes, rules: ScanRules) -> bool:
    """Whether the rules take a file, by its path below the folder that is asked for."""
    names = below.split(b"/")
    if not rules.with_hidden and any(name.startswith(b".") for name in names):
        return False
    is_excluded, is_included = _matcher(rules.exclude), _matcher(rules.include)
    places = accumulate(names, lambda folder, name: b"%s/%s" % (folder, name))
    if is_excluded is not None and any(map(is_excluded, names, places)):
        return False
    return is_included is None or is_included(names[-1], below)


def storable_time(time_ns: int) -> int:
    """A time of change within SQLite's whole numbers: some disks allow the year 2300."""
    return max(-(2**63), min(time_ns, 2**63 - 1))


_SUFFIXES = frozenset(suffix.encode() for suffix in AUDIO_SUFFIXES)


def _matcher(patterns: Sequence[str]) -> Callable[[bytes, bytes], bool] | None:
    if not patterns:
        return None
    translated = [fnmatch.translate(pattern.rstrip("/")) for pattern in patterns]
    expression = re.compile("|".join(f"(?:{pattern_text})" for pattern_text in translated))

    def matches(name: bytes, below: bytes) -> bool:
        return bool(expression.match(os.fsdecode(name)) or expression.match(os.fsdecode(below)))

    return matches


def _split_by_sheets(scanned: Found, sheets: list[bytes]) -> None:
    """Replace whole files by the parts that CUE sheets name."""
    claimed: set[bytes] = set()
    for sheet in sorted(sheets):
        try:
            with Path(os.fsdecode(sheet)).open("rb") as file:
                tracks = parse_cue(decode_cue(file.read(MAX_CUE_BYTES)))
        except OSError as error:
            scanned.unreadable.append((sheet, error.strerror or "cannot be read"))
            continue
        paths = {track.file_name: _beside(sheet, track.file_name) for track in tracks}
        for name, path in paths.items():
            parts = [track for track in tracks if track.file_name == name]
            # A sheet of one whole file each says no more than the files themselves.
            if path in claimed or path not in scanned.files or len(parts) < 2:
                continue
            claimed.add(path)
            state = scanned.files[path]
            scanned.parts.extend(FoundPart(path, *state, cue=part) for part in parts)
    for path in claimed:
        del scanned.files[path]


def _beside(sheet: bytes, file_name: str) -> bytes:
    """The file that a CUE sheet refers to."""
    folder = os.path.dirname(sheet)  # noqa: PTH120 - bytes
    return os.path.normpath(os.path.join(folder, os.fsencode(file_name)))  # noqa: PTH118 - bytes
