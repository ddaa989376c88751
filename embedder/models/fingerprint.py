"""The digest that identifies the model of a vector.

It covers names, types, shapes and values of the tensors, and the settings of excerpts, front end
and network. It does not cover the card's facts, so that a new licence line does not make a library
useless. Settings with their default value are left out, so that a setting that is added later does
not change old fingerprints. (So the meaning of a default must never change.)
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedder.config.loading import from_dict, to_dict
from embedder.config.model import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

SHORT_LENGTH = 12
"""Hexadecimal digits in messages: 48 bits distinguish any number of models."""


def network_fingerprint(config: ModelConfig, tensors: Mapping[str, "Tensor"]) -> str:
    """64 hexadecimal digits for a network and its front end."""
    digest = hashlib.sha256(_settings(config))
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        type_name = str(tensor.dtype).removeprefix("torch.")
        _add(digest, name, type_name, _array_of(tensor, type_name))
    return digest.hexdigest()


def arrays_fingerprint(config: ModelConfig, arrays: Mapping[str, NDArray[Any]]) -> str:
    """`network_fingerprint` of tensors that were read as numpy arrays."""
    digest = hashlib.sha256(_settings(config))
    for name in sorted(arrays):
        _add(digest, name, arrays[name].dtype.name, arrays[name])
    return digest.hexdigest()


def files_fingerprint(config: ModelConfig, source: Mapping[str, Any], paths: Iterable[Path]) -> str:
    """64 hexadecimal digits for an imported model: names and contents of its files, and `source`,
    which describes input and output.
    """
    digest = hashlib.sha256(_settings(config))
    digest.update(json.dumps(source, sort_keys=True).encode())
    for path in sorted(paths, key=lambda path: path.name):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(json.dumps([path.name, content]).encode())
    return digest.hexdigest()


def short_fingerprint(fingerprint: str) -> str:
    """The form for people: the first twelve digits."""
    return fingerprint[:SHORT_LENGTH]


def _settings(config: ModelConfig) -> bytes:
    # Via plain values: a setting 2 that should be 2.0 is read from the card as 2.0.
    normal = from_dict(ModelConfig, to_dict(config))
    return json.dumps(_beside_defaults(normal), sort_keys=True).encode()


def _beside_defaults(config: Any) -> dict[str, Any]:
    default = type(config)()
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            below = _beside_defaults(value)
            if below or getattr(default, field.name) is None:
                changed[field.name] = below
        elif value != getattr(default, field.name):
            changed[field.name] = _of_each(value) if isinstance(value, tuple) else value
    return changed


def _of_each(values: tuple[Any, ...]) -> list[Any]:
    return [_beside_defaults(v) if dataclasses.is_dataclass(v) else v for v in values]


def _add(digest: "hashlib._Hash", name: str, type_name: str, array: NDArray[Any]) -> None:
    digest.update(json.dumps([name, type_name, list(array.shape)]).encode())
    ordered = np.ascontiguousarray(array)
    digest.update(ordered.astype(ordered.dtype.newbyteorder("<"), copy=False).tobytes())


def _array_of(tensor: "Tensor", type_name: str) -> NDArray[Any]:
    tensor = tensor.contiguous()
    if type_name == "bfloat16":  # numpy has no such type
        import torch

        tensor = tensor.view(torch.int16)
    array: NDArray[Any] = tensor.numpy()
    return array
