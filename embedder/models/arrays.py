"""Load a model without torch: trained networks and imported ONNX files."""

from pathlib import Path

from embedder.models.card import read_card
from embedder.models.graphs.layers import NoGraph
from embedder.models.loaded import ArrayModel
from embedder.models.registry import find_model

__all__ = ["NoGraph", "load_arrays"]


def load_arrays(name_or_path: str | Path) -> ArrayModel:
    """A model by its name or folder, with its fingerprint checked.

    Raises NoGraph if only torch can load it, and whatever is wrong with an ONNX model.
    """
    folder = find_model(name_or_path)
    card = read_card(folder)
    if card.kind == "network":
        from embedder.models.kinds.network_arrays import load_network_arrays

        return load_network_arrays(folder, card)
    if card.kind == "onnx":
        from embedder.models.kinds.onnx_arrays import load_onnx_arrays

        return load_onnx_arrays(folder, card)
    raise NoGraph(f"models of kind {card.kind!r} have no other form")
