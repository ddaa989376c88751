"""The ids of a store of vectors, and the record that describes a store."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
