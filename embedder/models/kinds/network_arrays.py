"""Our trained models without torch: a numpy front end, and the network in ONNX Runtime.

The ONNX graph is written from the weights at each loading (`models.graphs`). NoGraph is raised for
whatever is not plain: `kinds.network` then loads the model with torch, or says what is wrong.
"""

from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from embedder.config.model import ModelConfig
from embedder.features.arrays.building import build_array_front_end
from embedder.features.arrays.normalising import RowStatistics
from embedder.features.axes import n_rows_of
from embedder.models.card import Card
from embedder.models.fingerprint import arrays_fingerprint
from embedder.models.graphs.layers import NoGraph
from embedder.models.graphs.network import INPUT_NAME, network_file
from embedder.models.graphs.session import GraphSession
from embedder.models.kinds.packed_arrays import unpacked_arrays
from embedder.models.loaded import ArrayModel, Floats
from embedder.networks.stages import check_input, least_columns

WEIGHTS_NAME = "weights.safetensors"
_NETWORK, _FRONT_END = "network.", "front_end."


class NetworkSession:
    """A front end's output [batch, rows, columns] to vectors [batch, embedding_size]."""

    def __init__(self, config: ModelConfig, data: bytes) -> None:
        self._n_rows = n_rows_of(config.front_end)
        self._least_columns = max(map(least_columns, (config.backbone, *config.beside)))
        if config.backbone.row_statistics:
            self._least_columns = max(self._least_columns, 2)
        self._session = GraphSession(data, input_name=INPUT_NAME)

    def __call__(self, features: Floats) -> Floats:
        """Run the network; refuses what the torch form refuses."""
        check_input(features.shape, n_rows=self._n_rows, least=self._least_columns)
        return self._session.run(features)


def load_network_arrays(folder: Path, card: Card) -> ArrayModel:
    """The model in a folder whose card was read; raises NoGraph if torch must load it."""
    try:
        packed = safetensors.numpy.load((folder / WEIGHTS_NAME).read_bytes())
    except (OSError, SafetensorError, KeyError, TypeError, AttributeError) as error:
        # Damaged, or in bfloat16, which numpy has not.
        raise NoGraph(f"the weights cannot be read as arrays: {error}") from error
    if arrays_fingerprint(card.config, packed) != card.fingerprint:
        raise NoGraph("the weights do not fit the card")
    arrays = unpacked_arrays(packed)
    stray = [name for name in arrays if not name.startswith((_NETWORK, _FRONT_END))]
    if stray:
        raise NoGraph(f"the tensor {stray[0]} has no place")
    network = _below(arrays, _NETWORK)
    session = NetworkSession(card.config, network_file(card.config, network))
    front_end = build_array_front_end(
        card.config.front_end, _statistics(_below(arrays, _FRONT_END), card.config)
    )
    return ArrayModel(folder, card, front_end, session)


def _statistics(arrays: dict[str, NDArray[Any]], config: ModelConfig) -> RowStatistics | None:
    if config.front_end.normalisation != "running":
        return None
    names = ("normalisation.mean", "normalisation.variance")
    if any(name not in arrays for name in names):
        raise NoGraph("the front end's statistics are missing")
    mean, variance = (arrays[name].astype(np.float32) for name in names)
    if not mean.shape == variance.shape == (n_rows_of(config.front_end),):
        raise NoGraph("the front end's statistics do not fit")
    return RowStatistics(mean, variance)


def _below(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
