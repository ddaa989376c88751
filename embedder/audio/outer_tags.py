"""Find the tags before and after the audio, in files that are a sequence of frames.

    [ID3v2][APEv2][ audio ········][Lyrics3][APEv2][ID3v1]

Only the tags' headers are read; `mutagen` reads their content.
"""

import struct
from typing import BinaryIO

ID3_HEADER_BYTES = 10
_HAS_FOOTER = 0x10


def id3_tag_bytes(head: bytes) -> int:
    """The length of the ID3v2 tag that begins with `head`; 0 if there is none.

    Its header is `ID3`, version, flags, and a size in four bytes of seven bits.
    """
    if len(head) < ID3_HEADER_BYTES or not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:10]:
        if byte & 0x80:  # a size never looks like the start of an MPEG frame
            return 0
        size = size << 7 | byte
    return ID3_HEADER_BYTES + size + (ID3_HEADER_BYTES if head[5] & _HAS_FOOTER else 0)


def without_tags(file: BinaryIO, n_bytes: int) -> tuple[int, int]:
    """Where the audio begins and ends, without the tags before and after it."""
    start, end = 0, n_bytes
    while (length := _leading_tag(file, start)) and start + length <= end:
        start += length
    while (length := _trailing_tag(file, start, end)) and end - length >= start:
        end -= length
    return start, end


def _leading_tag(file: BinaryIO, start: int) -> int:
    file.seek(start)
    head = file.read(32)
    if length := id3_tag_bytes(head):
        return length
    if head[:8] == b"APETAGEX" and len(head) == 32:
        return int(struct.unpack("<I", head[12:16])[0]) + 32
    return 0


def _trailing_tag(file: BinaryIO, start: int, end: int) -> int:
    file.seek(max(end - 128, start))
    tail = file.read(min(128, end - start))
    if tail[:3] == b"TAG" and len(tail) == 128:
        return 128
    if tail[-32:-24] == b"APETAGEX":
        length, _, flags = struct.unpack("<III", tail[-20:-8])
        return int(length) + (32 if flags & 0x80000000 else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0
