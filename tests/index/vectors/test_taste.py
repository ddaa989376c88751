"""Several tracks as one point, and away from others."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.config.model import GeometryKind
from embedder.errors import BadInput
from embedder.geometry import geometry_of
from index.vectors.distances import Space
from index.vectors.taste import taste_of

KINDS: tuple[GeometryKind, ...] = ("cosine", "euclidean", "poincare")


def points_of(kind: GeometryKind, n_points: int, seed: int) -> NDArray[np.float32]:
    """Random points of a geometry [n, 6]."""
    raw = np.random.default_rng(seed).standard_normal((n_points, 6)).astype(np.float32)
    return geometry_of(kind).project(torch.from_numpy(raw)).numpy()


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(n_points=st.integers(2, 6), seed=st.integers(0, 1000))
def test_the_middle_is_the_geometrys_own(kind: GeometryKind, n_points: int, seed: int) -> None:
    """A taste of several tracks is the mean that the encoder takes of excerpts."""
    points = points_of(kind, n_points, seed)
    expected = geometry_of(kind).mean(torch.from_numpy(points)).numpy()
    assert np.allclose(taste_of(Space(kind), points), expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(n_likes=st.integers(1, 3), n_dislikes=st.integers(1, 3), seed=st.integers(0, 1000))
def test_minus_moves_away(kind: GeometryKind, n_likes: int, n_dislikes: int, seed: int) -> None:
    """The taste is farther from what is taken away than it was without."""
    points = points_of(kind, n_likes + n_dislikes, seed)
    likes, dislikes = points[:n_likes], points[n_likes:]
    space = Space(kind)
    other = taste_of(space, dislikes)[None]
    before = space.between(taste_of(space, likes), other)[0]
    moved = taste_of(space, likes, dislikes)
    assert np.isfinite(moved).all()
    assert space.between(moved, other)[0] > before - 1e-5
    if kind == "cosine":
        assert np.linalg.norm(moved) == pytest.approx(1, abs=1e-5)
    if kind == "poincare":
        assert np.linalg.norm(moved) < 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_track_is_its_own_taste(kind: GeometryKind) -> None:
    """To the last bit, so that a track is at distance 0 from itself."""
    points = points_of(kind, 1, 0)
    assert (taste_of(Space(kind), points) == points[0]).all()


def test_opposites_have_a_taste() -> None:
    """Where directions cancel out, the first stands for all."""
    points = points_of("cosine", 1, 0)
    assert np.allclose(taste_of(Space(), np.concatenate([points, -points])), points[0])


@pytest.mark.parametrize("kind", KINDS)
def test_taking_a_track_from_itself_is_refused(kind: GeometryKind) -> None:
    """Nothing would be left to search with."""
    points = points_of(kind, 1, 0)
    with pytest.raises(BadInput, match="nothing is left"):
        taste_of(Space(kind), points, points)
