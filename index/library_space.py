"""In which geometry a catalogue's vectors are compared."""

from typing import cast

from embedder.config.model import GeometryKind
from index.catalogue.catalogue import ModelRow
from index.vectors.distances import Space


def space_of(model: ModelRow) -> Space:
    """The geometry of a model's vectors."""
    return Space(cast("GeometryKind", model.geometry), model.curvature)
