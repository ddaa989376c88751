"""The results of drawing a map. JSON field names are stable: added to, never renamed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MapReport:
    """What was drawn, and how trustworthy it is."""

    path: str
    n_tracks: int
    dimensions: int
    method: str
    colour: str
    trustworthiness: float | None
    trust_sample: int
    """The number of tracks on which trustworthiness was measured."""
    n_misleading: int
    """Tracks that lie far from most of their nearest neighbours."""
    n_placed: int
    """Tracks added after the map was laid out, and placed without moving the others."""
    neighbours: int
    min_distance: float
    seed: int

    def notes(self) -> list[str]:
        """Remarks on the map, as sentences."""
        notes = []
        if self.method == "pca":
            notes.append(
                f"{self.n_tracks} tracks are too few for UMAP: the map shows principal components, "
                "and new tracks may change all of it."
            )
        if self.n_placed > self.n_tracks / 2:
            notes.append(
                f"{self.n_placed} of {self.n_tracks} tracks were added after this map was laid "
                "out. --fresh lays out all of them again."
            )
        if self.trustworthiness is not None and self.trust_sample < self.n_tracks:
            notes.append(f"Trustworthiness was measured on a sample of {self.trust_sample} tracks.")
        return notes

    def to_json(self) -> dict[str, Any]:
        """The fields by their names."""
        return {
            "path": self.path,
            "tracks": self.n_tracks,
            "dimensions": self.dimensions,
            "method": self.method,
            "colour": self.colour,
            "trustworthiness": self.trustworthiness,
            "trust_sample": self.trust_sample,
            "misleading": self.n_misleading,
            "placed": self.n_placed,
            "neighbours": self.neighbours,
            "min_distance": self.min_distance,
            "seed": self.seed,
        }
