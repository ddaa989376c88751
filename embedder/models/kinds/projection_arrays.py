"""Projections without torch: the encoder as arrays, and one or two linear layers in numpy.

NoGraph is raised for whatever does not fit: `kinds.projection` then says what is wrong.
"""

from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from embedder.config.model import ModelConfig
from embedder.models.array_geometry import projected
from embedder.models.card import Card
from embedder.models.fingerprint import files_fingerprint
from embedder.models.graphs.layers import NoGraph
from embedder.models.kinds.projection_file import PROJECTION_NAME
from embedder.models.loaded import ArrayModel, ArrayNetworkCall, Floats


class ProjectionArrays:
    """The output of the encoder's front end to vectors [batch, embedding_size]."""

    def __init__(
        self, base: ArrayNetworkCall, config: ModelConfig, tensors: dict[str, Floats]
    ) -> None:
        self.base = base
        self.config = config
        self.mean, self.deviation = tensors["mean"], tensors["deviation"]
        numbers = sorted(int(name.split(".")[1]) for name in tensors if name.endswith(".weight"))
        self.layers = [
            (tensors[f"layers.{n}.weight"], tensors[f"layers.{n}.bias"]) for n in numbers
        ]

    def __call__(self, features: Floats) -> Floats:
        """Encode, standardise, project."""
        # A network that tags gives probabilities after each vector.
        values = self.base(features)[:, : len(self.mean)]
        values = (values - self.mean) / self.deviation
        for number, (weight, bias) in enumerate(self.layers):
            if number:
                values = np.maximum(values, 0)
            values = values @ weight.T + bias
        return projected(values, self.config.geometry, curvature=self.config.curvature)


def load_projection_arrays(folder: Path, card: Card, *, base: ArrayModel) -> ArrayModel:
    """The model in a folder whose card was read and whose encoder was loaded."""
    path = folder / PROJECTION_NAME
    try:
        tensors = safetensors.numpy.load(path.read_bytes())
    except (OSError, SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise NoGraph(f"the projection cannot be read as arrays: {error}") from error
    is_intact = (
        base.fingerprint == card.source.get("base")
        and files_fingerprint(card.config, card.source, [path]) == card.fingerprint
    )
    hidden_size = int(card.source.get("hidden_size", 0))
    n_inputs, size = base.embedding_size, card.config.embedding_size
    shapes: dict[str, tuple[int, ...]] = {"mean": (n_inputs,), "deviation": (n_inputs,)}
    if hidden_size:
        shapes |= _linear("layers.0", n_inputs, hidden_size)
    last = "layers.2" if hidden_size else "layers.0"
    shapes |= _linear(last, hidden_size or n_inputs, size)
    if not is_intact or {name: array.shape for name, array in tensors.items()} != shapes:
        raise NoGraph("the projection does not fit the card")
    network = ProjectionArrays(base.network, card.config, tensors)
    return ArrayModel(folder, card, base.front_end, network)


def _linear(name: str, n_inputs: int, n_outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (n_outputs, n_inputs), f"{name}.bias": (n_outputs,)}
