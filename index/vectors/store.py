"""What every store of vectors can do, wherever the vectors are kept.

The FAISS store serves one machine; the same interface stands in front of a vector database.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix

IdArray = NDArray[np.int64]

NO_TRACK = -1
"""In the place of an id where fewer hits exist than were asked for; its distance is infinite."""


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
    """Vectors by track id, and which of them are near."""

    def search(
        self, queries: FloatMatrix, k: int, *, allowed_ids: IdArray | None = None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest to queries [n, d]: distances and ids [n, k], nearest first.

        With `allowed_ids`, only among them; k results whenever k exist.
        """
        ...

    def vectors(self, ids: IdArray) -> FloatMatrix:
        """The exact vectors [n, d] of tracks; raises KeyError for one that is not here."""
        ...

    def ids(self) -> IdArray:
        """The ids of all vectors, ascending."""
        ...

    def add(self, ids: IdArray, vectors: FloatMatrix) -> None:
        """Keep vectors [n, d] under ids; one that is here already is replaced."""
        ...

    def remove(self, ids: IdArray) -> None:
        """Forget tracks; one that is not here is no error."""
        ...

    def info(self) -> StoreInfo:
        """How the vectors are kept."""
        ...
