"""How a library's distances are read: as scores, as percentiles, and against hubs.

Everything comes from the library's settings, which indexing keeps up to date (`model_notes`,
`score_fitting`).
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.library_scores import LibraryScores, scores_in
from index.library_folder.model_notes import ModelNotes, notes_in, random_pairs_in
from index.vectors import hubness, random_pairs
from index.vectors.calibration import Calibration
from index.vectors.distances import FloatMatrix
from index.vectors.random_pairs import RandomPairs
from index.vectors.score_curve import ScoreCurve, expected_curve
from index.vectors.store import IdArray
from index.vectors.usual_nearest import Closeness

NOT_CALIBRATED = (
    "The model has no calibration, and too few tracks have tags to fit one: only the order of the "
    "scores counts."
)


class Scoring:
    """Reads the distances of one open library; each value is computed once."""

    def __init__(
        self,
        catalogue: Catalogue,
        model: ModelRow,
        *,
        ids: IdArray,
        vectors: Callable[[IdArray], FloatMatrix],
    ) -> None:
        """`ids` of all vectors, ascending; `vectors` reads some of them."""
        self._catalogue = catalogue
        self._model = model
        self._ids = ids
        self._vectors = vectors
        self._space = model.space

    def scores(self, distances: NDArray[np.floating]) -> NDArray[np.float64]:
        """For distances of any shape: the probability of a label or an artist in common."""
        return self.curve.scores_at(distances)

    def closeness(self, distance: float) -> Closeness | None:
        """How near a nearest track at this distance is, for this library; None if it is small."""
        return None if self.fitted is None else self.fitted.nearest.closeness(distance)

    @property
    def is_calibrated(self) -> bool:
        """Whether scores are probabilities: fitted to this library, or at least by the model."""
        return self._is_fitted or self.calibration.is_learned

    @cached_property
    def fitted(self) -> LibraryScores | None:
        """What was fitted to this library with its model; None if nothing was."""
        stored = scores_in(self._catalogue)
        is_of_model = stored is not None and stored.state.fingerprint == self._model.fingerprint
        return stored if is_of_model else None

    @cached_property
    def curve(self) -> ScoreCurve:
        """From distance to score: fitted to the library, else expected by the model's card."""
        if self.fitted is not None and self.fitted.curve is not None:
            return self.fitted.curve
        return expected_curve(
            self.calibration, random_distances=np.asarray(self.random_pairs.quantiles)
        )

    @property
    def _is_fitted(self) -> bool:
        return self.fitted is not None and self.fitted.curve is not None

    @cached_property
    def _notes(self) -> ModelNotes:
        return notes_in(self._catalogue, self._model)

    @cached_property
    def calibration(self) -> Calibration:
        """The model's own curve, of as many alike pairs as others."""
        return self._notes.calibration or Calibration.uncalibrated(self._space)

    @cached_property
    def correction(self) -> hubness.Correction:
        """The correction against hubs: the library's setting, else the model's."""
        return correction_in(self._catalogue) or self._notes.correction

    @cached_property
    def random_pairs(self) -> RandomPairs:
        """How far random tracks are from each other."""
        stored = random_pairs_in(self._catalogue)
        fingerprint, n_tracks = self._model.fingerprint, len(self._ids)
        if stored and stored.is_current(fingerprint, n_tracks):
            return stored
        return random_pairs.measure_random_pairs(
            self._space, self.sample, fingerprint=fingerprint, n_tracks=n_tracks
        )

    @cached_property
    def crowd(self) -> hubness.Crowd:
        """Enough tracks to say where the library is crowded."""
        ids = random_pairs.sampled_ids(self._ids, n_tracks=hubness.N_CROWD)
        return hubness.Crowd(ids, self._vectors(ids))

    @cached_property
    def sample(self) -> FloatMatrix:
        """The vectors [n, d] of some tracks, always the same ones."""
        return self._vectors(random_pairs.sampled_ids(self._ids))


def correction_in(catalogue: Catalogue) -> hubness.Correction | None:
    """The library's own correction against hubs; None if it has none."""
    advice = "'soundalike library rebuild --hubness model' sets it anew."
    return catalogue.parsed_setting(hubness.SETTING, hubness.check_correction, advice=advice)
