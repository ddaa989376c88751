"""What every store of vectors does, wherever its files are, and the record that describes one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix, Space
from index.vectors.kinds import StoreSettings
from index.vectors.store_file import StoreSource

IdArray = NDArray[np.int64]

NO_TRACK = -1
"""Fills the ids of a search with too few hits; its distance is infinite."""


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """How the vectors are kept, for `library info`."""

    kind: str
    n_vectors: int
    n_removed: int
    embedding_size: int
    search_effort: int
    file_bytes: int
    is_memory_mapped: bool

    def to_json(self) -> dict[str, object]:
        """The fields by their names."""
        return {
            "kind": self.kind,
            "n_vectors": self.n_vectors,
            "n_removed": self.n_removed,
            "embedding_size": self.embedding_size,
            "search_effort": self.search_effort,
            "file_bytes": self.file_bytes,
            "is_memory_mapped": self.is_memory_mapped,
        }


class VectorStore(Protocol):
    """The vectors of one model by track id, which can be searched and changed.

    Changes are in memory until `save` writes them. Distances and the order of results are those of
    the exact vectors; ties are ordered by id.
    """

    space: Space
    source: StoreSource | None
    """What its saved form was made from; None if it was never saved."""

    def search(
        self, queries: FloatMatrix, k: int, *, allowed_ids: IdArray | None = None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest to queries [n, d]: distances and ids [n, k]; infinity and -1 if fewer."""

    def ids(self) -> IdArray:
        """The ids of all vectors, ascending."""

    def vectors(self, ids: IdArray) -> FloatMatrix:
        """The exact vectors [n, d] of tracks, in their order; raises KeyError for an unknown id."""

    def add(self, ids: IdArray, vectors: FloatMatrix) -> None:
        """Add vectors [n, d] with ids; vectors with the same ids are replaced."""

    def remove(self, ids: IdArray) -> None:
        """Remove tracks; an unknown id is no error."""

    def save(self, path: Path, source: StoreSource) -> None:
        """Write the changes; `path` names the store from then on."""

    def verify(self) -> None:
        """Read everything; raises CorruptArtefact if it is not what was written."""

    def info(self) -> StoreInfo:
        """The kind and size of the store."""

    def is_outgrown(self, settings: StoreSettings) -> bool:
        """Whether it should be built anew."""
