"""How many bytes of audio a file's header states, and how many the file contains.

FFmpeg reduces the size in the header of WAV, W64 and CAF to that of the file, so that a truncated
file looks whole. Ogg promises nothing, but the last page of a whole file is marked as the last:

    WAV   [RIFF size WAVE][fmt  size …][LIST size …][data size ··········|   cut off here
    Ogg   [OggS first …][OggS …][OggS …][OggS last …]

For all other formats FFmpeg reports what the header says.
"""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_CHUNKS = 10_000
_SIZES_OF_STREAMS = (
    range(0xFFFF_0000, 0x1_0000_0000),
    range(0x7FFF_0000, 0x8000_0001),
)
"""Sizes that programs write if they do not know the size: all bits, or the largest signed one."""
_OGG_MARK = b"OggS\0"
_OGG_HEAD_BYTES = 27
_OGG_PAGE_BYTES = 1 << 17
"""A page has at most 65 307 bytes; a tag may follow the last page."""
_OGG_LAST = 4


@dataclass(frozen=True, slots=True)
class SoundBytes:
    """Sizes of the chunk with the samples."""

    promised: int
    held: int


@dataclass(frozen=True, slots=True)
class _Chunks:
    """How a container writes its chunks: each begins with a name and a size."""

    head: struct.Struct
    first: int
    """The position of the first chunk."""
    alignment: int
    size_has_head: bool = False


_KINDS: Mapping[bytes, _Chunks] = {
    b"RIFF": _Chunks(struct.Struct("<4sI"), 12, 2),
    b"RIFX": _Chunks(struct.Struct(">4sI"), 12, 2),
    b"riff": _Chunks(struct.Struct("<16sq"), 40, 8, size_has_head=True),
    b"caff": _Chunks(struct.Struct(">4sq"), 8, 1),
}


def sound_bytes(path: Path) -> SoundBytes | None:
    """Stated and actual bytes. None: the container states no size, or one that cannot be right."""
    with path.open("rb") as file:
        n_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        chunks = _KINDS.get(file.read(4))
        return None if chunks is None else _in_chunks(file, chunks, n_bytes)


def lacks_ogg_end(path: Path) -> bool:
    """Whether an Ogg file ends within a page, or its last page is not marked as the last."""
    with path.open("rb") as file:
        n_bytes = file.seek(0, os.SEEK_END)
        file.seek(max(0, n_bytes - _OGG_PAGE_BYTES))
        tail = file.read()
    start = tail.rfind(_OGG_MARK)
    if start < 0:
        return False  # not an Ogg page
    page = tail[start:]
    if len(page) < _OGG_HEAD_BYTES:
        return True
    flags, n_segments = page[5], page[26]
    segments = page[_OGG_HEAD_BYTES : _OGG_HEAD_BYTES + n_segments]
    is_whole = len(page) >= _OGG_HEAD_BYTES + n_segments + sum(segments)
    return not is_whole or not flags & _OGG_LAST


def _in_chunks(file: BinaryIO, chunks: _Chunks, n_bytes: int) -> SoundBytes | None:
    position = chunks.first
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(chunks.head.size)
        if len(head) < chunks.head.size:
            return None
        name, size = chunks.head.unpack(head)
        size -= chunks.head.size if chunks.size_has_head else 0
        position += chunks.head.size
        if name[:4] == b"data":
            is_open = size <= 0 or any(size in sizes for sizes in _SIZES_OF_STREAMS)
            return None if is_open else SoundBytes(size, min(size, n_bytes - position))
        if size < 0:
            return None
        position += -(-size // chunks.alignment) * chunks.alignment
    return None
