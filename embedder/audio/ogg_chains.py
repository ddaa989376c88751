"""All lists of comments in an Ogg file, from their marks alone.

An Ogg file can be a chain of streams, each with comments of its own, and FFmpeg parses them while
it decodes. It takes any packet with the right mark for such a list. So every mark in the file
counts, whatever the pages around it say. The first 255 bytes of a packet are never split between
pages, so what follows a mark is read at its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from embedder.audio.containers import MAX_PARTS, OggPage, TooManyParts, ogg_pages

MAX_LISTS = 10_000
"""A recording of a month of radio, with a new stream for each song, has as many."""
COMMENT_MARKS = (b"\x03vorbis", b"OpusTags")
_PAGE_MARK = b"OggS"
_FLAC_IN_OGG = b"\x7fFLAC"
_FLAC_COMMENTS = (b"\x04", b"\x84")
_FLAC_HEADER_BYTES = 4
_VENDOR_BYTES = 240
"""The longest name of a program that stands in one piece behind a mark. Real ones have 40."""
_LONGEST_PAGE = 27 + 255 + 255 * 255
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CommentList:
    """A list of comments: where it stands, and how many it has; None if that cannot be told."""

    place: int
    n_comments: int | None


def comment_lists(file: BinaryIO, start: int) -> Iterator[CommentList]:
    """The lists in an Ogg file that begins at a place; TooManyParts if they are too many."""
    for n_lists, place in enumerate(_list_places(file, start), start=1):
        if n_lists > MAX_LISTS:
            raise TooManyParts(f"it has more than {MAX_LISTS} lists of comments")
        yield CommentList(place, _n_comments(file, place))


def page_around(file: BinaryIO, place: int) -> OggPage | None:
    """The page whose content includes a place; None if no page does."""
    start = max(place - _LONGEST_PAGE, 0)
    file.seek(start)
    data = file.read(place - start)
    before = len(data)
    while (before := data.rfind(_PAGE_MARK, 0, before)) >= 0:
        page = next(ogg_pages(file, start + before), None)
        if page is not None and page.start <= place < page.end:
            return page
    return None


def list_bytes(file: BinaryIO, place: int, *, limit: int) -> int:
    """The size of the packet that holds a list, or more than a limit; 0 outside all pages."""
    first = page_around(file, place)
    if first is None:
        return 0
    n_bytes = 0
    for n_pages, page in enumerate(ogg_pages(file, first.place)):
        if page.serial != first.serial:
            continue
        if n_pages > MAX_PARTS:
            raise TooManyParts(f"its comments have more than {MAX_PARTS} pages")
        end = page.start
        for length in page.lengths:
            end += length
            if end > place or page is not first:
                n_bytes += length
                if length < 255 or n_bytes > limit:
                    return n_bytes
    return n_bytes


def _list_places(file: BinaryIO, start: int) -> Iterator[int]:
    for place, mark in _marks(file, start):
        if mark == _PAGE_MARK:
            yield from _flac_lists(file, place)
        else:
            yield place + len(mark)


def _marks(file: BinaryIO, place: int) -> Iterator[tuple[int, bytes]]:
    """The places of marks, read block by block; those of pages once a stream of FLAC has begun."""
    marks: tuple[bytes, ...] = COMMENT_MARKS
    n_kept = max(map(len, marks)) - 1
    rest = b""
    while True:
        file.seek(place)
        block = file.read(_BLOCK_BYTES)
        if not block:
            return
        data = rest + block
        if _PAGE_MARK not in marks and _FLAC_IN_OGG in data:
            marks = (*marks, _PAGE_MARK)
        for mark in marks:
            at = data.find(mark, max(len(rest) - len(mark) + 1, 0))
            while at >= 0:
                yield place - len(rest) + at, mark
                at = data.find(mark, at + 1)
        place += len(block)
        rest = data[-n_kept:]


def _flac_lists(file: BinaryIO, place: int) -> Iterator[int]:
    """FLAC in Ogg has no mark: a packet whose first byte names its kind."""
    page = next(ogg_pages(file, place), None)
    if page is None:
        return
    start, is_start = page.start, not page.is_continued
    for length in page.lengths:
        if is_start and length:
            file.seek(start)
            if file.read(1) in _FLAC_COMMENTS:
                yield start + _FLAC_HEADER_BYTES
        start += length
        is_start = length < 255


def _n_comments(file: BinaryIO, place: int) -> int | None:
    file.seek(place)
    data = file.read(4 + _VENDOR_BYTES + 4)
    vendor_bytes = int.from_bytes(data[:4], "little")
    if vendor_bytes > _VENDOR_BYTES:
        return None
    return int.from_bytes(data[4 + vendor_bytes : 8 + vendor_bytes], "little")
