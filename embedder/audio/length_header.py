"""Check whether a file of bare MPEG frames states its length.

An MP3 is a row of frames. Its length stands only in a header that the encoder hides in the first
frame (Xing, Info or VBRI). If that is missing, FFmpeg guesses from the bit rate of the first
frames, which is far off for variable rates. It also guesses if the file is more than a sixteenth
longer than the header says: such files were joined end to end.
"""

import os
from pathlib import Path

from embedder.audio.outer_tags import ID3_HEADER_BYTES, id3_tag_bytes

_NAMES = (b"Xing", b"Info", b"VBRI")
_LARGEST_GROWTH = 1 / 16
_HAS_FRAMES, _HAS_BYTES = 1, 2
_MAX_TAGS = 8
_SEARCHED_BYTES = 2048
"""A first frame has at most 1441 bytes; some padding may stand before it."""


def has_length_header(path: Path) -> bool:
    """Whether FFmpeg finds a length header behind the ID3 tags, and trusts it."""
    with path.open("rb") as file:
        start = 0
        for _ in range(_MAX_TAGS):
            file.seek(start)
            n_tag_bytes = id3_tag_bytes(file.read(ID3_HEADER_BYTES))
            if not n_tag_bytes:
                break
            start += n_tag_bytes
        file.seek(start)
        first_bytes = file.read(_SEARCHED_BYTES)
        n_bytes = file.seek(0, os.SEEK_END) - start
    positions = [position for position in map(first_bytes.find, _NAMES) if position >= 0]
    if not positions:
        return False
    promised = _promised_bytes(first_bytes[min(positions) :])
    return not promised or n_bytes - promised <= _LARGEST_GROWTH * promised


def _promised_bytes(header: bytes) -> int:
    """How long the file was when the header was written; 0 if it does not say."""
    if header.startswith(b"VBRI"):
        return int.from_bytes(header[10:14], "big")
    flags = int.from_bytes(header[4:8], "big")
    if not flags & _HAS_BYTES:
        return 0
    offset = 12 if flags & _HAS_FRAMES else 8
    return int.from_bytes(header[offset : offset + 4], "big")
