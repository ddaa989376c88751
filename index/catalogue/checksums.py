"""Checksums of what the catalogue's rows hold, so that a flipped bit is noticed when it is read."""

import struct
import zlib

SQL_NAME = "row_checksum"
"""The function's name in SQL, for migrations."""


def row_checksum(track_id: int, *parts: bytes | float) -> int:
    """CRC-32 of a row's contents. It begins with the track's id, so another track's row fails."""
    checksum = track_id & 0xFFFFFFFF
    for part in parts:
        data = part if isinstance(part, bytes) else struct.pack("<d", part)
        checksum = zlib.crc32(data, checksum)
    return checksum


def is_intact(track_id: object, checksum: object, *parts: object) -> bool:
    """Whether a row is what was written; a value of another type is not."""
    try:
        return row_checksum(track_id, *parts) == checksum  # type: ignore[arg-type]
    except (TypeError, struct.error):
        return False
