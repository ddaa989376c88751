"""Checksums of what the catalogue's rows hold, so that a flipped bit is noticed when it is read."""

import struct
import zlib

SQL_NAME = "row_checksum"
"""The function's name in SQL, for statements and migrations."""
_TRACK_COLUMNS = (
    *("path", "part", "start_seconds", "end_seconds", "size_bytes", "modified_ns", "audio_digest"),
    *("title", "artist", "album", "genre", "year", "track_number", "duration_seconds", "is_gone"),
)
_QUOTED = " || ' ' || ".join(f"quote({name})" for name in _TRACK_COLUMNS)
TRACK_CHECKSUM = f"{SQL_NAME}(id, CAST({_QUOTED} AS BLOB))"
"""The checksum of a row of `tracks`. `quote` keeps every digit, and tells types apart."""


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
        return row_checksum(track_id, *parts) == checksum  # type: ignore[arg-type]  # the try is for it
    except (TypeError, struct.error):
        return False
