"""Writes TensorFlow checkpoints and wheels as the real ones are, for tests of reading them."""

import hashlib
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.models.get.checkpoint.crc32c import masked_crc32c
from embedder.models.get.checkpoint.table import MAGIC
from embedder.models.get.offers import OFFERS, Offer
from embedder.networks.musicnn_weights import expected_shapes

Tensors = Mapping[str, NDArray[np.float32]]
HEADER = bytes([8, 1])  # one data file
RESTART_AFTER = 3


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Entries with shared beginnings of keys, and their restarts."""
    body, restarts, last = b"", [], b""
    for number, (key, value) in enumerate(entries):
        n_shared = 0
        if number % RESTART_AFTER == 0:
            restarts.append(len(body))
        else:
            while n_shared < min(len(key), len(last)) and key[n_shared] == last[n_shared]:
                n_shared += 1
        lengths = varint(n_shared) + varint(len(key) - n_shared) + varint(len(value))
        body += lengths + key[n_shared:] + value
        last = key
    return body + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(entries: list[tuple[bytes, bytes]], *, per_block: int = 5) -> bytes:
    """A whole table: blocks, the block of their handles, and the footer."""
    data, handles = b"", []

    def append(content: bytes) -> bytes:
        nonlocal data
        handle = varint(len(data)) + varint(len(content))
        with_kind = content + b"\0"
        data += with_kind + struct.pack("<I", masked_crc32c(with_kind))
        return handle

    for start in range(0, len(entries), per_block):
        some = entries[start : start + per_block]
        handles.append((some[-1][0], append(block(some))))
    footer = append(block([])) + append(block(handles))
    return data + footer.ljust(40, b"\0") + MAGIC


def entry(tensor: NDArray[np.float32], offset: int) -> bytes:
    """The protocol buffer of a tensor's entry."""
    sizes = [b"\x08" + varint(size) for size in tensor.shape]
    shape = b"".join(b"\x12" + varint(len(size)) + size for size in sizes)
    return (
        b"\x08\x01"
        + b"\x12"
        + varint(len(shape))
        + shape
        + b"\x20"
        + varint(offset)
        + b"\x28"
        + varint(tensor.nbytes)
        + b"\x35"
        + struct.pack("<I", masked_crc32c(tensor.tobytes()))
    )


def checkpoint(tensors: Tensors) -> tuple[bytes, bytes]:
    """The index file and the data file of some tensors."""
    data, entries = b"", [(b"", HEADER)]
    for name in sorted(tensors):
        entries.append((name.encode(), entry(tensors[name], len(data))))
        data += tensors[name].tobytes()
    return table(entries), data


def random_tensors(
    shapes: Mapping[str, tuple[int, ...]], *, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Tensors of a network that computes sensible numbers; some filters are dead, as in real ones.

    Batch normalisations have factors of both signs.
    """
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in sorted(shapes.items()):
        values = generator.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 1))
        if name.endswith("variance"):
            values = np.abs(values) + 0.5
        if name.startswith("conv2d") and name.endswith("kernel"):
            values[..., ::3] *= 1e-30
        tensors[name] = values.astype(np.float32)
    return tensors


def synthetic_wheel(path: Path, *, n_tags: int = 4) -> Offer:
    """A wheel with a random network of the published shapes, and the offer that describes it."""
    real = OFFERS["musicnn"]
    index_data, tensor_data = checkpoint(random_tensors(expected_shapes(n_tags), seed=3))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{real.folder}/.index", index_data)
        archive.writestr(f"{real.folder}/.data-00000-of-00001", tensor_data)
        archive.writestr(real.wheel.licence_file, "Permission to use, copy … is hereby granted")
    return synthetic_offer(path, n_tags=n_tags)


def synthetic_offer(path: Path, *, n_tags: int = 4) -> Offer:
    """The offer that describes a synthetic wheel."""
    real = OFFERS["musicnn"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    wheel = replace(real.wheel, sha256=digest, n_bytes=path.stat().st_size)
    tags = ("Jazz", "rock", "Mellow", "piano")[:n_tags]
    return replace(real, wheel=wheel, tags=tags)
