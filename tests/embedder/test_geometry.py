"""Distances, means and projections: definitions, laws, and float32 near the rim."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from embedder.errors import ConfigError, UnknownChoice
from embedder.geometry import RIM, Geometry, PoincareBall, geometry_of

KINDS = ["cosine", "euclidean", "poincare"]


def points_on(geometry: Geometry, *, n: int, seed: int, scale: float = 0.5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return geometry.project(scale * torch.randn(n, 8, generator=generator))


@pytest.fixture(params=KINDS)
def geometry(request: pytest.FixtureRequest) -> Geometry:
    return geometry_of(request.param, curvature=0.7)


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(KINDS))
@settings(max_examples=40, deadline=None)
def test_distances_are_symmetric_and_zero_only_at_home(seed: int, kind: str) -> None:
    """A vector has distance 0 to itself, and distances are symmetric."""
    geometry = geometry_of(kind)
    points = points_on(geometry, n=6, seed=seed)
    distances = geometry.pairwise(points, points)
    assert (distances >= 0).all()
    assert torch.allclose(distances, distances.T, atol=1e-6)
    assert torch.allclose(distances.diagonal(), torch.zeros(6), atol=1e-6)
    assert (distances[~torch.eye(6, dtype=torch.bool)] > 1e-4).all()


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["euclidean", "poincare"]))
@settings(max_examples=30, deadline=None)
def test_a_detour_is_never_shorter(seed: int, kind: str) -> None:
    """Euclidean and Poincaré distances have the triangle inequality."""
    geometry = geometry_of(kind)
    points = points_on(geometry, n=7, seed=seed)
    distances = geometry.pairwise(points, points)
    detours = (distances[:, :, None] + distances[None, :, :]).amin(dim=1)
    assert (distances <= detours + 1e-5).all()


def test_cosine_is_one_minus_the_cosine() -> None:
    """Parallel vectors have 0, orthogonal 1 and opposite 2, for all lengths."""
    geometry = geometry_of("cosine")
    east = torch.tensor([[2.0, 0.0]])
    points = torch.tensor([[0.5, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    assert geometry.pairwise(east, points).tolist() == [[0.0, 1.0, 2.0]]


def test_euclidean_is_the_straight_line() -> None:
    """The sides 3 and 4 of a right angle give the distance 5."""
    distances = geometry_of("euclidean").pairwise(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    assert distances.item() == pytest.approx(5.0)


@pytest.mark.parametrize("curvature", [0.3, 1.0, 2.5])
def test_the_ball_agrees_with_its_definition(curvature: float) -> None:
    """Each distance equals the arccosh formula in double precision."""
    ball = geometry_of("poincare", curvature=curvature)
    points = points_on(ball, n=9, seed=3).double()
    distances = ball.pairwise(points, points)
    for i, x in enumerate(points.tolist()):
        for j, y in enumerate(points.tolist()):
            apart = sum((a - b) ** 2 for a, b in zip(x, y, strict=True))
            gap_x = 1 - curvature * sum(a * a for a in x)
            gap_y = 1 - curvature * sum(b * b for b in y)
            exact = math.acosh(1 + 2 * curvature * apart / (gap_x * gap_y)) / curvature**0.5
            assert distances[i, j].item() == pytest.approx(exact, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("curvature", [0.5, 1.0])
def test_the_ball_agrees_with_geoopt(curvature: float) -> None:
    """Projection, distance and midpoint equal those of another implementation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        geoopt = pytest.importorskip("geoopt")
    ball = geoopt.PoincareBall(c=curvature)
    geometry = geometry_of("poincare", curvature=curvature)
    generator = torch.Generator().manual_seed(5)
    outputs = torch.randn(6, 4, generator=generator, dtype=torch.float64) / 2
    points = geometry.project(outputs)
    assert torch.allclose(points, ball.expmap0(outputs))
    assert torch.allclose(geometry.pairwise(points, points), ball.dist(points[:, None], points))
    assert torch.allclose(geometry.mean(points), ball.weighted_midpoint(points))


def test_the_ball_flattens_as_its_curvature_vanishes() -> None:
    """With hardly any curvature, distances are twice the Euclidean ones."""
    ball = geometry_of("poincare", curvature=1e-6)
    points = points_on(geometry_of("euclidean"), n=5, seed=2)
    flat = geometry_of("euclidean").pairwise(points, points)
    assert torch.allclose(ball.pairwise(points, points), 2 * flat, rtol=1e-4)


