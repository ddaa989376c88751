"""Write an ONNX file: the few messages of its format that a network needs.

A field is a key (its number and type) and a value: a variable-length integer, or bytes after their
length (https://protobuf.dev/programming-guides/encoding). The numbers of the fields are those of
onnx.proto. The `onnx` package would write the same, but importing it takes as long as loading a
model.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 17
_VARINT, _BYTES, _FLOAT = 0, 2, 5
_FLOAT32, _INT64 = 1, 7
_ELEMENT_TYPES = {np.dtype(np.float32): _FLOAT32, np.dtype(np.int64): _INT64}

Attribute = int | float | str | Sequence[int]
Array = NDArray[np.float32] | NDArray[np.int64]
Shape = Sequence[int | str]
Chunks = list[bytes | memoryview]
"""Parts of a message, one after the other."""


def tensor(name: str, array: Array) -> Chunks:
    """A TensorProto with a name and values, which are not copied."""
    little_endian = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    head = b"".join(
        [
            *(_number(1, size) for size in array.shape),
            _number(2, _ELEMENT_TYPES[array.dtype]),
            _text(8, name),
            _head(9, array.nbytes),
        ]
    )
    return [head, little_endian.reshape(-1).view(np.uint8).data]


def node(
    kind: str, inputs: Iterable[str], output: str, attributes: Mapping[str, Attribute]
) -> bytes:
    """A NodeProto with one output."""
    return b"".join(
        [
            *(_text(1, name) for name in inputs),
            _text(2, output),
            _text(3, output),
            _text(4, kind),
            *(_block(5, _attribute(name, value)) for name, value in attributes.items()),
        ]
    )


def port(name: str, shape: Shape) -> bytes:
    """A ValueInfoProto of float32; a word in the shape stands for any size."""
    sizes = [
        _block(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape
    ]
    tensor_type = _number(1, _FLOAT32) + _block(2, b"".join(sizes))
    return _text(1, name) + _block(2, _block(1, tensor_type))


def model(
    *, nodes: Iterable[bytes], tensors: Iterable[Chunks], inputs: bytes, outputs: bytes, name: str
) -> bytes:
    """A ModelProto with one input and one output."""
    graph: Chunks = [*(_block(1, part) for part in nodes), _text(2, name)]
    for chunks in tensors:
        graph += [_head(5, _size(chunks)), *chunks]
    graph += [_block(11, inputs), _block(12, outputs)]
    operators = _text(1, "") + _number(2, OPSET)
    # The weights are copied only here.
    return b"".join(
        [
            _number(1, IR_VERSION),
            _text(2, "soundalike"),
            _head(7, _size(graph)),
            *graph,
            _block(8, operators),
        ]
    )


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    match value:
        case int():
            return head + _number(3, value) + _number(20, 2)
        case float():
            return head + _key(2, _FLOAT) + np.array(value, dtype="<f4").tobytes() + _number(20, 1)
        case str():
            return head + _text(4, value) + _number(20, 3)
    return head + b"".join(_number(8, item) for item in value) + _number(20, 7)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


@lru_cache(maxsize=4096)  # a graph has a few words and keys, thousands of times
def _text(field: int, value: str) -> bytes:
    return _block(field, value.encode())


def _block(field: int, content: bytes) -> bytes:
    return _head(field, len(content)) + content


def _head(field: int, n_bytes: int) -> bytes:
    """What stands before so many bytes."""
    return _key(field, _BYTES) + _varint(n_bytes)


def _size(chunks: Chunks) -> int:
    return sum(len(chunk) for chunk in chunks)


@lru_cache(maxsize=256)
def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers are written as their two's complement
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
