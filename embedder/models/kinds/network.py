"""Trained models on disk: a folder with `weights.safetensors` and `card.json`.

Loading computes the fingerprint and refuses weights that do not match the card. It never opens a
pickle, which can run code. `registry.load_model` loads a model of any kind by name or path, and
calls this module for models that soundalike has trained.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from embedder.errors import CorruptArtefact, FingerprintMismatch, OutputExists, printable_path
from embedder.features.building import build_front_end
from embedder.models.card import CARD_NAME, Card, write_card
from embedder.models.fingerprint import network_fingerprint, short_fingerprint
from embedder.models.heads import Head, Heads, records_of, remove_heads
from embedder.models.kinds.weights import WeightBits, packed, unpacked
from embedder.models.loaded import LoadedModel
from embedder.networks.network import EmbeddingNetwork
from embedder.whole_files import write_whole

WEIGHTS_NAME = "weights.safetensors"
_NETWORK, _FRONT_END = "network.", "front_end."


def save_model(
    folder: Path,
    network: EmbeddingNetwork,
    *,
    front_end: nn.Module | None = None,
    name: str = "",
    licence: str = "",
    description: str = "",
    scores: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    tag_head: Head | None = None,
    label_head: Head | None = None,
    weight_bits: WeightBits = 32,
    replace: bool = False,
) -> Card:
    """Write a network and the front end's state to `folder`, the card last, and return the card.

    `front_end` is the front end that the network was trained with. By default it is built from the
    configuration, which is the same unless it has running statistics. `facts` and `scores` are JSON
    values. The default name is the folder's. With `weight_bits` of 16 or 8 the file is a half or a
    quarter as large, and vectors change a little.
    """
    if (folder / CARD_NAME).exists() and not replace:
        raise OutputExists(folder)
    front_end = front_end if front_end is not None else build_front_end(network.config.front_end)
    tensors = _tensors_of(network, _NETWORK) | _tensors_of(front_end, _FRONT_END)
    tensors = packed(tensors, weight_bits)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / WEIGHTS_NAME, safetensors.save(tensors))
    remove_heads(folder)  # the old model's
    tag_record, label_record = records_of(folder, Heads(label_head, tag_head))
    card = Card(
        name=name or folder.name,
        fingerprint=network_fingerprint(network.config, tensors),
        config=network.config,
        licence=licence,
        description=description,
        scores=dict(scores or {}),
        facts=dict(facts or {}),
        tag_head=tag_record,
        label_head=label_record,
    )
    write_card(folder, card)
    return card


def load_checkpoint(folder: Path, card: Card) -> LoadedModel:
    """The network and front end of a folder whose card was read, in eval mode."""
    path = folder / WEIGHTS_NAME
    tensors = _read_tensors(path)
    fingerprint = network_fingerprint(card.config, tensors)
    if fingerprint != card.fingerprint:
        raise FingerprintMismatch(
            printable_path(folder),
            found=short_fingerprint(fingerprint),
            expected=short_fingerprint(card.fingerprint),
            advice="Weights or settings were altered, or are of two models: copy the model again.",
        )
    stray = [name for name in tensors if not name.startswith((_NETWORK, _FRONT_END))]
    if stray:
        raise CorruptArtefact(f"{printable_path(path)}: unknown tensor {stray[0]!r}")
    # The meta device allocates nothing and draws no random numbers.
    with torch.device("meta"):
        network = EmbeddingNetwork(card.config)
    front_end = build_front_end(card.config.front_end)
    weights = unpacked(tensors)
    _fill(network, weights, _NETWORK, path=path)
    _fill(front_end, weights, _FRONT_END, path=path)
    # On one core, 2.5 times as fast in float32 as in torch's usual memory order.
    convert_conv2d_weight_memory_format(network, torch.channels_last)
    return LoadedModel(folder, card, front_end.eval(), network.eval())


def _tensors_of(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    # Copies, because safetensors cannot write weights in channels_last order.
    state = module.state_dict()
    return {f"{prefix}{name}": tensor.cpu().contiguous() for name, tensor in state.items()}


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.load(path.read_bytes())
    except OSError as error:
        raise CorruptArtefact(
            f"{printable_path(path)}: {error.strerror or error}. Copy the model again."
        ) from error
    except SafetensorError as error:
        raise CorruptArtefact(
            f"{printable_path(path)}: truncated or altered ({error}). Copy the model again."
        ) from error


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str, *, path: Path) -> None:
    """Give a module its tensors, or say which do not fit its configuration."""
    own_tensors = module.state_dict()
    file_tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    for name in sorted(own_tensors.keys() | file_tensors.keys()):
        file_form = _described(file_tensors.get(name))
        own_form = _described(own_tensors.get(name))
        if file_form != own_form:
            raise CorruptArtefact(
                f"{printable_path(path)}: {prefix}{name} is {file_form}, and the card's "
                f"configuration expects {own_form}"
            )
    module.load_state_dict(file_tensors, assign=True)


def _described(tensor: Tensor | None) -> str:
    if tensor is None:
        return "absent"
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
