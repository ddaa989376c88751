"""MusiCNN models on disk: the checkpoint's own tensors as safetensors, and the card.

    FOLDER/card.json            kind "musicnn"; `source` says which layer is the vector
           weights.safetensors  the tensors under the names of the checkpoint

The network gives tags as well: after each vector stand the probabilities of `card.tag_head.tags`.
`kinds.musicnn` runs it in torch, `kinds.musicnn_arrays` in ONNX Runtime.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from embedder.config.model import ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.errors import CorruptArtefact, UnknownChoice, printable_path
from embedder.models.altered import refuse_altered
from embedder.models.card import Card, TagHeadRecord, write_card
from embedder.models.fingerprint import files_fingerprint
from embedder.models.kinds.network_arrays import WEIGHTS_NAME
from embedder.models.kinds.onnx_spec import MelSetUp
from embedder.networks.musicnn_weights import N_BINS, N_COLUMNS, Layer, expected_shapes
from embedder.whole_files import write_whole

SAMPLE_RATE = 16_000
MEL = MelSetUp(
    fft_size=512,
    hop_samples=256,
    n_bins=N_BINS,
    max_hz=SAMPLE_RATE / 2,
    scale="slaney",
    norm="slaney",
    compression="log10",
    multiplier=10_000.0,
    offset=1.0,
    n_columns=N_COLUMNS,
)
PATCH_SECONDS = (MEL.fft_size + (N_COLUMNS - 1) * MEL.hop_samples) / SAMPLE_RATE
"""As long as the frames of a patch, so that none reaches beyond the excerpt."""
Tensors = Mapping[str, NDArray[np.float32]]


def save_musicnn(
    folder: Path,
    tensors: Tensors,
    *,
    name: str,
    tags: tuple[str, ...],
    layer: str,
    n_excerpts: int,
    licence: str,
    description: str,
    facts: Mapping[str, Any],
) -> Card:
    """Write tensors whose shapes were checked, and the card last."""
    write_whole(folder / WEIGHTS_NAME, safetensors.numpy.save(dict(tensors)))
    sizes = {"penultimate": 200, "mean-pool": 753, "max-pool": 753}
    if layer not in sizes:
        raise UnknownChoice("layer", layer, sizes)
    config = ModelConfig(
        excerpts=ExcerptConfig(n_excerpts=n_excerpts, excerpt_seconds=PATCH_SECONDS),
        front_end=FrontEndConfig(kind="waveform", sample_rate=SAMPLE_RATE),
        embedding_size=sizes[layer],
    )
    source = {"layer": layer}
    card = Card(
        name=name,
        fingerprint=files_fingerprint(config, source, [folder / WEIGHTS_NAME]),
        config=config,
        kind="musicnn",
        licence=licence,
        description=description,
        source=source,
        facts=dict(facts),
        tag_head=TagHeadRecord(tags=tags),
    )
    write_card(folder, card)
    return card


def read_musicnn(folder: Path, card: Card) -> tuple[dict[str, NDArray[np.float32]], Layer]:
    """The tensors in a folder whose card was read, and the layer that is the vector."""
    path = folder / WEIGHTS_NAME
    refuse_altered(folder, card, [path], again="get the model again")
    try:
        tensors = safetensors.numpy.load(path.read_bytes())
    except SafetensorError as error:
        raise CorruptArtefact(f"{printable_path(path)}: not safetensors: {error}") from error
    problem = problem_of(tensors, n_tags=len(card.tag_head.tags))
    layer = card.source.get("layer")
    if problem or layer not in get_args(Layer):
        raise CorruptArtefact(f"{printable_path(folder)}: {problem or f'no layer {layer!r}'}")
    return tensors, cast("Layer", layer)


def problem_of(tensors: Tensors, *, n_tags: int) -> str:
    """What is wrong with the tensors of a network; empty if nothing is."""
    expected = expected_shapes(n_tags)
    missing = [name for name in expected if name not in tensors]
    if missing:
        return f"the tensor {missing[0]} is missing"
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            return f"{name} is {list(tensors[name].shape)}, and {list(shape)} is needed"
        if tensors[name].dtype != np.float32:
            return f"{name} is of the type {tensors[name].dtype}, and float32 is needed"
    return ""
