"""Reading TensorFlow checkpoints: whole ones, and cut, swapped, altered and hostile ones."""

import struct

import numpy as np
import pytest

from embedder.models.get.checkpoint.bundle import read_checkpoint, read_index
from embedder.models.get.checkpoint.crc32c import crc32c, masked_crc32c
from embedder.models.get.checkpoint.table import table_entries
from embedder.models.get.checkpoint.wire import BrokenFile, fields_of, read_varint
from tests.embedder.models.get.checkpoint_files import (
    HEADER,
    Tensors,
    block,
    checkpoint,
    entry,
    random_tensors,
    table,
    varint,
)

SHAPES = {f"layer_{number}/{part}": (3, number + 1) for number in range(9) for part in ("a", "b")}
TENSORS = random_tensors(SHAPES)


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # RFC 3720, appendix B.4
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_checksums_are_the_published_ones(data: bytes, crc: int) -> None:
    """CRC-32C of the examples of the standard."""
    assert crc32c(data) == crc


def test_every_tensor_comes_back() -> None:
    """Names with shared beginnings in several blocks, and scalars, keep their values."""
    tensors: Tensors = TENSORS | {"scalar": np.float32(2.5).reshape(())}
    read = read_checkpoint(*checkpoint(tensors))
    assert sorted(read) == sorted(tensors)
    assert all(np.array_equal(read[name], tensors[name]) for name in tensors)
    assert read["scalar"].shape == ()


def test_unwanted_tensors_are_not_read() -> None:
    """A tensor of another type may stand in the file if nobody wants it."""
    index_data, data = checkpoint(TENSORS)
    read = read_checkpoint(index_data, data[: len(data) // 2], wanted=lambda name: "_0/" in name)
    assert sorted(read) == ["layer_0/a", "layer_0/b"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_cut_index_is_refused(share: float) -> None:
    """Wherever it was cut off."""
    index_data, data = checkpoint(TENSORS)
    with pytest.raises(BrokenFile, match="cut off"):
        read_checkpoint(index_data[: int(share * len(index_data))], data)


def test_cut_data_is_refused() -> None:
    """The last tensor is not whole."""
    index_data, data = checkpoint(TENSORS)
    with pytest.raises(BrokenFile, match="ends before layer_8/b: it was cut off"):
        read_checkpoint(index_data, data[:-1])


def test_swapped_data_is_refused() -> None:
    """The data file of another checkpoint with the same shapes."""
    index_data, _ = checkpoint(TENSORS)
    _, other = checkpoint(random_tensors(SHAPES, seed=1))
    with pytest.raises(BrokenFile, match="another checksum"):
        read_checkpoint(index_data, other)


def test_an_altered_index_is_refused() -> None:
    """A flipped bit anywhere before the footer, or there."""
    index_data, data = checkpoint(TENSORS)
    generator = np.random.default_rng(0)
    for position in generator.integers(0, len(index_data) - 48, 40).tolist():
        altered = bytearray(index_data)
        altered[position] ^= 16
        try:
            read = read_checkpoint(bytes(altered), data)
        except BrokenFile:
            continue
        # The empty block of further entries is not read, and need not be whole.
        assert sorted(read) == sorted(TENSORS)


def test_random_bytes_raise_nothing_else() -> None:
    """Whatever stands in a block, the error is BrokenFile."""
    generator = np.random.default_rng(1)
    for _ in range(300):
        noise = generator.integers(0, 256, generator.integers(0, 60), dtype=np.uint8).tobytes()
        for entries in ([(b"", noise)], [(b"", HEADER), (b"a", noise)]):
            try:
                read_checkpoint(table(entries), b"")
            except BrokenFile:
                continue


def test_a_compressed_block_is_refused() -> None:
    """The byte after a block says how it is compressed."""
    index_data = bytearray(table([(b"", HEADER)]))
    size = len(block([(b"", HEADER)]))
    index_data[size] = 1
    index_data[size + 1 : size + 5] = struct.pack(
        "<I", masked_crc32c(bytes(index_data[: size + 1]))
    )
    with pytest.raises(BrokenFile, match="compressed"):
        list(table_entries(bytes(index_data)))


def test_a_tensor_larger_than_its_bytes_is_refused() -> None:
    """A shape of many gigabytes is refused before anything of that size is made."""
    tensor = np.zeros((2, 2), dtype=np.float32)
    told = entry(tensor, 0).replace(b"\x12\x02\x08\x02", b"\x12\x06\x08" + varint(2**31), 1)
    told = told.replace(b"\x12\x08", b"\x12" + varint(12), 1)
    with pytest.raises(BrokenFile, match="its shape"):
        read_checkpoint(table([(b"", HEADER), (b"huge", told)]), tensor.tobytes())


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"\x18\x01", "another data file"),
        (b"\x08\x02", "only float32"),
        (b"\x3a\x00", "not supported"),
    ],
)
def test_what_is_not_supported_is_refused(field: bytes, reason: str) -> None:
    """Several data files, other types, and slices of tensors."""
    tensor = np.zeros(2, dtype=np.float32)
    index_data = table([(b"", HEADER), (b"x", entry(tensor, 0) + field)])
    with pytest.raises(BrokenFile, match=reason):
        read_checkpoint(index_data, tensor.tobytes())


def test_an_index_needs_a_header() -> None:
    """Other tables than a checkpoint's index are refused."""
    with pytest.raises(BrokenFile, match="no header"):
        read_index(table([(b"x", entry(np.zeros(1, dtype=np.float32), 0))]))
    with pytest.raises(BrokenFile, match="several files"):
        read_index(table([(b"", b"\x08\x02")]))


def test_values_that_are_not_finite_are_refused() -> None:
    """A network with them would give no vectors."""
    with pytest.raises(BrokenFile, match="not finite"):
        read_checkpoint(*checkpoint({"x": np.array([1, np.nan], dtype=np.float32)}))


def test_numbers_end() -> None:
    """A varint has at most ten bytes, and a field its kind."""
    with pytest.raises(BrokenFile, match="64 bits"):
        read_varint(b"\xff" * 11, 0)
    with pytest.raises(BrokenFile, match="unknown kind"):
        list(fields_of(b"\x0b"))
