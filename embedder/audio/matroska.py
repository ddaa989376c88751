"""The tags of a Matroska or WebM file, from the headers of its elements alone.

    EBML header │ Segment ( SeekHead │ Info │ Tags ( Tag ( SimpleTag … ) ) │ Cluster … │ Tags )

The walk follows sizes, and the places that a SeekHead names. It ends at a cluster of unknown size:
behind it FFmpeg finds tags through a SeekHead only. No more than the texts of tags is read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from embedder.audio.containers import MAX_DEPTH, MAX_PARTS, Part, TooManyParts

EBML_HEADER = bytes.fromhex("1a45dfa3")
_SEGMENT = bytes.fromhex("18538067")
_SEEK_HEAD, _SEEK, _SEEK_PLACE = (bytes.fromhex(name) for name in ("114d9b74", "4dbb", "53ac"))
_TAGS, _TAG, _SIMPLE_TAG = (bytes.fromhex(name) for name in ("1254c367", "7373", "67c8"))
_FOLDERS = (_TAGS, _TAG, _SIMPLE_TAG)
_TARGETS, _LEVEL = bytes.fromhex("63c0"), bytes.fromhex("68ca")
_TAG_NAME, _TAG_TEXT = bytes.fromhex("45a3"), bytes.fromhex("4487")
_INFO, _TITLE = bytes.fromhex("1549a966"), bytes.fromhex("7ba9")
_TICK, _DURATION = bytes.fromhex("2ad7b1"), bytes.fromhex("4489")
_USUAL_TICK_NANOSECONDS = 1_000_000
ALBUM_LEVEL = 50
_LONGEST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class MatroskaTag:
    """One tag. Its level says what it is of: 30 a track, 50 an album, 0 not stated."""

    level: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class MatroskaInfo:
    """What a segment says about itself."""

    title: str
    duration_seconds: float | None


def matroska_tag_lists(file: BinaryIO, start: int, n_bytes: int) -> Iterator[Part]:
    """Each list of tags at the top of the segment, once."""
    segment = _first(file, Part(b"", start, start, n_bytes), _SEGMENT)
    if segment is None:
        return
    places: set[int] = set()
    for part in _elements(file, segment.start, segment.end):
        if part.name == _TAGS and part.name_place not in places:
            places.add(part.name_place)
            yield part
        elif part.name == _SEEK_HEAD:
            for place in _sought(file, part):
                target = next(_elements(file, segment.start + place, segment.end), None)
                if target and target.name == _TAGS and target.name_place not in places:
                    places.add(target.name_place)
                    yield target


def n_matroska_tags(file: BinaryIO, tags: Part, *, enough: int) -> int:
    """How many tags are in a list, those in other tags too. The count ends above `enough`."""
    n_tags = 0
    waiting = [(tags, 0)]
    while waiting:
        parent, depth = waiting.pop()
        for part in _elements(file, parent.start, parent.end):
            if part.name not in _FOLDERS:
                continue
            if depth == MAX_DEPTH:
                raise TooManyParts(f"its tags are more than {MAX_DEPTH} deep in each other")
            n_tags += part.name == _SIMPLE_TAG
            if n_tags > enough:
                return n_tags
            waiting.append((part, depth + 1))
    return n_tags


def matroska_tags(file: BinaryIO, tags: Part) -> Iterator[MatroskaTag]:
    """The tags of a list that have a text, without those inside other tags."""
    for tag in _elements(file, tags.start, tags.end):
        if tag.name != _TAG:
            continue
        targets = _first(file, tag, _TARGETS)
        level = _first(file, targets, _LEVEL) if targets else None
        for part in _elements(file, tag.start, tag.end):
            if part.name == _SIMPLE_TAG:
                name, text = (_first(file, part, kind) for kind in (_TAG_NAME, _TAG_TEXT))
                if name and text:
                    yield MatroskaTag(_number(file, level), _text(file, name), _text(file, text))


def matroska_info(file: BinaryIO, start: int, n_bytes: int) -> MatroskaInfo:
    """The title and the duration of the segment, as far as they are stated."""
    segment = _first(file, Part(b"", start, start, n_bytes), _SEGMENT)
    info = segment and _first(file, segment, _INFO)
    if not info:
        return MatroskaInfo("", None)
    title, duration = _first(file, info, _TITLE), _first(file, info, _DURATION)
    tick = _number(file, _first(file, info, _TICK)) or _USUAL_TICK_NANOSECONDS
    seconds = None
    if duration and duration.n_bytes in (4, 8):
        kind = ">f" if duration.n_bytes == 4 else ">d"
        seconds = struct.unpack(kind, _content(file, duration))[0] * tick / 1e9
    return MatroskaInfo(_text(file, title) if title else "", seconds)


def _first(file: BinaryIO, parent: Part, name: bytes) -> Part | None:
    return next((p for p in _elements(file, parent.start, parent.end) if p.name == name), None)


def _content(file: BinaryIO, part: Part) -> bytes:
    file.seek(part.start)
    return file.read(min(part.n_bytes, _LONGEST_TEXT))


def _text(file: BinaryIO, part: Part) -> str:
    return _content(file, part).decode("utf-8", "replace").rstrip("\0")


def _number(file: BinaryIO, part: Part | None) -> int:
    return int.from_bytes(_content(file, part)[:8], "big") if part else 0


def _sought(file: BinaryIO, seek_head: Part) -> Iterator[int]:
    """The places that a SeekHead names, counted from the segment's content."""
    for seek in _elements(file, seek_head.start, seek_head.end):
        if seek.name == _SEEK:
            for part in _elements(file, seek.start, seek.end):
                if part.name == _SEEK_PLACE:
                    yield _number(file, part)


def _elements(file: BinaryIO, place: int, end: int) -> Iterator[Part]:
    """The elements between two places. One of unknown size reaches to the end of its parent."""
    for _ in range(MAX_PARTS):
        file.seek(place)
        header = file.read(12)
        name_bytes, size_bytes = _length(header, 0), 0
        if place < end and name_bytes and name_bytes <= 4:
            size_bytes = _length(header, name_bytes)
        start = place + name_bytes + size_bytes
        if not size_bytes or start > end:
            return
        digits = header[name_bytes : name_bytes + size_bytes]
        size = int.from_bytes(digits, "big") & ((1 << 7 * size_bytes) - 1)
        is_unknown = size == (1 << 7 * size_bytes) - 1
        stop = end if is_unknown else min(start + size, end)
        yield Part(header[:name_bytes], place, start, stop)
        place = stop
    raise TooManyParts(f"it has more than {MAX_PARTS} elements")


def _length(header: bytes, place: int) -> int:
    """How many bytes a number takes: one, and one for each zero at the start of its first byte."""
    if place >= len(header) or not header[place]:
        return 0
    return 9 - header[place].bit_length()
