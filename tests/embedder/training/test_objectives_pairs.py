"""Pairs and triplets of losses: agreement with pytorch-metric-learning, and laws."""

from typing import get_args

import numpy as np
import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss, ProxyAnchorLoss
from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner

from embedder.config.objectives import Mining, ObjectiveConfig, RelationKind
from embedder.errors import DatasetError, UnknownChoice
from embedder.geometry import geometry_of
from embedder.training.objectives.mining import mine_triplets, negative_weights
from embedder.training.objectives.pairs import info_nce
from embedder.training.objectives.proxies import ProxyObjective
from embedder.training.objectives.relations import PairMasks, build_relation
from embedder.training.objectives.tags import tag_similarity, tag_weights
from embedder.training.objectives.targets import (
    BatchTargets,
    TargetFacts,
    TrackTargets,
    standardised,
)
from tests.embedder.training.objective_cases import built, data, vectors


@pytest.mark.parametrize("relation", get_args(RelationKind))
def test_masks_are_symmetric_exclusive_and_off_the_diagonal(relation: RelationKind) -> None:
    """Masks of every relation have these properties."""
    tracks = data()
    rule = build_relation(ObjectiveConfig(relations=(relation,)), tracks.facts())
    masks = rule(tracks.batch([*range(12), *range(12)]))
    assert bool(masks.positive.any())
    for mask in (masks.positive, masks.negative):
        assert bool((mask == mask.T).all())
        assert not bool(mask.diagonal().any())
    assert not bool((masks.positive & masks.negative).any())


def test_several_relations_are_positive_if_any_is() -> None:
    """Two tracks by one artist are positive even if their labels differ."""
    targets = BatchTargets(labels=torch.tensor([0, 1, 1, -1]), artists=torch.tensor([0, 0, 1, 2]))
    rule = build_relation(ObjectiveConfig(relations=("label", "artist")), TargetFacts())
    masks = rule(targets)
    assert masks.positive.nonzero().tolist() == [[0, 1], [1, 0], [1, 2], [2, 1]]
    assert bool(masks.negative[0, 2])
    assert bool(masks.negative[0, 3])  # the label is unknown, the artist is another


def test_near_pairs_are_the_share_that_the_settings_say() -> None:
    """5 % of all pairs are positive, and half are negative."""
    draw = np.random.default_rng(0)
    tracks = TrackTargets(features=draw.normal(size=(300, 5)).astype(np.float32))
    rule = build_relation(ObjectiveConfig(relations=("handcrafted",)), tracks.facts())
    masks = rule(tracks.batch(np.arange(300)))
    pairs = 300 * 299
    assert float(masks.positive.sum()) / pairs == pytest.approx(0.05, abs=0.01)
    assert float(masks.negative.sum()) / pairs == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("mining", ["all", "semi-hard", "hard"])
def test_miners_agree_with_the_library_on_plain_labels(mining: Mining) -> None:
    """The triplets equal those of pytorch-metric-learning's miner."""
    draw = np.random.default_rng(0)
    labels = torch.from_numpy(draw.integers(0, 4, 20))
    x = torch.nn.functional.normalize(torch.from_numpy(draw.normal(size=(20, 6))), dim=1)
    distances = geometry_of("euclidean").pairwise(x, x)
    masks = build_relation(ObjectiveConfig(), TargetFacts())(BatchTargets(labels=labels))
    triplets = mine_triplets(x, distances, masks, mining=mining, margin=0.3)
    library_triplets = {
        "all": TripletMarginMiner(margin=1e9, type_of_triplets="all"),
        "semi-hard": TripletMarginMiner(margin=0.3, type_of_triplets="semihard"),
        "hard": BatchHardMiner(),
    }[mining](x, labels)
    assert _as_set(triplets) == _as_set(library_triplets)


def test_nt_xent_agrees_with_the_library() -> None:
    """The value equals that of pytorch-metric-learning."""
    draw = np.random.default_rng(0)
    labels = torch.from_numpy(draw.integers(0, 4, 20))
    x = torch.nn.functional.normalize(torch.from_numpy(draw.normal(size=(20, 6))), dim=1)
    masks = build_relation(ObjectiveConfig(), TargetFacts())(BatchTargets(labels=labels))
    loss = info_nce(geometry_of("cosine").pairwise(x, x), masks, temperature=0.2)
    assert float(loss) == pytest.approx(float(NTXentLoss(temperature=0.2)(x, labels)), rel=1e-6)


