"""Losses equal their loops, ignore unknown targets, and do not use the global random state."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.config.loading import from_dict, to_dict
from embedder.config.objectives import Mining, ObjectiveConfig, ObjectiveKind
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, DatasetError
from embedder.geometry import geometry_of
from embedder.training.objectives.building import MultiObjective, build_objectives
from embedder.training.objectives.heads import TaggingObjective
from embedder.training.objectives.targets import TrackTargets
from tests.embedder.training.comparisons_of_objectives import Comparison, objective_comparisons
from tests.embedder.training.objective_cases import built, data, vectors

KINDS: tuple[ObjectiveKind, ...] = get_args(ObjectiveKind)
GEOMETRIES = ("cosine", "euclidean", "poincare")
COMPARISONS = tuple(objective_comparisons())


@pytest.mark.parametrize("row", COMPARISONS, ids=lambda row: row.name)
def test_every_loss_and_miner_equals_its_slow_loop(row: Comparison) -> None:
    """float32 and float64 differ by at most 1e-5."""
    assert row.difference <= 1e-5


def test_the_comparison_covers_every_objective() -> None:
    """Every objective has a loop."""
    names = " ".join(row.name for row in COMPARISONS).replace(" contrastive", "-contrastive")
    compared_kinds = names.replace("tags,", "tag-similarity")
    assert [kind for kind in KINDS if kind not in compared_kinds] == []


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_down_the_gradient_lowers_the_loss(kind: ObjectiveKind, geometry: str) -> None:
    """The sign of the distance is right in every geometry."""
    tracks = data()
    config = ObjectiveConfig(kind=kind, mining="all", margin=0.5)
    objective = built(config, tracks.facts(), geometry=geometry)
    space = geometry_of(geometry)
    free = vectors(24).requires_grad_()
    batch = tracks.batch(np.arange(24))
    before = objective(space.project(free), batch).loss
    (gradient,) = torch.autograd.grad(before, free)
    assert bool(gradient.isfinite().all())
    step = gradient / gradient.norm() * 1e-2
    with torch.no_grad():
        after = objective(space.project(free - step), batch).loss
    assert float(after) < float(before.detach())


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_anything_known_gives_zero_and_a_gradient(kind: ObjectiveKind) -> None:
    """Unknown targets give a loss of zero and a zero gradient."""
    tracks = data()
    unknown = TrackTargets(
        labels=np.full(6, -1),
        tags=np.zeros((6, 9), dtype=np.float32),
        teacher=np.full((6, 5), np.nan, dtype=np.float32),
    )
    free = vectors(6).requires_grad_()
    loss = built(ObjectiveConfig(kind=kind), tracks.facts())(free, unknown.batch(range(6))).loss
    (gradient,) = torch.autograd.grad(loss, free)
    assert float(loss.detach()) == 0
    assert not bool(gradient.any())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "distillation"])
def test_rows_with_an_unknown_label_do_not_matter(kind: ObjectiveKind) -> None:
    """Moving a row without label or tags does not change the loss."""
    tracks = data()
    assert tracks.labels is not None
    assert tracks.tags is not None
    tracks.labels[5] = -1
    tracks.tags[5] = 0
    # A mean over the rows of the batch would count row 5 as a row of loss zero, which is fine.
    objective = built(ObjectiveConfig(kind=kind, mining="all"), tracks.facts())
    first = vectors(24)
    second = first.clone()
    second[5] = -second[5]
    batch = tracks.batch(np.arange(24))
    with torch.no_grad():
        losses = [float(objective(geometry_of("cosine").project(v), batch).loss)
                  for v in (first, second)]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), order_seed=st.integers(0, 10_000))
def test_the_order_of_the_batch_does_not_matter(seed: int, order_seed: int) -> None:
    """A shuffled batch has the same loss."""
    tracks = data(seed=seed)
    order = np.random.default_rng(order_seed).permutation(24)
    x = geometry_of("cosine").project(vectors(24, seed=seed))
    facts = tracks.facts()
    for kind in ("triplet", "nt-xent", "supervised-contrastive", "tag-similarity"):
        objective = built(ObjectiveConfig(kind=kind), facts)
        with torch.no_grad():
            loss = objective(x, tracks.batch(np.arange(24))).loss
            shuffled_loss = objective(x[order], tracks.batch(order)).loss
        assert float(loss) == pytest.approx(float(shuffled_loss), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("mining", get_args(Mining))
def test_the_same_seed_gives_the_same_loss_and_the_global_state_stays(mining: Mining) -> None:
    """Building and mining draw from the given generator."""
    before = torch.get_rng_state()
    tracks = data()
    losses = []
    for _ in range(2):
        parts = [ObjectiveConfig(mining=mining), ObjectiveConfig(kind="softmax"),
                 ObjectiveConfig(kind="tagging"), ObjectiveConfig(kind="proxy-anchor")]  # fmt: skip
        objective = build_objectives(
            parts,
            tracks.facts(),
            embedding_size=6,
            geometry=geometry_of("cosine"),
            generator=torch.Generator().manual_seed(1),
        )
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            value = objective(vectors(24), tracks.batch(range(24)), generator=generator)
        losses.append(float(value.loss))
    assert losses[0] == losses[1]
    assert bool((torch.get_rng_state() == before).all())


def test_several_objectives_are_a_weighted_sum() -> None:
    """The value has the loss of each part: genre proxies and artist triplets."""
    tracks = data()
    configs = [
        ObjectiveConfig(kind="softmax", weight=2.0),
        ObjectiveConfig(kind="triplet", relations=("artist",), weight=0.5, mining="all"),
    ]
    multi_objective = build_objectives(
        configs,
        tracks.facts(),
        embedding_size=6,
        geometry=geometry_of("cosine"),
        generator=torch.Generator().manual_seed(1),
    )
    assert isinstance(multi_objective, MultiObjective)
    with torch.no_grad():
        value = multi_objective(vectors(24), tracks.batch(range(24)))
    softmax, triplet = value.parts["0-softmax"], value.parts["1-triplet"]
    assert float(value.loss) == pytest.approx(float(2 * softmax + 0.5 * triplet), rel=1e-6)


def test_statistics_tell_a_learnt_batch_from_a_collapsed_one() -> None:
    """Two far clusters have no active triplet; equal vectors have only active ones."""
    tracks = TrackTargets(labels=np.arange(8) % 2)
    objective = built(ObjectiveConfig(margin=0.2), tracks.facts())
    batch = tracks.batch(np.arange(8))
    learnt = torch.zeros(8, 6)
    learnt[:, 0] = 1 - 2 * (torch.arange(8) % 2)
    with torch.no_grad():
        good = objective(learnt, batch)
        bad = objective(torch.ones(8, 6), batch)
    assert (float(good.active_share), float(good.positive_distance)) == (0.0, 0.0)
    assert float(good.negative_distance) == pytest.approx(2.0)
    assert float(bad.active_share) == 1.0


def test_tagging_learns_tags_that_the_vectors_hold() -> None:
    """A few steps of the head alone raise the right probabilities."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=draw)
    tracks = TrackTargets(tags=(x[:, :3] > 0.5).float().numpy())
    objective = TaggingObjective(embedding_size=6, n_tags=3, generator=draw)
    optimiser = torch.optim.Adam(objective.parameters(), lr=0.1)
    batch = tracks.batch(np.arange(200))
    for _ in range(60):
        optimiser.zero_grad()
        torch.autograd.backward(objective(x, batch).loss)
        optimiser.step()
    with torch.no_grad():
        guessed = objective.probabilities(x) > 0.5
    is_tagged = x[:, :3].gt(0.5).any(dim=1)
    assert float((guessed == (x[:, :3] > 0.5))[is_tagged].float().mean()) > 0.9


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ObjectiveConfig(temperature=0.0), "temperature"),
        (ObjectiveConfig(margin=-1.0), "margin"),
        (ObjectiveConfig(relation_weights=(1.0,)), "graded-contrastive"),
        (ObjectiveConfig(kind="softmax", relations=("label", "artist")), "needs one of"),
        (ObjectiveConfig(kind="proxy-anchor", relations=("tag",)), "needs one of"),
        (
            ObjectiveConfig(kind="graded-contrastive", relation_weights=(0.5, 0.5)),
            "relation_weights",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(config: ObjectiveConfig, message: str) -> None:
    """Each error names the setting."""
    with pytest.raises(ConfigError, match=message):
        built(config, data().facts())


@pytest.mark.parametrize("kind", KINDS)
def test_a_data_set_without_what_the_objective_needs_is_refused(kind: ObjectiveKind) -> None:
    """Building or the first batch raises an error with the column's name."""
    bare = TrackTargets(features=np.zeros((6, 2), dtype=np.float32))
    with pytest.raises(DatasetError, match=r"label|tags|teacher"):
        built(ObjectiveConfig(kind=kind), bare.facts())(vectors(6), bare.batch(range(6)))


def test_no_objective_and_a_weight_of_zero_are_refused() -> None:
    """A run needs an objective with a weight above zero."""
    for configs in ([], [ObjectiveConfig(weight=0.0)]):
        with pytest.raises(ConfigError):
            build_objectives(
                configs,
                data().facts(),
                embedding_size=6,
                geometry=geometry_of("cosine"),
                generator=torch.Generator(),
            )


def test_training_settings_survive_a_round_trip() -> None:
    """A configuration written as a dict is read back equal."""
    config = replace(
        TrainingConfig(),
        objectives=(ObjectiveConfig(kind="softmax"), ObjectiveConfig(relations=("artist", "tag"))),
    )
    assert from_dict(TrainingConfig, to_dict(config)) == config
