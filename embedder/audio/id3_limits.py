"""How many frames and values an ID3 tag has and how far they may unpack, without parsing them.

A tag reader cuts a text of many values, or a frame of many entries, once for each of them, so that
its time grows with the square of their number. It reads UTF-16 byte by byte.
"""

import io
import re
import zlib
from typing import BinaryIO

ID3_HEADER_BYTES = 10
_FRAME_NAME = re.compile(rb"[A-Z][A-Z0-9 ]{2}")
_CHAPTERS = (b"CHAP", b"CTOC")
_CHAPTER_TIMES_BYTES = 16
_MAX_DEPTH = 4
_LONG_BYTES = 2**13
"""Values are counted in longer texts. A shorter one cannot have too many."""
MAX_COMPRESSED_BYTES = 64 * 2**10
"""Of all compressed frames together; they unpack to at most a thousand times as much."""
MAX_TEXT_BYTES = 4 * 2**20
"""Of texts together. Lyrics take some kilobytes."""
MAX_ENTRY_BYTES = 2**17
"""Of each frame that is a row of short entries: 26,000 of five bytes."""
_MAX_UNPACKED_BYTES = 2**26
_BINARY = tuple(b"APIC PIC GEOB GEO PRIV MCDI MCI UFID UFI COMR AENC".split())
_TEXTS = tuple(b"COMM COM USLT ULT USER WXXX WXX".split())


class FrameCount:
    """The frames of an ID3 tag, and bytes that are compressed or otherwise hidden."""

    def __init__(self, *, max_frames: int) -> None:
        self.n_frames = 0
        self.n_compressed = 0
        self.n_text_bytes = 0
        self.longest_entries = 0
        """The size of the longest frame that is a row of entries."""
        self._max_frames = max_frames

    @property
    def is_over(self) -> bool:
        """Whether there are so many that counting on is no use."""
        return self.n_frames > self._max_frames


def id3_size(header: bytes) -> int:
    """How many bytes follow the header of a tag."""
    return _synchsafe(header[6:10])


def count_frames(file: BinaryIO, start: int, *, max_frames: int) -> FrameCount:
    """Count the frames of the tag at a place."""
    file.seek(start)
    header = file.read(ID3_HEADER_BYTES)
    version, flags, size = header[3], header[5], id3_size(header)
    first, last = start + ID3_HEADER_BYTES, start + ID3_HEADER_BYTES + size
    if flags & 0x80 and version < 4:
        body = file.read(size).replace(b"\xff\x00", b"\xff")
        file, first, last = io.BytesIO(body), 0, len(body)
    count = FrameCount(max_frames=max_frames)
    # Version 2.4 has sizes of 7 bits a byte, but some programs write 8. A tag that does not read
    # to its end one way is read the other way as well, as the tag reader may do.
    is_synchsafe = version == 4
    if not _count(file, first, last, count, version, is_synchsafe=is_synchsafe) and is_synchsafe:
        again = FrameCount(max_frames=max_frames)
        _count(file, first, last, again, version, is_synchsafe=False)
        return max(count, again, key=lambda one_way: one_way.n_frames + one_way.n_compressed)
    return count


def _count(
    file: BinaryIO,
    start: int,
    end: int,
    count: FrameCount,
    version: int,
    *,
    is_synchsafe: bool,
    depth: int = 0,
) -> bool:
    """Count the frames between two places; whether they fill it but for padding."""
    header_bytes = 6 if version == 2 else 10
    while start + header_bytes < end and not count.is_over:
        file.seek(start)
        header = file.read(header_bytes)
        if len(header) < header_bytes or header.startswith(b"\0"):
            return True
        if not _FRAME_NAME.match(header):
            return False
        if version == 2:
            size, is_compressed = int.from_bytes(header[3:6], "big"), False
        else:
            raw = header[4:8]
            size = _synchsafe(raw) if is_synchsafe else int.from_bytes(raw, "big")
            is_compressed = bool(header[9] & (0x08 if version == 4 else 0x80))
        content = start + header_bytes
        start = content + size
        if start > end:
            return False
        count.n_frames += 1
        count.n_compressed += size if is_compressed else 0
        name = header[: 3 if version == 2 else 4]
        if count.n_compressed <= MAX_COMPRESSED_BYTES and (size > _LONG_BYTES or is_compressed):
            file.seek(content)
            is_whole = is_compressed or name.startswith(b"T")
            beginning = file.read(size if is_whole else _LONG_BYTES)
            _look_into(name, beginning, size, count, is_compressed=is_compressed)
        if header[:4] in _CHAPTERS and version > 2:
            if header[9] or depth == _MAX_DEPTH:  # what is in it cannot be counted
                count.n_compressed += size
                continue
            first = _frames_in_chapter(file, header[:4], content, start)
            _count(file, first, start, count, version, is_synchsafe=is_synchsafe, depth=depth + 1)
    return True


def _look_into(
    name: bytes, content: bytes, size: int, count: FrameCount, *, is_compressed: bool
) -> None:
    """Count what a long frame holds. `content` may be its beginning only, if it is no text."""
    if is_compressed:
        content = _unpacked(content)
        size = len(content)
    is_utf16 = content[:1] in (b"\1", b"\2")
    mark = b"\0\0" if is_utf16 else b"\0"
    if name.startswith(b"T"):
        count.n_frames += content.count(mark)
        count.n_text_bytes += size
    elif name in _TEXTS or (is_utf16 and name in _BINARY and mark not in content[:_LONG_BYTES]):
        count.n_text_bytes += size
    elif name not in _BINARY and name not in _CHAPTERS and not name.startswith(b"W"):
        count.longest_entries = max(count.longest_entries, size)


def _unpacked(content: bytes) -> bytes:
    """A compressed frame's content, behind its size or without one."""
    for start in (4, 0):
        try:
            return zlib.decompressobj().decompress(content[start:], _MAX_UNPACKED_BYTES)
        except zlib.error:
            continue
    return b""


def _frames_in_chapter(file: BinaryIO, name: bytes, start: int, end: int) -> int:
    """Where the frames in a chapter, or in a table of chapters, begin."""
    file.seek(start)
    content = file.read(min(end - start, 2**16))
    offset = content.find(b"\0") + 1
    if name == b"CHAP":
        return start + offset + _CHAPTER_TIMES_BYTES
    n_children = content[offset + 1] if offset + 1 < len(content) else 0
    offset += 2
    for _ in range(n_children):
        offset = content.find(b"\0", offset) + 1 or len(content)
    return start + offset


def _synchsafe(data: bytes) -> int:
    """A number of 7 bits a byte, as ID3 writes sizes."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number
