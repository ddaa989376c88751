"""Does a file of bare MPEG frames say how long it is?

An MP3 is a row of frames and knows its length only through a header that the encoder hides in
the first frame (Xing, Info or VBRI). Where it is missing, FFmpeg guesses from the bit rate of
the first frames, which is far off for variable rates. It guesses as well where the file has grown
by more than a sixteenth since the header was written: files that were joined end to end.
"""

import os
from pathlib import Path

_NAMES = (b"Xing", b"Info", b"VBRI")
_LARGEST_GROWTH = 1 / 16
_HAS_FRAMES, _HAS_BYTES = 1, 2
_ID3_BYTES = 10
_MAX_TAGS = 8
_SEARCHED_BYTES = 2048
"""A first frame has at most 1441 bytes; some padding may stand before it."""


def has_length_header(path: Path) -> bool:
    """Look behind the ID3 tags (pictures and all) for a length header that FFmpeg believes."""
    with path.open("rb") as file:
        start = 0
        for _ in range(_MAX_TAGS):
            file.seek(start)
            head = file.read(_ID3_BYTES)
            if len(head) < _ID3_BYTES or not head.startswith(b"ID3"):
                break
            start += _ID3_BYTES + _unpacked_size(head[6:10]) + _footer_bytes(head[5])
        file.seek(start)
        searched = file.read(_SEARCHED_BYTES)
        n_bytes = file.seek(0, os.SEEK_END) - start
    found = [at for at in map(searched.find, _NAMES) if at >= 0]
    if not found:
        return False
    promised = _promised_bytes(searched[min(found) :])
    return not promised or n_bytes - promised <= _LARGEST_GROWTH * promised


def _promised_bytes(header: bytes) -> int:
    """How long the file was when the header was written; 0 where it does not say."""
    if header.startswith(b"VBRI"):
        return int.from_bytes(header[10:14], "big")
    flags = int.from_bytes(header[4:8], "big")
    if not flags & _HAS_BYTES:
        return 0
    at = 12 if flags & _HAS_FRAMES else 8
    return int.from_bytes(header[at : at + 4], "big")


def _unpacked_size(four_bytes: bytes) -> int:
    """ID3 stores seven bits a byte, so that a size never looks like the start of a frame."""
    size = 0
    for byte in four_bytes:
        size = size << 7 | byte & 0x7F
    return size


def _footer_bytes(flags: int) -> int:
    return _ID3_BYTES if flags & 0x10 else 0
