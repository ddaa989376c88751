"""A table of LevelDB, which TensorFlow uses as the index of a checkpoint: keys and values, sorted.

    | block | block | … | block of handles | footer |

    block    entries, the offsets of the restarts, their number
    entry    shared, unshared, length (varints) · the key's unshared end · the value
    trailer  after each block: a byte for the compression, and a masked CRC-32C of block and byte
    footer   two handles (offset and size, varints), padded to 40 bytes, and 8 bytes of magic

Only uncompressed blocks are read: TensorFlow writes no others.
"""

from collections.abc import Iterator

from embedder.models.get.checkpoint.crc32c import masked_crc32c, stored_crc
from embedder.models.get.checkpoint.wire import BrokenFile, read_bytes, read_varint

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES = 48
TRAILER_BYTES = 5
MAX_KEY_BYTES = 4096


def table_entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each key and value of a table, in order; raises BrokenFile if anything is wrong."""
    if len(data) < FOOTER_BYTES or not data.endswith(MAGIC):
        raise BrokenFile("it does not end like an index file: it was cut off, or is another file")
    footer = data[-FOOTER_BYTES:]
    _, position = _handle(footer, 0)
    handles, _ = _handle(footer, position)
    last_key: bytes | None = None
    n_left = len(data)
    for _, handle in _entries(_block(data, *handles)):
        (offset, size), _ = _handle(handle, 0)
        n_left -= size + TRAILER_BYTES
        if n_left < 0:  # a file that names one block again and again would take hours
            raise BrokenFile("its blocks overlap")
        for key, value in _entries(_block(data, offset, size)):
            if last_key is not None and key <= last_key:
                raise BrokenFile("its keys are not in order")
            last_key = key
            yield key, value


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = read_varint(data, position)
    size, position = read_varint(data, position)
    return (offset, size), position


def _block(data: bytes, offset: int, size: int) -> bytes:
    whole, _ = read_bytes(data[: len(data) - FOOTER_BYTES], offset, size + TRAILER_BYTES)
    if masked_crc32c(whole[: size + 1]) != stored_crc(whole, size + 1):
        raise BrokenFile("a block has another checksum than it should")
    if whole[size] != 0:
        raise BrokenFile(f"a block is compressed (kind {whole[size]}), which is not supported")
    return whole[:size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise BrokenFile("a block is too short")
    end = len(block) - 4 - 4 * stored_crc(block, len(block) - 4)  # the same form of number
    if end < 0:
        raise BrokenFile("a block names more restarts than it has")
    entries = block[:end]
    position = 0
    key = b""
    while position < end:
        n_shared, position = read_varint(entries, position)
        n_unshared, position = read_varint(entries, position)
        length, position = read_varint(entries, position)
        if n_shared > len(key) or n_shared + n_unshared > MAX_KEY_BYTES:
            raise BrokenFile("a key is not possible")
        suffix, position = read_bytes(entries, position, n_unshared)
        value, position = read_bytes(entries, position, length)
        key = key[:n_shared] + suffix
        yield key, value
