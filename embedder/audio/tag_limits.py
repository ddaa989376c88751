"""Whether a file's tags are small enough to parse, counted from its headers alone.

The time of a tag reader can grow with the square of the number of tags, and a compressed frame of
some kilobytes can unpack to gigabytes. So the number and size of tags are looked up first, without
parsing them. Formats without such a list of tags are not checked.
"""

import io
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_TAGS = 5000
"""Of one kind in one file. Real files have a few dozen."""
MAX_TAG_BYTES = 64 * 2**20
"""Pictures included: the largest scans of covers take 30 MB."""
MAX_COMPRESSED_BYTES = 64 * 2**10
"""Of all compressed ID3 frames together; they unpack to at most a thousand times as much."""
MAX_BOXES = 100_000
"""Of MP4 boxes or RIFF chunks at one level."""

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_EXTENSION = bytes.fromhex("b503bf5f2ea9cf118ee300c00c205365")
_ASF_TAG_LISTS = tuple(
    bytes.fromhex(guid)
    for guid in (
        "40a4d0d207e3d21197f000a0c95ea850",  # extended content description
        "eacbf8c5af5b77488467aa8c44fa4cca",  # metadata
        "941c23449894d149a1411d134e457054",  # metadata library
    )
)
_OGG_COMMENT_MARKS = (b"\x03vorbis", b"OpusTags")
_ID3_FRAME_NAME = re.compile(rb"[A-Z][A-Z0-9 ]{2}")
_ID3V1_BYTES = 128


class OversizedTags(Exception):
    """The tags are too many or too large to be read; the message says which."""


def check_tag_limits(path: Path) -> None:
    """Raise OversizedTags if the tags must not be parsed, OSError if the file cannot be read."""
    with path.open("rb") as file:
        n_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = 0
        head = file.read(16)
        while head.startswith(b"ID3"):  # some files carry two
            start = _check_id3(file, start)
            file.seek(start)
            head = file.read(16)
        if head.startswith(b"fLaC"):
            _check_flac(file, start + 4)
        elif head.startswith(b"OggS"):
            _check_ogg(file)
        elif head[:4] in (b"RIFF", b"RF64", b"FORM"):
            _check_chunks(file, n_bytes, is_big_endian=head.startswith(b"FORM"))
        elif head[4:8] == b"ftyp":
            _check_mp4(file, n_bytes)
        elif head == _ASF_HEADER:
            _check_asf(file)
        _check_ape(file, n_bytes)


def _refuse_many(n_tags: int, what: str) -> None:
    if n_tags > MAX_TAGS:
        raise OversizedTags(f"it has {n_tags} {what}, more than {MAX_TAGS}")


def _refuse_large(n_bytes: int, what: str) -> None:
    if n_bytes > MAX_TAG_BYTES:
        raise OversizedTags(
            f"its {what} take {n_bytes / 2**20:.0f} MB, more than {MAX_TAG_BYTES >> 20} MB"
        )


def _check_id3(file: BinaryIO, start: int) -> int:
    """Check the ID3v2 tag at a position; returns the position after it."""
    file.seek(start)
    header = file.read(10)
    version, flags = header[3], header[5]
    size = _synchsafe(header[6:10])
    end = start + 10 + size
    _refuse_large(size, "ID3 tags")
    frames: BinaryIO = file
    first, last = start + 10, end
    if flags & 0x80 and version < 4:
        body = file.read(size).replace(b"\xff\x00", b"\xff")
        frames, first, last = io.BytesIO(body), 0, len(body)
    # Version 2.4 has sizes of 7 bits a byte, but some programs write 8. A tag that does not read
    # to its end one way is read the other way as well, as the tag reader may do.
    is_read = _check_id3_frames(frames, first, last, version=version, is_synchsafe=version == 4)
    if version == 4 and not is_read:
        _check_id3_frames(frames, first, last, version=version, is_synchsafe=False)
    return max(end, start + 10)


def _check_id3_frames(
    file: BinaryIO, start: int, end: int, *, version: int, is_synchsafe: bool
) -> bool:
    """Count frames and compressed bytes; whether the frames fill the tag but for its padding."""
    header_bytes = 6 if version == 2 else 10
    n_frames = n_compressed = 0
    while start + header_bytes < end:
        file.seek(start)
        header = file.read(header_bytes)
        if len(header) < header_bytes or header.startswith(b"\0"):
            return True
        if not _ID3_FRAME_NAME.match(header):
            return False
        if version == 2:
            size, is_compressed = int.from_bytes(header[3:6], "big"), False
        else:
            raw = header[4:8]
            size = _synchsafe(raw) if is_synchsafe else int.from_bytes(raw, "big")
            is_compressed = bool(header[9] & (0x08 if version == 4 else 0x80))
        start += header_bytes + size
        if start > end:
            return False
        n_frames += 1
        n_compressed += size if is_compressed else 0
        _refuse_many(n_frames, "ID3 frames")
        if n_compressed > MAX_COMPRESSED_BYTES:
            raise OversizedTags(
                f"it has {n_compressed} bytes of compressed ID3 frames, more than "
                f"{MAX_COMPRESSED_BYTES}"
            )
    return True


