"""Batches keep their contract, cover the data, and depend on seed and epoch alone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.config.batches import SamplerConfig
from embedder.errors import ConfigError, DatasetError
from embedder.training.objectives.targets import TrackTargets
from embedder.training.sampling.batches import Batch, BatchSampler
from embedder.training.sampling.groups import build_groups


def tracks(n: int = 60, *, seed: int = 0, n_labels: int = 5) -> TrackTargets:
    """A data set with every column, uneven labels and some unknown ids."""
    draw = np.random.default_rng(seed)
    labels = np.minimum(draw.geometric(0.4, size=n) - 1, n_labels - 1)
    return TrackTargets(
        labels=np.where(draw.random(n) < 0.05, -1, labels),
        artists=draw.integers(0, n // 4, n),
        albums=draw.integers(-1, n // 3, n),
        tags=(draw.random((n, 8)) < 0.3).astype(np.float32),
        features=draw.normal(size=(n, 4)).astype(np.float32),
        latent=draw.normal(size=(n, 3)).astype(np.float32),
    )


def groups_of(batch: Batch, config: SamplerConfig) -> np.ndarray:
    """Rows as [P, K, C]."""
    return batch.rows.reshape(
        config.groups_per_batch, config.tracks_per_group, config.crops_per_track
    )


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(30, 90),
    seed=st.integers(0, 10_000),
    groups=st.integers(1, 4),
    per_group=st.integers(1, 3),
    crops=st.integers(1, 3),
    balanced=st.booleans(),
    relation=st.sampled_from(["label", "artist"]),
)
def test_a_batch_holds_p_groups_of_k_tracks_with_c_crops(
    n: int, seed: int, groups: int, per_group: int, crops: int, balanced: bool, relation: str
) -> None:
    """For any data and sizes: P different ids, K different tracks, C crops."""
    data = tracks(n, seed=seed)
    config = SamplerConfig(
        groups_per_batch=groups,
        tracks_per_group=per_group,
        crops_per_track=crops,
        relations=(relation,),  # type: ignore[arg-type]  # one of the relations
        balanced=balanced,
        seed=seed,
    )
    ids = {"label": data.labels, "artist": data.artists}[relation]
    assert ids is not None
    sizes = Counter(ids[ids >= 0].tolist())
    if sum(size >= per_group for size in sizes.values()) < groups:
        with pytest.raises(DatasetError, match="groups_per_batch"):
            BatchSampler(config, data)
        return
    sampler = BatchSampler(config, data)
    plan = sampler.plan(0)
    assert len(plan) == len(sampler)
    for batch in plan:
        rows = groups_of(batch, config)
        assert (rows == rows[:, :, :1]).all()
        assert len(np.unique(rows[:, :, 0])) == groups * per_group
        of_group = ids[rows[:, :, 0]]
        assert (of_group == of_group[:, :1]).all()
        assert len(np.unique(of_group[:, 0])) == groups
        assert (of_group >= 0).all()


@pytest.mark.parametrize("relation", ["tag", "handcrafted", "latent"])
def test_overlapping_groups_give_every_track_once_a_batch(relation: str) -> None:
    """Groups that share tracks fill a batch with different tracks of the group."""
    data = tracks()
    config = SamplerConfig(groups_per_batch=4, tracks_per_group=3, relations=(relation,))  # type: ignore[arg-type]  # one of the relations
    groups = build_groups(relation, data, n_neighbours=config.n_neighbours)  # type: ignore[arg-type]  # one of the relations
    members = [set(rows.tolist()) for rows in groups.members]
    for batch in BatchSampler(config, data).plan(0):
        rows = groups_of(batch, config)[:, :, 0]
        assert len(np.unique(rows)) == rows.size
        assert all(any(set(group.tolist()) <= m for m in members) for group in rows)


def test_neighbour_groups_start_with_their_anchor_and_are_the_nearest() -> None:
    """A group equals a full sort of the distances."""
    data = tracks()
    groups = build_groups("handcrafted", data, n_neighbours=5)
    assert data.features is not None
    for row, members in enumerate(groups.members):
        distances = np.linalg.norm(data.features - data.features[row], axis=1)
        assert members.tolist() == np.argsort(distances, kind="stable")[:6].tolist()


def test_unknown_rows_are_in_no_neighbour_group() -> None:
    """A track without features is neither anchor nor neighbour."""
    data = tracks()
    assert data.features is not None
    data.features[7] = np.nan
    groups = build_groups("handcrafted", data, n_neighbours=5)
    assert 7 not in np.concatenate(groups.members)


def test_balanced_sampling_shows_every_label_as_often() -> None:
    """In an epoch, the visits of two labels differ by at most one."""
    data = tracks(200)
    assert data.labels is not None
    sampler = BatchSampler(SamplerConfig(groups_per_batch=2, tracks_per_group=2), data)
    n_rows = Counter(data.labels[np.concatenate([b.rows for b in sampler.plan(0)])].tolist())
    assert max(n_rows.values()) - min(n_rows.values()) <= 2


def test_natural_sampling_follows_the_sizes() -> None:
    """A label with nine times the tracks occurs several times as often."""
    labels = np.repeat([0, 1, 2, 3], [180, 20, 20, 20])
    config = SamplerConfig(groups_per_batch=1, tracks_per_group=2, balanced=False)
    sampler = BatchSampler(config, TrackTargets(labels=labels))
    rows = np.concatenate([batch.rows for epoch in range(5) for batch in sampler.plan(epoch)])
    n_rows = Counter(labels[rows].tolist())
    assert 5 < n_rows[0] / np.mean([n_rows[1], n_rows[2], n_rows[3]]) < 15


def test_tracks_of_a_group_come_in_rounds() -> None:
    """No track of a group is repeated before all have occurred."""
    labels = np.repeat([0, 1], 12)
    sampler = BatchSampler(
        SamplerConfig(groups_per_batch=2, tracks_per_group=3), TrackTargets(labels=labels)
    )
    rows = np.concatenate([batch.rows for batch in sampler.plan(0)])
    assert sorted(rows.tolist()) == list(range(24))


def test_relations_make_their_share_of_the_batches() -> None:
    """Weights of 3 and 1 give three quarters of the batches, which name their relation."""
    config = SamplerConfig(
        groups_per_batch=2,
        tracks_per_group=2,
        relations=("label", "handcrafted"),
        relation_weights=(3.0, 1.0),
    )
    sampler = BatchSampler(config, tracks(160))
    n_batches = Counter(batch.relation for batch in sampler.plan(0))
    assert n_batches == {"label": 30, "handcrafted": 10}


def test_small_groups_repeat_their_tracks_when_told_to() -> None:
    """With `repeat`, a single track fills a group of three."""
    artists = np.array([0, 1, 2, 2])
    config = SamplerConfig(
        groups_per_batch=3, tracks_per_group=3, relations=("artist",), small_groups="repeat"
    )
    (batch,) = BatchSampler(config, TrackTargets(artists=artists)).plan(0)
    rows = groups_of(batch, config)[:, :, 0]
    assert sorted(sorted(set(group.tolist())) for group in rows) == [[0], [1], [2, 3]]


def test_groups_left_out_are_counted() -> None:
    """The sampler has the number of groups that are too small."""
    artists = np.array([0, 1, 2, 2, 3, 3])
    config = SamplerConfig(groups_per_batch=2, tracks_per_group=2, relations=("artist",))
    assert BatchSampler(config, TrackTargets(artists=artists)).left_out == {"artist": 2}


def test_the_same_track_is_a_relation_without_any_column() -> None:
    """Self-supervised batches need no column."""
    config = SamplerConfig(
        groups_per_batch=6, tracks_per_group=1, crops_per_track=2, relations=("track",)
    )
    data = TrackTargets(features=np.zeros((12, 1), dtype=np.float32))
    plan = BatchSampler(config, data).plan(0)
    assert sorted(np.concatenate([b.rows for b in plan]).tolist()) == sorted([*range(12)] * 2)


@pytest.mark.parametrize("balanced", [True, False])
def test_plain_batches_are_full_and_cover_the_data(balanced: bool) -> None:
    """All batches have one size; without balancing every track occurs."""
    config = SamplerConfig(kind="plain", batch_size=16, balanced=balanced)
    data = tracks(50)
    rows = [batch.rows for batch in BatchSampler(config, data).plan(0)]
    assert [len(r) for r in rows] == [16] * 4
    if not balanced:
        assert set(np.concatenate(rows).tolist()) == set(range(50))


@settings(max_examples=20, deadline=None)
@given(epoch=st.integers(0, 20), kind=st.sampled_from(["groups", "plain"]))
def test_an_epoch_depends_on_seed_and_number_alone(epoch: int, kind: str) -> None:
    """A new sampler plans an epoch like a sampler that has planned all epochs before."""
    config = SamplerConfig(kind=kind, groups_per_batch=3, tracks_per_group=2, batch_size=6, seed=4)  # type: ignore[arg-type]  # one of the kinds
    data = tracks(50)
    used = BatchSampler(config, data)
    for earlier in range(epoch):
        used.plan(earlier)
    plans = [sampler.plan(epoch) for sampler in (used, BatchSampler(config, data))]
    assert [batch.rows.tolist() for batch in plans[0]] == [b.rows.tolist() for b in plans[1]]


def test_epochs_and_seeds_differ() -> None:
    """Another epoch or seed gives another order."""
    config, data = SamplerConfig(groups_per_batch=3, tracks_per_group=2), tracks()
    sampler = BatchSampler(config, data)
    other_sampler = BatchSampler(replace(config, seed=1), data)
    plans = [sampler.plan(0), sampler.plan(1), other_sampler.plan(0)]
    assert len({tuple(np.concatenate([b.rows for b in plan]).tolist()) for plan in plans}) == 3


def test_drawing_leaves_the_global_random_state_alone() -> None:
    """The sampler draws from its own generator."""
    before = str(np.random.get_state())  # noqa: NPY002  # the state under test
    BatchSampler(SamplerConfig(groups_per_batch=2, tracks_per_group=2), tracks()).plan(0)
    assert str(np.random.get_state()) == before  # noqa: NPY002  # the state under test


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (SamplerConfig(groups_per_batch=0), "groups_per_batch = 0"),
        (SamplerConfig(relations=()), "relations is empty"),
        (SamplerConfig(relation_weights=(1.0, 2.0)), "relation_weights"),
        (SamplerConfig(relation_weights=(-1.0,)), "relation_weights"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: SamplerConfig, message: str) -> None:
    """Each error names the setting."""
    with pytest.raises(ConfigError, match=message):
        BatchSampler(config, tracks())


def test_a_missing_column_is_named() -> None:
    """The error names the missing column of artists."""
    with pytest.raises(DatasetError, match="artist"):
        BatchSampler(SamplerConfig(relations=("artist",)), TrackTargets(labels=np.zeros(9, int)))


def test_too_much_overlap_is_an_error_that_says_so() -> None:
    """Two tags on the same three tracks cannot give four different tracks."""
    data = TrackTargets(tags=np.ones((3, 2), dtype=np.float32))
    config = SamplerConfig(groups_per_batch=2, tracks_per_group=2, relations=("tag",))
    with pytest.raises(DatasetError, match="share so many tracks"):
        BatchSampler(config, data).plan(0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(0, 30), st.integers(1, 99))
def test_small_shares_get_their_batches_in_time(n_batches: int, epoch: int, percent: int) -> None:
    """After any epoch the batches of each relation are within two of its share."""
    config = SamplerConfig(
        groups_per_batch=2,
        tracks_per_group=2,
        relations=("label", "artist"),
        relation_weights=(percent, 100 - percent),
        small_groups="repeat",
    )
    targets = tracks(16 + 4 * n_batches, n_labels=2)
    sampler = BatchSampler(config, targets)
    n_by_relation = Counter(batch.relation for at in range(epoch + 1) for batch in sampler.plan(at))
    assert sum(n_by_relation.values()) == len(sampler) * (epoch + 1)
    assert abs(n_by_relation["label"] - percent / 100 * sum(n_by_relation.values())) < 2


def test_plain_batches_show_unlabelled_tracks_too() -> None:
    """Tracks without a label occur in plain batches."""
    targets = replace(tracks(48), labels=np.where(np.arange(48) < 12, np.arange(48) % 3, -1))
    sampler = BatchSampler(SamplerConfig(kind="plain", batch_size=8), targets)
    visited_rows = {
        row for epoch in range(30) for batch in sampler.plan(epoch) for row in batch.rows
    }
    assert len(visited_rows) == 48
