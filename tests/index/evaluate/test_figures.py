"""Every figure of an evaluation against scikit-learn or a loop that anyone can check."""

import numpy as np
import pytest
from scipy.stats import skew
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from embedder.datasets.dataset import Dataset
from index.evaluate.material import Material, material_of
from index.evaluate.probe import STRENGTH
from index.evaluate.results import ModelScores
from index.evaluate.rounds import Round, Rounds, rounds_of
from index.evaluate.scoring import score
from index.evaluate.settings import EvaluationSettings
from index.evaluate.vector_set import VectorSet
from index.evaluate.votes import vote_in
from tests.index.evaluate import slow_evaluation as slow
from tests.index.evaluation_sets import dataset_of, noisy_genres, plain

K = 5
Scored = tuple[ModelScores, Material, Rounds]


def scored(dataset: Dataset, settings: EvaluationSettings) -> Scored:
    material = material_of(dataset, field=settings.field, group=settings.group)
    rounds = rounds_of(material, settings)
    vectors = plain(dataset.extra_vectors["given"])
    return score(vectors, material, rounds, settings), material, rounds


@pytest.fixture(scope="module")
def loo() -> tuple[Scored, list[str], list[str], list[int]]:
    labels, artists, vectors = noisy_genres()
    vectors[7] = vectors[20]
    duplicates = {20: 7}
    dataset = dataset_of(labels, artists, vectors, duplicates=duplicates)
    # Track 7 and 20 are one recording, and so their artists' tracks are not linked by it.
    originals = [duplicates.get(i, i) for i in range(len(labels))]
    return scored(dataset, EvaluationSettings(k=K)), labels, artists, originals


def test_retrieval_equals_a_loop(loo: tuple[Scored, list[str], list[str], list[int]]) -> None:
    """Precision, recall, MAP and NDCG at every k, with artists and copies left out."""
    (scores, material, _), labels, artists, originals = loo
    vectors = material.dataset.extra_vectors["given"]
    all_positions = list(range(len(labels)))
    ranked = [
        slow.neighbours_of(q, all_positions, vectors, artists=artists, originals=originals)
        for q in all_positions
    ]
    measures = {
        "precision": slow.precision,
        "recall": slow.recall,
        "ndcg": slow.ndcg,
        "map": slow.map_at,
    }
    for name, measure in measures.items():
        for k, value in scores.at_k[name].items():
            expected = [measure(ranked[q], labels[q], labels, k) for q in all_positions]
            assert value == pytest.approx(np.mean(expected)), (name, k)


def test_the_map_equals_scikit_learn(loo: tuple[Scored, list[str], list[str], list[int]]) -> None:
    """Mean average precision is that of the whole ranking."""
    (scores, material, _), labels, artists, originals = loo
    vectors = material.dataset.extra_vectors["given"]
    all_positions = list(range(len(labels)))
    values = []
    for q in all_positions:
        others = slow.neighbours_of(q, all_positions, vectors, artists=artists, originals=originals)
        truth = [labels[n] == labels[q] for n in others]
        nearness = [-slow.cosine_distance(vectors[q], vectors[n]) for n in others]
        values.append(average_precision_score(truth, nearness))
    assert scores.mean_average_precision.mean == pytest.approx(np.mean(values), abs=1e-6)


def test_the_vote_equals_a_loop_and_scikit_learn(
    loo: tuple[Scored, list[str], list[str], list[int]],
) -> None:
    """Accuracy, macro-F1, confusion and the per-label table follow from the same votes."""
    (scores, material, rounds), labels, artists, originals = loo
    vectors = material.dataset.extra_vectors["given"]
    all_positions = list(range(len(labels)))
    names = list(material.label_names)
    votes = vote_in(plain(vectors), material, rounds.clean[0], k=K)
    guessed = []
    for q in all_positions:
        near = slow.neighbours_of(q, all_positions, vectors, artists=artists, originals=originals)
        expected = slow.probabilities(
            q,
            near[:K],
            vectors,
            labels,
            names=names,
            references=all_positions,
            calibration=votes.calibration,
        )
        assert votes.probabilities[q] == pytest.approx(expected, abs=1e-4)
        guessed.append(names[int(np.argmax(expected))])
    assert scores.accuracy.mean == pytest.approx(np.mean(np.array(guessed) == labels))
    assert scores.macro_f1 == pytest.approx(f1_score(labels, guessed, average="macro"))
    assert scores.confusion is not None
    np.testing.assert_array_equal(scores.confusion, confusion_matrix(labels, guessed, labels=names))
    table = precision_recall_fscore_support(labels, guessed, labels=names, zero_division=0.0)
    for i, label_scores in enumerate(scores.per_label):
        expected = [column[i] for column in table]
        assert [
            label_scores.precision,
            label_scores.recall,
            label_scores.f1,
            label_scores.n_tracks,
        ] == pytest.approx(expected)


