"""CRC-32C, the checksum of LevelDB tables and TensorFlow checkpoints, with numpy.

A loop over bytes in Python would take seconds for a few megabytes. So the bytes are divided into
lanes of equal length, which one loop takes side by side, and the lanes' checksums are joined:

    crc(A + B) = advance(crc(A), len(B)) ^ crc(B)      (advance: through so many zero bytes)
"""

import math
import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78
"""Castagnoli, lowest bit first (RFC 3720, appendix B.4)."""
MASK_DELTA = 0xA282EAD8
ALL_ONES = 0xFFFFFFFF

Words = NDArray[np.uint32]


def crc32c(data: bytes) -> int:
    """The CRC-32C of some bytes."""
    lane_length = max(math.isqrt(len(data)), 1)
    n_lanes = len(data) // lane_length
    whole = np.frombuffer(data, np.uint8, n_lanes * lane_length).reshape(n_lanes, lane_length)
    lanes = np.zeros(n_lanes, dtype=np.uint32)
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)  # each bit of a state, advanced by a lane
    for column in whole.T:
        lanes = _step(lanes ^ column)
        bits = _step(bits)
    state = ALL_ONES
    advanced = bits.tolist()
    for lane in lanes.tolist():
        joined = lane
        for bit in range(32):
            if state >> bit & 1:
                joined ^= advanced[bit]
        state = joined
    rest = np.array([state], dtype=np.uint32)
    for byte in data[n_lanes * lane_length :]:
        rest = _step(rest ^ np.uint32(byte))
    return int(rest[0]) ^ ALL_ONES


def masked_crc32c(data: bytes) -> int:
    """The form in which the files store it: rotated, plus a constant."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & ALL_ONES


def stored_crc(data: bytes, position: int) -> int:
    """The checksum that stands at a position, four bytes with the lowest first."""
    (crc,) = struct.unpack_from("<I", data, position)
    return int(crc)


def _step(states: Words) -> Words:
    """States whose lowest byte is already mixed with the next byte, one byte on."""
    stepped: Words = _table()[states & np.uint32(255)] ^ (states >> np.uint32(8))
    return stepped


@cache
def _table() -> Words:
    words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        words = np.where(words & 1, (words >> 1) ^ np.uint32(POLYNOMIAL), words >> 1)
    return words.astype(np.uint32)
