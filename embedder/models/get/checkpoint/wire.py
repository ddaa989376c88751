"""Numbers and fields as LevelDB and protocol buffers write them; every read is checked.

A varint has seven bits a byte, the lowest first; the top bit says that more follow.
"""

import struct
from collections.abc import Iterator

LONGEST_VARINT = 10
"""Bytes of a 64-bit number."""


class BrokenFile(ValueError):
    """The bytes are not what the format says; the message is for people."""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    number = 0
    for n_read in range(LONGEST_VARINT):
        if position >= len(data):
            raise BrokenFile("it ends inside a number")
        byte = data[position]
        position += 1
        number |= (byte & 127) << 7 * n_read
        if byte < 128:
            return number, position
    raise BrokenFile("it has a number of more than 64 bits")


def read_bytes(data: bytes, position: int, length: int) -> tuple[bytes, int]:
    """So many bytes from a position, and the position after them."""
    end = position + length
    if length < 0 or end > len(data):
        raise BrokenFile(f"it names {length} bytes where {len(data) - position} are left")
    return data[position:end], end


def fields_of(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer: the field's number, and a number or bytes."""
    position = 0
    while position < len(message):
        head, position = read_varint(message, position)
        value: int | bytes
        match head & 7:
            case 0:
                value, position = read_varint(message, position)
            case 1:
                raw, position = read_bytes(message, position, 8)
                (value,) = struct.unpack("<Q", raw)
            case 2:
                length, position = read_varint(message, position)
                value, position = read_bytes(message, position, length)
            case 5:
                raw, position = read_bytes(message, position, 4)
                (value,) = struct.unpack("<I", raw)
            case kind:
                raise BrokenFile(f"it has a field of the unknown kind {kind}")
        yield head >> 3, value
