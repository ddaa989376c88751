"""A linear probe: how far the label can be read off frozen vectors by a plane.

Scaling and regression see the answering tracks of a round alone. For fields of several labels
it is one regression a label, scored by ROC-AUC and PR-AUC.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from embedder.metrics.tagging import TagScores, tag_scores
from embedder.metrics.voting import VoteScores, vote_scores
from index.evaluate.material import Material
from index.evaluate.rounds import Round
from index.evaluate.vector_set import VectorSet

N_ITERATIONS = 500
STRENGTH = 0.1
"""scikit-learn's C: of 0.01, 0.1 and 1 the best or nearly so on every set that was tried."""


@dataclass(frozen=True, slots=True)
class ProbeScores:
    """Of one label a track (`vote`) or of several (`tags`)."""

    vote: VoteScores | None = None
    tags: TagScores | None = None


def probe(
    vector_set: VectorSet, material: Material, rounds: tuple[Round, ...]
) -> ProbeScores | None:
    """Scores over the queries of all rounds; None where there is nothing to learn."""
    asked = [one for one in rounds if len(np.unique(material.labels[one.references])) > 1]
    if not asked:
        return None
    probabilities = np.zeros((len(material.labels), len(material.label_names)))
    for one in asked:
        learn = _each_tag if material.is_multi_label else _one_label
        probabilities[one.queries] = learn(vector_set.vectors, material, one)
    queries = np.concatenate([one.queries for one in asked])
    if material.is_multi_label:
        return ProbeScores(tags=tag_scores(probabilities[queries], material.tags[queries]))
    return ProbeScores(vote=vote_scores(probabilities[queries], material.labels[queries]))


def _one_label(vectors: NDArray[np.float32], material: Material, one: Round) -> NDArray[np.float64]:
    return _fitted(
        vectors, material.labels[one.references], one, n_labels=len(material.label_names)
    )


def _each_tag(vectors: NDArray[np.float32], material: Material, one: Round) -> NDArray[np.float64]:
    columns = []
    for tag in range(len(material.label_names)):
        truth = (material.tags[one.references, tag] > 0).astype(np.int64)
        if truth.min() == truth.max():
            columns.append(np.full(len(one.queries), float(truth[0])))
        else:
            columns.append(_fitted(vectors, truth, one, n_labels=2)[:, 1])
    return np.stack(columns, axis=1)


def _fitted(
    vectors: NDArray[np.float32], truth: NDArray[np.int64], one: Round, *, n_labels: int
) -> NDArray[np.float64]:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=N_ITERATIONS))
    with warnings.catch_warnings():
        # A probe that has nearly settled scores as one that has.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors[one.references], truth)
    probabilities = np.zeros((len(one.queries), n_labels))
    probabilities[:, model.classes_] = model.predict_proba(vectors[one.queries])
    return probabilities
