"""Fields of several labels: votes that are divided, and how many tracks a tag has."""

from fractions import Fraction

import numpy as np

from embedder.metrics.ranking import Ranking
from index.evaluate.evaluation import evaluate
from index.evaluate.material import material_of
from index.evaluate.neighbours import vote
from index.evaluate.rounds import Round
from index.evaluate.settings import EvaluationSettings
from tests.index.evaluation_sets import dataset_of, noisy_genres

NAMES = ("a", "b", "c", "d", "e", "f")


def test_labels_with_as_many_votes_tie() -> None:
    """Thirds, quarters and sixths of a vote add up as fractions do, and the first label wins."""
    generator = np.random.default_rng(0)
    n_references, k = 200, 10
    drawn = generator.random((n_references, len(NAMES))) < 0.5
    drawn[~drawn.any(axis=1), 0] = True
    labels = [tuple(name for name, has in zip(NAMES, row, strict=True) if has) for row in drawn]
    dataset = dataset_of(labels, [""] * n_references, np.eye(n_references))
    material = material_of(dataset, field="genre", group="track")
    rows = np.array([generator.permutation(n_references)[:k] for _ in range(2000)])
    everyone = np.arange(n_references)
    ranking = Ranking(rows, np.zeros(rows.shape))
    shares = vote(material, Round(everyone, everyone), ranking)
    for neighbours, guess in zip(rows, shares.argmax(axis=1), strict=True):
        votes = [
            sum((Fraction(1, len(labels[n])) for n in neighbours if name in labels[n]), Fraction(0))
            for name in NAMES
        ]
        assert guess == votes.index(max(votes))


def test_a_tag_counts_the_tracks_that_ask() -> None:
    """As a label's row does in the table of labels."""
    labels, artists, vectors = noisy_genres(36)
    several = [(label, "loud" if i % 2 else "soft") for i, label in enumerate(labels)]
    dataset = dataset_of(
        several, artists, vectors, sides=["test" if i < 12 else "train" for i in range(36)]
    )
    found = evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, has_split=True))
    tagging = found.models[0].to_json()["tagging"]
    for scores in (tagging["neighbours"], tagging["probe"]):
        counts = {tag["tag"]: tag["n_tracks"] for tag in scores["per_tag"]}
        assert counts == {"dance": 3, "folk": 3, "jazz": 3, "rock": 3, "loud": 6, "soft": 6}