def test_near_the_rim_float32_keeps_three_digits() -> None:
    """Distances of the outermost vectors agree with double precision."""
    ball = geometry_of("poincare")
    generator = torch.Generator().manual_seed(8)
    far = ball.project(50 * torch.randn(12, 16, generator=generator))
    assert far.norm(dim=-1).max() < 1 - RIM / 2
    exact = ball.pairwise(far.double(), far.double())
    assert torch.allclose(ball.pairwise(far, far).double(), exact, rtol=1e-3, atol=1e-5)


def test_near_the_rim_one_point_is_its_own_mean() -> None:
    """The midpoint of a single vector near the rim is the vector."""
    ball = geometry_of("poincare")
    far = ball.project(torch.tensor([[30.0, 40.0]]))
    assert ball.pairwise(ball.mean(far)[None], far).item() < 1e-2


def test_a_point_past_the_rim_is_drawn_back() -> None:
    """A vector that rounding puts outside the ball gives no NaN distances."""
    ball = geometry_of("poincare")
    outside = torch.tensor([[1.0, 0.0], [0.0, 1.01], [0.2, 0.1]])
    assert torch.isfinite(ball.pairwise(outside, outside)).all()


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1.0, 1e4, 1e15])
def test_gradients_stay_finite(geometry: Geometry, scale: float) -> None:
    """Zero, equal and huge outputs have finite gradients."""
    generator = torch.Generator().manual_seed(1)
    outputs = scale * torch.randn(5, 8, generator=generator)
    outputs[1] = outputs[0]
    outputs.requires_grad_()
    points = geometry.project(outputs)
    total = geometry.pairwise(points, points).sum() + geometry.mean(points).sum()
    (gradient,) = torch.autograd.grad(total, outputs)
    assert torch.isfinite(gradient).all()


def test_half_precision_outputs_become_float32_points(geometry: Geometry) -> None:
    """Vectors from half-precision outputs are float32."""
    assert geometry.project(torch.ones(2, 8, dtype=torch.bfloat16)).dtype == torch.float32


def test_autocast_does_not_round_distances(geometry: Geometry) -> None:
    """Distances under bf16 autocast equal those in float32."""
    points = points_on(geometry, n=6, seed=4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = geometry.pairwise(points, points)
    assert torch.equal(under_autocast, geometry.pairwise(points, points))


def test_the_mean_of_equal_points_is_that_point(geometry: Geometry) -> None:
    """A track whose excerpts are equal has their vector."""
    point = points_on(geometry, n=1, seed=6)
    assert torch.allclose(geometry.mean(point.expand(4, -1)), point[0], atol=1e-6)


def test_the_mean_takes_a_batch(geometry: Geometry) -> None:
    """Several sets of vectors have the means that each has alone."""
    points = points_on(geometry, n=6, seed=7)
    together = geometry.mean(points.reshape(2, 3, 8))
    alone = torch.stack([geometry.mean(points[:3]), geometry.mean(points[3:])])
    assert torch.allclose(together, alone, atol=1e-6)


def test_the_cosine_mean_has_unit_length() -> None:
    """Also if the vectors are spread or cancel out."""
    cosine = geometry_of("cosine")
    spread = points_on(cosine, n=20, seed=9)
    assert cosine.mean(spread).norm().item() == pytest.approx(1.0)
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert cosine.mean(opposite).tolist() == [1.0, 0.0]


def test_a_store_ranks_as_the_geometry_does(geometry: Geometry) -> None:
    """Stored forms with the search metric have the order of the distances."""
    points, queries = (points_on(geometry, n=n, seed=n, scale=0.3) for n in (40, 5))
    stored, query_points = geometry.stored_form(points), geometry.query_form(queries)
    if geometry.search_metric == "inner-product":
        order = (query_points @ stored.T).argsort(descending=True)
    else:
        order = torch.cdist(query_points, stored).argsort()
    assert torch.equal(order, geometry.pairwise(queries, points).argsort())


def test_the_lifted_product_is_the_distance() -> None:
    """On the hyperboloid, -⟨x, y⟩ is cosh of the distance."""
    ball = PoincareBall(curvature=0.6)
    points = points_on(ball, n=6, seed=11).double()
    products = ball.query_form(points) @ ball.stored_form(points).T
    expected = torch.cosh(0.6**0.5 * ball.pairwise(points, points))
    assert torch.allclose(-products, expected)


def test_an_unknown_geometry_lists_the_known_ones() -> None:
    """The message lists the valid names."""
    with pytest.raises(UnknownChoice, match="cosine, euclidean, poincare"):
        geometry_of("cosin")


@pytest.mark.parametrize("curvature", [0.0, -1.0, math.inf, math.nan])
def test_the_ball_refuses_a_curvature_that_is_none(curvature: float) -> None:
    """Zero, negative and infinite curvatures are refused."""
    with pytest.raises(ConfigError, match="curvature"):
        geometry_of("poincare", curvature=curvature)