def test_a_split_equals_scikit_learns_neighbours() -> None:
    """With artists apart and labels equally frequent, it is KNeighborsClassifier's with weights."""
    labels, artists, vectors = noisy_genres(90)
    sides = ["train" if i < 60 else "test" for i in range(90)]
    scores, material, rounds = scored(
        dataset_of(labels, artists, vectors, sides=sides),  # type: ignore[arg-type]  # plain words
        EvaluationSettings(k=K, has_split=True),
    )
    rival = weighted_classifier(plain(vectors), material, rounds.clean[0])
    assert scores.n_queries == 30
    expected = np.mean(rival.predict(vectors[60:]) == material.labels[60:])
    assert scores.accuracy.mean == pytest.approx(expected)
    assert scores.leaky_accuracy == pytest.approx(scores.accuracy.mean)


def weighted_classifier(
    vector_set: VectorSet, material: Material, one_round: Round
) -> KNeighborsClassifier:
    """With the weights of a round's calibration."""
    calibration = vote_in(vector_set, material, one_round, k=K).calibration

    def weights(distances: np.ndarray) -> np.ndarray:
        return np.vectorize(lambda d: slow.weight(d, calibration))(distances)

    references = one_round.references
    classifier = KNeighborsClassifier(K, metric="cosine", weights=weights)
    return classifier.fit(vector_set.vectors[references], material.labels[references])


def test_folds_equal_scikit_learns_neighbours() -> None:
    """Each track is a query once, against the tracks of other folds."""
    labels, artists, vectors = noisy_genres(90)
    scores, material, rounds = scored(
        dataset_of(labels, artists, vectors), EvaluationSettings(k=K, n_folds=4)
    )
    right = 0
    for clean_round in rounds.clean:
        assert not set(material.groups[clean_round.queries]) & set(
            material.groups[clean_round.references]
        )
        votes = vote_in(plain(vectors), material, clean_round, k=K)
        for query, answer in zip(clean_round.queries.tolist(), votes.probabilities, strict=True):
            near = sorted(
                clean_round.references.tolist(),
                key=lambda r, q=query: slow.cosine_distance(vectors[q], vectors[r]),
            )
            expected = slow.probabilities(
                query,
                near[:K],
                vectors,
                labels,
                names=list(material.label_names),
                references=clean_round.references.tolist(),
                calibration=votes.calibration,
            )
            assert answer == pytest.approx(expected, abs=1e-4)
            right += int(np.argmax(expected)) == material.labels[query]
    np.testing.assert_array_equal(
        np.sort(np.concatenate([clean_round.queries for clean_round in rounds.clean])),
        np.arange(90),
    )
    assert scores.accuracy.mean == pytest.approx(right / 90)


def test_the_probe_equals_scikit_learn() -> None:
    """Scaling and regression are fitted on the training part alone."""
    labels, artists, vectors = noisy_genres(90)
    sides = ["train" if i < 60 else "test" for i in range(90)]
    scores, _, _ = scored(
        dataset_of(labels, artists, vectors * 40 + 7, sides=sides),  # type: ignore[arg-type]  # plain words
        EvaluationSettings(k=K, has_split=True),
    )
    scaler = StandardScaler().fit(vectors[:60] * 40 + 7)
    rival = LogisticRegression(C=STRENGTH, max_iter=500).fit(
        scaler.transform(vectors[:60] * 40 + 7), labels[:60]
    )
    expected = rival.score(scaler.transform(vectors[60:] * 40 + 7), labels[60:])
    assert scores.probe is not None
    assert scores.probe["accuracy"] == pytest.approx(expected)


