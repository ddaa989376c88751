"""Find the tags before and after the audio, in files that are a sequence of frames.

    [ID3v2][APEv2][ audio ········][Lyrics3][APEv2][ID3v1]

Only the tags' headers are read; `mutagen` reads their content.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

ID3_HEADER_BYTES = 10
_HAS_FOOTER = 0x10
_APE_HEADER_BYTES = 32
_APE_MARK = b"APETAGEX"
_TAIL_BYTES = 2**14
"""Where the end of an APEv2 tag is looked for: ID3v1 and lyrics may stand behind it."""
_MAX_TAGS = 1000
"""On one side. What follows counts as audio, which costs only time."""


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
    for _ in range(_MAX_TAGS):
        length = _leading_tag(file, start)
        if not length or start + length > end:
            break
        start += length
    for _ in range(_MAX_TAGS):
        length = _trailing_tag(file, start, end)
        if not length or end - length < start:
            break
        end -= length
    return start, end


def ape_tags(file: BinaryIO, n_bytes: int) -> Iterator[tuple[int, int]]:
    """Size and number of tags of each APEv2 tag before or after the audio, as they claim."""
    start, end = without_tags(file, n_bytes)
    places = {0, start, end}
    tail_start = max(n_bytes - _TAIL_BYTES, 0)
    file.seek(tail_start)
    tail = file.read()
    place = tail.find(_APE_MARK)
    while place >= 0:
        places.add(tail_start + place)
        place = tail.find(_APE_MARK, place + 1)
    for place in sorted(places):
        file.seek(place)
        head = file.read(_APE_HEADER_BYTES)
        if len(head) == _APE_HEADER_BYTES and head.startswith(_APE_MARK):
            size, n_tags = struct.unpack("<II", head[12:20])
            yield int(size), int(n_tags)


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
