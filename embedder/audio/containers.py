"""The parts of a container, from their headers alone: chunks, boxes, objects, Ogg pages.

It opens nothing, and reads no more of a part than its header. Sizes that run backwards or beyond
the file end the walk; so do too many parts, with an exception.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_PARTS = 100_000
"""Of one kind in one file. An audiobook of ten hours in fragments of a second has 72,000 boxes."""
MAX_DEPTH = 16
"""Of boxes in boxes. Real files go eight deep."""

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_EXTENSION = bytes.fromhex("b503bf5f2ea9cf118ee300c00c205365")
_ASF_EXTENSION_BYTES = 46
_MP4_FOLDERS = (b"moov", b"trak", b"udta", b"meta", b"ilst")
_OGG_CONTINUED, _OGG_FIRST = 1, 2


class TooManyParts(Exception):
    """More parts than any recording has; the message says of which kind."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file: where its name stands, and where its content begins and ends."""

    name: bytes
    name_place: int
    start: int
    end: int

    @property
    def n_bytes(self) -> int:
        """The size of its content."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an MP4 file, how deep it is in others, and whether it is in a tag box."""

    part: Part
    is_tag: bool


def chunks(file: BinaryIO, start: int, n_bytes: int) -> Iterator[Part]:
    """The chunks of a RIFF, AIFF or DSDIFF file that begins at a place."""
    file.seek(start)
    form = file.read(4)
    is_long = form == b"FRM8"
    header = struct.Struct("<4sI" if form[:2] == b"RI" or form == b"RF64" else ">4sI")
    if is_long:
        header = struct.Struct(">4sQ")
    place = start + (16 if is_long else 12)
    for _ in range(MAX_PARTS):
        if place + header.size > n_bytes:
            return
        file.seek(place)
        name, size = header.unpack(file.read(header.size))
        content = place + header.size
        yield Part(name, place, content, min(content + size, n_bytes))
        place = content + size + size % 2
    raise TooManyParts(f"it has more than {MAX_PARTS} chunks")


def mp4_boxes(file: BinaryIO, start: int, n_bytes: int, *, into_tags: bool = True) -> Iterator[Box]:
    """The boxes of an MP4 file, down to those that can hold tags, and into them."""
    waiting = [(start, n_bytes, 0, False)]
    n_left = MAX_PARTS
    while waiting:
        place, end, depth, in_tags = waiting.pop()
        for part in _boxes_between(file, place, end):
            n_left -= 1
            if not n_left:
                raise TooManyParts(f"it has more than {MAX_PARTS} boxes")
            yield Box(part, in_tags)
            is_tag_box = in_tags or part.name in (b"udta", b"meta")
            if part.name in _MP4_FOLDERS and (into_tags or not is_tag_box):
                if depth == MAX_DEPTH:
                    raise TooManyParts(f"its boxes are more than {MAX_DEPTH} deep in each other")
                n_skipped = 4 if part.name == b"meta" else 0
                waiting.append((part.start + n_skipped, part.end, depth + 1, is_tag_box))


def _boxes_between(file: BinaryIO, place: int, end: int) -> Iterator[Part]:
    while place + 8 <= end:
        file.seek(place)
        header = file.read(16)
        if len(header) < 8:
            return
        size, start = int.from_bytes(header[:4], "big"), place + 8
        if size == 1:
            size, start = int.from_bytes(header[8:16], "big"), place + 16
        stop = end if size == 0 else place + size
        if stop < start:
            return
        yield Part(header[4:8], place + 4, start, min(stop, end))
        place = stop


def asf_objects(header: bytes) -> Iterator[Part]:
    """The objects of an ASF file's header, those in its extension too; places from its start."""
    place = 30
    for _ in range(MAX_PARTS):
        if place + 24 > len(header):
            return
        guid = header[place : place + 16]
        size = int.from_bytes(header[place + 16 : place + 24], "little")
        if guid == _ASF_EXTENSION:
            place += _ASF_EXTENSION_BYTES
            continue
        if size < 24:
            return
        yield Part(guid, place, place + 24, min(place + size, len(header)))
        place += size
    raise TooManyParts(f"it has more than {MAX_PARTS} objects")


@dataclass(frozen=True, slots=True)
class OggPage:
    """A page: where it begins, where its content begins, and how that is cut into segments."""

    place: int
    start: int
    serial: bytes
    is_first: bool
    """The first page of its stream."""
    is_continued: bool
    """Its first segment belongs to a packet of the page before."""
    lengths: bytes

    @property
    def end(self) -> int:
        """Where the next page begins."""
        return self.start + sum(self.lengths)


def ogg_pages(file: BinaryIO, place: int) -> Iterator[OggPage]:
    """The pages from a place on, as long as one follows another."""
    while True:
        file.seek(place)
        header = file.read(27)
        if len(header) < 27 or not header.startswith(b"OggS"):
            return
        lengths = file.read(header[26])
        start = place + 27 + len(lengths)
        is_first, is_continued = bool(header[5] & _OGG_FIRST), bool(header[5] & _OGG_CONTINUED)
        page = OggPage(place, start, header[14:18], is_first, is_continued, lengths)
        yield page
        place = page.end


@dataclass(slots=True)
class OggPacket:
    """A packet: its pieces as (place in the file, length), and whether it has ended."""

    pieces: list[tuple[int, int]]
    has_ended: bool = False

    @property
    def n_bytes(self) -> int:
        """How long it is."""
        return sum(length for _, length in self.pieces)

    def read(self, file: BinaryIO) -> bytes:
        """Its content."""
        parts: list[bytes] = []
        for place, length in self.pieces:
            file.seek(place)
            parts.append(file.read(length))
        return b"".join(parts)

    def place_of(self, offset: int) -> int | None:
        """Where in the file a byte of the packet stands."""
        for place, length in self.pieces:
            if offset < length:
                return place + offset
            offset -= length
        return None


def ogg_header_packets(file: BinaryIO, start: int, *, max_bytes: int) -> list[list[OggPacket]]:
    """The first two packets of each stream that begins at the start of an Ogg file.

    The second one holds the tags. Stops after so many bytes of packets that have not ended.
    """
    streams: dict[bytes, list[OggPacket]] = {}
    n_read = 0
    for page in ogg_pages(file, start):
        if page.is_first and len(streams) < MAX_DEPTH:
            streams.setdefault(page.serial, [])
        packets = streams.get(page.serial)
        if packets is not None:
            _add_page(packets, page)
        n_read += sum(page.lengths)
        are_complete = all(len(found) > 1 and found[1].has_ended for found in streams.values())
        if (are_complete and not page.is_first) or n_read > max_bytes:
            break
    return [packets[:2] for packets in streams.values()]


def _add_page(packets: list[OggPacket], page: OggPage) -> None:
    """Add a page to the first two packets of its stream."""
    place = piece = page.start
    for length in page.lengths:
        place += length
        if length < 255:
            _add_piece(packets, piece, place, ends=True)
            piece = place
    if piece < place:
        _add_piece(packets, piece, place, ends=False)


def _add_piece(packets: list[OggPacket], start: int, end: int, *, ends: bool) -> None:
    if not packets or packets[-1].has_ended:
        if len(packets) == 2:
            return
        packets.append(OggPacket([]))
    packets[-1].pieces.append((start, end - start))
    packets[-1].has_ended = ends