def test_tagging_equals_scikit_learn() -> None:
    """For a field with several labels: AUCs of the vote's probabilities, and tag recall."""
    labels, artists, vectors = noisy_genres(80, noise=0.6)
    tags = [(label, "loud") if i % 3 else (label,) for i, label in enumerate(labels)]
    scores, material, rounds = scored(
        dataset_of(tags, artists, vectors), EvaluationSettings(k=K, group="track")
    )
    calibration = vote_in(plain(vectors), material, rounds.clean[0], k=K).calibration
    distances = [[slow.cosine_distance(a, b) for b in vectors] for a in vectors]
    order = [sorted(range(80), key=lambda j: (distances[i][j], j)) for i in range(80)]
    near = [[j for j in row if j != i][:K] for i, row in enumerate(order)]
    chances = np.array(
        [
            slow.tag_probabilities(i, row, vectors, material.tags, calibration=calibration)
            for i, row in enumerate(near)
        ]
    )
    auc = np.mean([roc_auc_score(material.tags[:, t], chances[:, t]) for t in range(5)])
    pr = np.mean([average_precision_score(material.tags[:, t], chances[:, t]) for t in range(5)])
    assert scores.tagging is not None
    assert scores.tagging["neighbours"]["roc_auc"] == pytest.approx(auc)
    assert scores.tagging["neighbours"]["pr_auc"] == pytest.approx(pr)
    guessed = chances.argmax(axis=1)
    assert scores.accuracy.mean == pytest.approx(material.tags[np.arange(80), guessed].mean())
    first = [material.tags[row[0]] > 0 for row in near]
    recall = [(f & (t > 0)).sum() / t.sum() for f, t in zip(first, material.tags, strict=True)]
    assert scores.at_k["tag_recall"][1] == pytest.approx(np.mean(recall))
    nearest = [[j for j in row if j != i] for i, row in enumerate(order)]
    for k in (1, 2, 4, 8):
        hits = [(material.tags[nearest[i][:k]] * material.tags[i]).any() for i in range(80)]
        assert scores.at_k["hit"][k] == pytest.approx(np.mean(hits))
    assert scores.confusion is None
    assert scores.macro_f1 is None


def test_hubness_and_same_artist_equal_a_loop(
    loo: tuple[Scored, list[str], list[str], list[int]],
) -> None:
    """Over all tracks, with only a track's own copies left out."""
    (scores, material, _), labels, artists, originals = loo
    vectors = material.dataset.extra_vectors["given"]
    all_positions = list(range(len(labels)))
    nobody = [""] * len(labels)
    near = [
        slow.neighbours_of(q, all_positions, vectors, artists=nobody, originals=originals)[:10]
        for q in all_positions
    ]
    counts = np.bincount(np.concatenate(near), minlength=len(labels))
    assert scores.hubness["skewness"] == pytest.approx(skew(counts))
    assert scores.hubness["orphan_share"] == pytest.approx((counts == 0).mean())
    hits = [any(artists[n] == artists[q] for n in near[q]) for q in all_positions]
    assert scores.same_artist is not None
    assert scores.same_artist["hit_rate"] == pytest.approx(np.mean(hits))


def test_intervals_draw_whole_artists() -> None:
    """One artist with all tracks right and one with all wrong: anything between is possible."""
    labels = ["jazz"] * 10 + ["rock"] * 10
    artists = ["a"] * 10 + ["b"] * 10
    vectors = np.r_[np.tile([[1.0, 0.0]], (10, 1)), np.tile([[0.0, 1.0]], (10, 1))]
    vectors = vectors + np.random.default_rng(0).normal(0, 0.01, vectors.shape)
    scores, _, _ = scored(
        dataset_of(labels, artists, vectors), EvaluationSettings(k=3, group="track")
    )
    assert (scores.accuracy.low, scores.accuracy.high) == (1.0, 1.0)
    mixed = ["jazz"] * 10 + ["rock", "jazz"] * 5
    scores, _, _ = scored(
        dataset_of(mixed, artists, vectors), EvaluationSettings(k=3, group="track")
    )
    assert scores.accuracy.high - scores.accuracy.low > 0.3
