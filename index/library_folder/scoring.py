"""How a library's distances are read: as scores, as percentiles, and against hubs.

All of it is a matter of the library's settings, which indexing keeps up to date (`model_notes`).
"""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.library_folder.model_notes import ModelNotes, notes_in
from index.vectors import hubness, random_pairs
from index.vectors.calibration import Calibration
from index.vectors.distances import FloatMatrix
from index.vectors.random_pairs import RandomPairs

if TYPE_CHECKING:
    from index.library_folder.open_library import LibraryReader

NOT_CALIBRATED = "The model has no calibration: scores follow from the distance alone."


class Scoring:
    """Reads the distances of one open library; what it has looked up is kept."""

    def __init__(self, library: "LibraryReader") -> None:
        self._library = library

    def scores(self, distances: NDArray[np.floating]) -> NDArray[np.float64]:
        """0…1 for distances of any shape: 1 is nearest."""
        return self.calibration.scores_at(distances)

    @cached_property
    def _notes(self) -> ModelNotes:
        return notes_in(self._library.catalogue, self._library.model)

    @cached_property
    def calibration(self) -> Calibration:
        """From distance to score, by the model that made the vectors."""
        learned = self._notes.calibration
        return learned or Calibration.uncalibrated(self._library.space)

    @cached_property
    def correction(self) -> hubness.Correction:
        """Against hubs, as the library or its model has it."""
        text = self._library.catalogue.setting(hubness.SETTING)
        return hubness.check_correction(text) if text else self._notes.correction

    @cached_property
    def random_pairs(self) -> RandomPairs:
        """How far random tracks are from each other."""
        library = self._library
        text = library.catalogue.setting(random_pairs.SETTING)
        stored = RandomPairs.from_text(text) if text else None
        fingerprint, n_tracks = library.model.fingerprint, len(library)
        if stored and stored.is_current(fingerprint, n_tracks):
            return stored
        return random_pairs.measure_random_pairs(
            library.space, self.sample, fingerprint=fingerprint, n_tracks=n_tracks
        )

    @cached_property
    def crowd(self) -> hubness.Crowd:
        """Enough tracks to say where the library is crowded."""
        store = self._library.store
        ids = random_pairs.sampled_ids(store.ids(), n_tracks=hubness.N_CROWD)
        return hubness.Crowd(ids, store.vectors(ids))

    @cached_property
    def sample(self) -> FloatMatrix:
        """The vectors [n, d] of some tracks, always the same ones."""
        return self._library.store.vectors(random_pairs.sampled_ids(self._library.store.ids()))
