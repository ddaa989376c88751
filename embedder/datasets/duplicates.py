"""The same recording under two names: as the table says, or by equal content.

Of audio files, the content is the sound without its tags: the samples' MD5 that FLAC carries, MP3
frames without ID3, otherwise the whole file. The same music encoded twice is not found here; that
takes listening (an audit compares vectors).
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import mutagen

from embedder.datasets.dataset import Dataset
from embedder.datasets.grouping import LinkedSets

_BLOCK_BYTES = 1 << 20
_ID3V1_BYTES = 128


@dataclass(frozen=True, slots=True)
class Repeats:
    """`sets[i]`: the lowest position among the tracks that are the same as row i (often i)."""

    sets: tuple[int, ...]

    @property
    def n_repeated(self) -> int:
        """Tracks that repeat an earlier one."""
        return sum(first != position for position, first in enumerate(self.sets))


def find_repeats(dataset: Dataset, *, by_content: bool = True) -> Repeats:
    """Which rows are the same recording."""
    links = LinkedSets()
    positions = {row.key: position for position, row in enumerate(dataset.rows)}
    contents: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, row in enumerate(dataset.rows):
        links.root(position)
        if row.duplicate_of:  # the original may be missing here, and two repeats of it still link
            links.link([position, positions.get(row.duplicate_of, f"absent {row.duplicate_of}")])
    if by_content:
        for position, content in _contents(dataset).items():
            contents[content].append(position)
    for same in contents.values():
        links.link(same)
    first: dict[Hashable, int] = {}
    sets = tuple(first.setdefault(links.root(i), i) for i in range(len(dataset.rows)))
    return Repeats(sets)


def _contents(dataset: Dataset) -> Mapping[int, Hashable]:
    """Position to something that is equal for equal content; unique tracks may be missing."""
    if dataset.store is not None:
        return {
            position: hashlib.blake2b(array.tobytes(), digest_size=16).digest()
            for position, array in enumerate(dataset.arrays)
        }
    spans: defaultdict[tuple[object, ...], list[tuple[int, _Span]]] = defaultdict(list)
    for position, row in enumerate(dataset.rows):
        if row.path is None:
            continue
        try:
            span = _sound_span(row.path)
        except OSError:
            continue  # reported where the file is decoded
        spans[span.size_bytes, span.known_digest].append((position, span))
    contents: dict[int, Hashable] = {}
    for (size, known_digest), alike in spans.items():
        if len(alike) < 2:
            continue  # no other of its length: not worth reading
        for position, span in alike:
            contents[position] = (size, known_digest or _digest_of(span))
    return contents


@dataclass(frozen=True, slots=True)
class _Span:
    """The part of a file that is sound."""

    path: Path
    start: int
    size_bytes: int
    known_digest: int = 0


def _sound_span(path: Path) -> _Span:
    size = path.stat().st_size
    if path.suffix.lower() == ".flac":
        try:
            info = mutagen.File(path).info
        except mutagen.MutagenError:
            return _Span(path, 0, size)
        if info.md5_signature:
            return _Span(path, 0, info.total_samples, info.md5_signature)
    if path.suffix.lower() != ".mp3":
        return _Span(path, 0, size)
    with path.open("rb") as file:
        head = file.read(10)
        file.seek(max(0, size - _ID3V1_BYTES))
        has_tail = file.read(3) == b"TAG"
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:  # its length has seven bits a byte (ID3v2.4, 6.2)
        start = 10 + sum(
            byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
        )
    return _Span(path, start, max(0, size - start - _ID3V1_BYTES * has_tail))


def _digest_of(span: _Span) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    left = span.size_bytes
    with span.path.open("rb") as file:
        file.seek(span.start)
        while left and (block := file.read(min(_BLOCK_BYTES, left))):
            digest.update(block)
            left -= len(block)
    return digest.digest()
