"""Does a file of bare MPEG frames say how long it is?

An MP3 is a row of frames and knows its length only through a header that the encoder hides in
the first frame (Xing, Info or VBRI). Where it is missing, FFmpeg guesses from the bit rate of
the first frames, which is far off for variable rates.
"""

from pathlib import Path

_NAMES = (b"Xing", b"Info", b"VBRI")
_ID3_BYTES = 10
_MAX_TAGS = 8
_SEARCHED_BYTES = 2048
"""A first frame has at most 1441 bytes; some padding may stand before it."""


def has_length_header(path: Path) -> bool:
    """Look behind the ID3 tags (pictures and all) for a length header."""
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
    return any(name in searched for name in _NAMES)


def _unpacked_size(four_bytes: bytes) -> int:
    """ID3 stores seven bits a byte, so that a size never looks like the start of a frame."""
    size = 0
    for byte in four_bytes:
        size = size << 7 | byte & 0x7F
    return size


def _footer_bytes(flags: int) -> int:
    return _ID3_BYTES if flags & 0x10 else 0