def _check_flac(file: BinaryIO, start: int) -> None:
    total = 0
    while True:
        file.seek(start)
        header = file.read(4)
        if len(header) < 4:
            return
        size = int.from_bytes(header[1:4], "big")
        total += size
        _refuse_large(total, "FLAC metadata")
        if header[0] & 0x7F == 4:
            _check_comments(file.read(min(size, 2**20)))
        start += 4 + size
        if header[0] & 0x80:
            return


def _check_comments(block: bytes) -> None:
    """A Vorbis comment block: the vendor's name, then the number of comments."""
    vendor_bytes = int.from_bytes(block[:4], "little")
    count = block[4 + vendor_bytes : 8 + vendor_bytes]
    _refuse_many(int.from_bytes(count, "little"), "comments")


def _check_ogg(file: BinaryIO) -> None:
    """The second packet of the file: it begins on the second page and may go on for many."""
    file.seek(0)
    first_packet, _ = _ogg_page(file)
    packet = b""
    total = 0
    while True:
        payload, is_end = _ogg_page(file)
        total += len(payload)
        _refuse_large(total, "Ogg comments")
        if len(packet) < 2**20:
            packet += payload
        if is_end or not payload:
            break
    mark = next((mark for mark in _OGG_COMMENT_MARKS if packet.startswith(mark)), b"")
    if first_packet.startswith(b"\x7fFLAC"):
        mark = packet[:4]
    _check_comments(packet[len(mark) :])


def _ogg_page(file: BinaryIO) -> tuple[bytes, bool]:
    """A page's content, and whether a packet ends on it."""
    header = file.read(27)
    if len(header) < 27 or not header.startswith(b"OggS"):
        return b"", True
    lengths = file.read(header[26])
    return file.read(sum(lengths)), any(length < 255 for length in lengths)


def _check_chunks(file: BinaryIO, n_bytes: int, *, is_big_endian: bool) -> None:
    """RIFF and AIFF: their ID3 tag is a chunk."""
    start = 12
    for _ in range(MAX_BOXES):
        if start + 8 > n_bytes:
            return
        file.seek(start)
        name, size = struct.unpack(">4sI" if is_big_endian else "<4sI", file.read(8))
        if name.lower() == b"id3 " and file.read(3) == b"ID3":
            _check_id3(file, start + 8)
        start += 8 + size + size % 2
    raise OversizedTags(f"it has more than {MAX_BOXES} chunks")


def _check_mp4(file: BinaryIO, n_bytes: int) -> None:
    start, end = 0, n_bytes
    for name, n_skipped in ((b"moov", 0), (b"udta", 0), (b"meta", 4), (b"ilst", 0)):
        box = next((box for box in _mp4_boxes(file, start, end) if box[0] == name), None)
        if box is None:
            return
        start, end = box[1] + n_skipped, box[2]
    _refuse_large(end - start, "MP4 tags")
    _refuse_many(sum(1 for _ in _mp4_boxes(file, start, end)), "MP4 tags")


def _mp4_boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of what each box between two places holds."""
    for _ in range(MAX_BOXES):
        file.seek(start)
        header = file.read(16)
        if start + 8 > end or len(header) < 8:
            return
        size, begin = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:
            size, begin = int.from_bytes(header[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop < begin:
            return
        yield header[4:8], begin, min(stop, end)
        start = stop
    raise OversizedTags(f"it has more than {MAX_BOXES} boxes")


def _check_asf(file: BinaryIO) -> None:
    file.seek(16)
    size = int.from_bytes(file.read(8), "little")
    _refuse_large(size, "ASF headers")
    file.seek(0)
    header = file.read(size)
    n_tags = 0
    for start, end in _asf_objects(header, 30, len(header)):
        spans = [(start, end)]
        if header[start : start + 16] == _ASF_EXTENSION:
            spans = list(_asf_objects(header, start + 46, end))
        for first, _ in spans:
            if header[first : first + 16] in _ASF_TAG_LISTS:
                n_tags += int.from_bytes(header[first + 24 : first + 26], "little")
    _refuse_many(n_tags, "ASF tags")


def _asf_objects(header: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start + 24 <= end:
        size = int.from_bytes(header[start + 16 : start + 24], "little")
        if size < 24:
            return
        yield start, min(start + size, end)
        start += size


def _check_ape(file: BinaryIO, n_bytes: int) -> None:
    """Its footer stands at the end of the file, or before an ID3v1 tag there."""
    for from_end in (32, 32 + _ID3V1_BYTES):
        if n_bytes < from_end:
            return
        file.seek(n_bytes - from_end)
        footer = file.read(32)
        if footer.startswith(b"APETAGEX"):
            size, n_tags = struct.unpack("<II", footer[12:20])
            _refuse_large(size, "APE tags")
            _refuse_many(n_tags, "APE tags")


def _synchsafe(data: bytes) -> int:
    """A number of 7 bits a byte, as ID3 writes sizes."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number
