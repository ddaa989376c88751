"""The vectors of a data set's tracks, whoever made them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.records import LeftOut, TrackRow
from embedder.geometry import Geometry
from embedder.metrics.ranking import Ids

Vectors = NDArray[np.float32]
SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class VectorSet:
    """vectors: float32 [tracks, size]; positions: int64 [tracks], where they stand in the set."""

    name: str
    kind: str
    """`model`, `library` or `baseline`."""
    vectors: Vectors
    positions: Ids
    geometry: Geometry
    needs_scaling: bool = False
    """Values of unlike units: each is brought to mean 0 and deviation 1 of the answering tracks."""
    fingerprint: str = ""
    model_folder: Path | None = None
    """Where the model is that made them, if it is one and is still there."""
    failed: tuple[LeftOut, ...] = ()

    def only(self, positions: Ids) -> "VectorSet":
        """Of these tracks alone, in their order; each must be there."""
        at = np.searchsorted(self.positions, positions)
        return replace(self, vectors=self.vectors[at], positions=positions)

    def finite(self, rows: Sequence[TrackRow]) -> "VectorSet":
        """Without tracks whose vector is not finite; they count as failed. rows: of all tracks."""
        fit = np.isfinite(self.vectors).all(axis=1)
        if fit.all():
            return self
        unfit = tuple(
            LeftOut(rows[i].path or rows[i].key, "its vector is not finite")
            for i in self.positions[~fit].tolist()
        )
        return replace(
            self,
            vectors=self.vectors[fit],
            positions=self.positions[fit],
            failed=(*self.failed, *unfit),
        )

    def scaled_by(self, references: Ids) -> Vectors:
        """All vectors, with a scaling that only the references were asked for."""
        if not self.needs_scaling:
            return self.vectors
        known = self.vectors[references]
        deviation = known.std(axis=0)
        scaled = (self.vectors - known.mean(axis=0)) / np.maximum(deviation, SMALLEST_DEVIATION)
        scaled[:, deviation < SMALLEST_DEVIATION] = 0.0  # a constant says nothing
        return np.asarray(scaled, dtype=np.float32)