def test_proxy_anchor_on_the_sphere_is_the_librarys_own() -> None:
    """The loss with the cosine distance equals that of the library."""
    tracks = TrackTargets(labels=np.arange(12) % 4)
    objective = built(ObjectiveConfig(kind="proxy-anchor", margin=0.1), tracks.facts())
    assert isinstance(objective, ProxyObjective)
    library_loss = ProxyAnchorLoss(4, 6, margin=0.1, alpha=32)
    library_loss.proxies.data = objective.loss.proxies.data.clone()
    x = geometry_of("cosine").project(vectors(12))
    batch = tracks.batch(np.arange(12))
    with torch.no_grad():
        expected = library_loss(x, batch.labels)
        assert float(objective(x, batch).loss) == pytest.approx(float(expected), rel=1e-5)


def test_distance_weighted_mining_draws_by_its_chances() -> None:
    """Over many draws, each negative of an anchor is as frequent as its weight."""
    x = torch.nn.functional.normalize(vectors(12), dim=1)
    labels = torch.tensor([0, 0] + [1] * 10)
    masks = build_relation(ObjectiveConfig(), TargetFacts())(BatchTargets(labels=labels))
    only = PairMasks(masks.positive & (torch.arange(12) == 0)[:, None], masks.negative)
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(12)
    for _ in range(1500):
        _, _, negatives = mine_triplets(
            x, torch.zeros(12, 12), only, mining="distance-weighted", margin=0, generator=generator
        )
        counts[negatives] += 1
    weights = negative_weights(x, masks.negative)[0]
    assert float((counts / counts.sum() - weights).abs().max()) < 0.04
    assert bool((counts[weights == 0] == 0).all())


def test_identity_pairs_and_label_similarity_grade_a_pair() -> None:
    """Two crops of a track have grade 1, and labels have the grade of the table."""
    similarity = np.array([[1.0, 0.4], [0.4, 1.0]], dtype=np.float32)
    tracks = TrackTargets(labels=np.array([0, 0, 1]), label_similarity=similarity)
    config = ObjectiveConfig(
        kind="graded-contrastive", relations=("label", "track"), relation_weights=(0.8, 1.0)
    )
    objective = built(config, tracks.facts())
    grades, is_known = objective.grades(tracks.batch([0, 0, 1, 2]))  # type: ignore[operator]  # a GradedContrastive
    expected = [[0, 1, 0.8, 0.32], [1, 0, 0.8, 0.32], [0.8, 0.8, 0, 0.32], [0.32, 0.32, 0.32, 0]]
    assert bool(is_known[~torch.eye(4, dtype=torch.bool)].all())
    off_diagonal = grades * ~torch.eye(4, dtype=torch.bool)
    assert off_diagonal.numpy() == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("kind", ["dice", "cosine"])
def test_the_same_tags_are_fully_alike_and_disjoint_ones_not_at_all(kind: str) -> None:
    """Equal tags have similarity 1, and disjoint tags 0."""
    tags = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    weights = tag_weights((2, 2, 1, 0), kind="tf-idf", n_tracks=4)
    alike = tag_similarity(tags, weights=weights, kind=kind)
    assert float(alike[0, 1]) == pytest.approx(1.0)
    assert float(alike[0, 2]) == 0.0
    assert float(alike[3].sum()) == 0.0


def test_features_are_standardised_around_unknown_rows() -> None:
    """A row of NaN stays NaN and does not count."""
    values = standardised([[1.0, 5.0], [3.0, 5.0], [np.nan, np.nan]])
    assert values[:2].tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert np.isnan(values[2]).all()


def test_unknown_mining_and_columns_of_different_lengths_are_refused() -> None:
    """The messages have the valid name and the lengths."""
    masks = PairMasks(torch.zeros(2, 2, dtype=torch.bool), torch.zeros(2, 2, dtype=torch.bool))
    with pytest.raises(UnknownChoice, match="semi-hard"):
        mine_triplets(vectors(2), torch.zeros(2, 2), masks, mining="semihard", margin=0.1)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(DatasetError, match="labels 2, artists 3"):
        TrackTargets(labels=np.zeros(2, int), artists=np.zeros(3, int))


def _as_set(triplets: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> set[tuple[int, ...]]:
    return set(zip(*(part.tolist() for part in triplets), strict=True))
