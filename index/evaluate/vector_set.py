"""The vectors of a data set's tracks, from a model, a baseline or a library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.records import LeftOut, TrackRow
from embedder.geometry import Geometry
from embedder.metrics.ranking import Ids
from index.evaluate.copies import Prints
from index.evaluate.head import HeadAnswers

Vectors = NDArray[np.float32]
SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class VectorSet:
    """vectors: float32 [tracks, size]; positions: int64 [tracks], their rows in the data set."""

    name: str
    kind: str
    """`model`, `library` or `baseline`."""
    vectors: Vectors
    positions: Ids
    geometry: Geometry
    needs_scaling: bool = False
    """Values of different units: scaled to mean 0 and deviation 1 over the reference tracks."""
    fingerprint: str = ""
    model_folder: Path | None = None
    """The folder of the model that made them; None for other vectors, or if it is unknown."""
    failed: tuple[LeftOut, ...] = ()
    heads: Mapping[str, HeadAnswers] = field(default_factory=dict)
    """What the model's own heads say of the tracks, by label field."""
    note: str = ""
    """What a report has to say about these vectors."""
    prints: Prints = field(default_factory=dict)
    """The fingerprints of the tracks' sound, if the encoder measured them."""

    def only(self, positions: Ids) -> "VectorSet":
        """The vectors at these positions, in their order; each must exist."""
        rows = np.searchsorted(self.positions, positions)
        heads = {name: answers.rows(rows) for name, answers in self.heads.items()}
        return replace(self, vectors=self.vectors[rows], positions=positions, heads=heads)

    def finite(self, rows: Sequence[TrackRow]) -> "VectorSet":
        """Without tracks whose vector is not finite; they count as failed. rows: all tracks."""
        is_finite = np.isfinite(self.vectors).all(axis=1)
        if is_finite.all():
            return self
        finite_rows = np.flatnonzero(is_finite)
        left_out = tuple(
            LeftOut(rows[i].path or rows[i].key, "its vector is not finite")
            for i in self.positions[~is_finite].tolist()
        )
        return replace(
            self,
            vectors=self.vectors[is_finite],
            positions=self.positions[is_finite],
            failed=(*self.failed, *left_out),
            heads={name: answers.rows(finite_rows) for name, answers in self.heads.items()},
        )

    def scaled_by(self, references: Ids) -> Vectors:
        """All vectors, scaled by the mean and deviation of the references alone."""
        if not self.needs_scaling:
            return self.vectors
        fitted_on = self.vectors[references]
        mean, deviation = fitted_on.mean(axis=0), fitted_on.std(axis=0)
        scaled = (self.vectors - mean) / np.maximum(deviation, SMALLEST_DEVIATION)
        scaled[:, deviation < SMALLEST_DEVIATION] = 0.0  # a constant carries no information
        return np.asarray(scaled, dtype=np.float32)
