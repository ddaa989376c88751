"""Load a model without torch: every kind but Hugging Face models, whose code is torch's."""

from pathlib import Path

from embedder.models.card import Card, read_card
from embedder.models.graphs.layers import NoGraph
from embedder.models.loaded import ArrayModel
from embedder.models.registry import find_model

__all__ = ["NoGraph", "load_arrays"]


def load_arrays(name_or_path: str | Path) -> ArrayModel:
    """A model by its name or folder, with its fingerprint checked.

    Raises NoGraph if torch must load it, which then also says what is wrong with a damaged model.
    """
    folder = find_model(name_or_path)
    return _load_folder(folder, read_card(folder))


def _load_folder(folder: Path, card: Card) -> ArrayModel:
    if card.kind == "network":
        from embedder.models.kinds.network_arrays import load_network_arrays

        return load_network_arrays(folder, card)
    if card.kind == "onnx":
        from embedder.models.kinds.onnx_arrays import load_onnx_arrays

        return load_onnx_arrays(folder, card)
    if card.kind == "musicnn":
        from embedder.models.kinds.musicnn_arrays import load_musicnn_arrays

        return load_musicnn_arrays(folder, card)
    if card.kind == "projection":
        from embedder.models.kinds.projection_arrays import load_projection_arrays
        from embedder.models.kinds.projection_file import BASE_NAME

        base = folder / BASE_NAME
        return load_projection_arrays(folder, card, base=_load_folder(base, read_card(base)))
    if card.kind == "combined":
        from embedder.models.kinds.combined_arrays import load_combined_arrays
        from embedder.models.kinds.combined_file import member_folders

        members = [_load_folder(path, read_card(path)) for path in member_folders(folder)]
        return load_combined_arrays(folder, card, members)
    raise NoGraph(f"models of kind {card.kind!r} have no other form")
