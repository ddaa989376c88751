"""The neighbours of every vector: equal to a comparison of all of them."""

import numpy as np
import pytest

from index.vectors.all_pairs import MIN_VECTORS, nearest_of_each
from index.vectors.distances import FloatMatrix, Space, nearest

K = 11


def clusters(n: int, *, size: int) -> FloatMatrix:
    """Vectors [n, size] round a hundred points."""
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((100, size))
    points = centres[rng.integers(100, size=n)] + 0.4 * rng.standard_normal((n, size))
    return points.astype(np.float32)


@pytest.mark.parametrize("kind", ["cosine", "euclidean"])
def test_the_neighbours_are_the_true_ones(kind: str) -> None:
    """All but one in a hundred of those that a plain search of everything finds, at their own
    distances, nearest first and with itself in front.
    """
    space = Space(kind)  # type: ignore[arg-type]  # a kind
    vectors = space.to_unit(clusters(MIN_VECTORS, size=32))
    neighbours = nearest_of_each(vectors, K, space=space)
    assert neighbours is not None
    distances, positions = neighbours
    assert positions.shape == distances.shape == (MIN_VECTORS, K)
    assert (np.diff(distances, axis=1) >= 0).all()
    n_right = 0
    for row in np.random.default_rng(1).choice(MIN_VECTORS, 80, replace=False):
        apart, true = nearest(space, vectors[row], vectors, k=K)
        n_right += len(set(true) & set(positions[row]))
        assert positions[row, 0] == row
        exact = space.between(vectors[row], vectors[positions[row]])
        assert np.allclose(distances[row], exact, atol=2e-3)
        assert apart[-1] <= exact.max() + 1e-5
    assert n_right >= 0.99 * 80 * K


def test_the_same_vectors_give_the_same_neighbours() -> None:
    """Run by run, as a map is promised to."""
    vectors = Space().to_unit(clusters(MIN_VECTORS, size=16))
    first = nearest_of_each(vectors, K, space=Space())
    again = nearest_of_each(vectors, K, space=Space())
    assert first is not None
    assert again is not None
    assert np.array_equal(first[1], again[1])


def test_what_does_not_fall_into_cells_is_left_to_others() -> None:
    """Noise in many dimensions, few vectors, and the ball, whose distance no cell knows."""
    noise = np.random.default_rng(0).standard_normal((MIN_VECTORS, 96)).astype(np.float32)
    assert nearest_of_each(Space().to_unit(noise), K, space=Space()) is None
    assert nearest_of_each(noise[: MIN_VECTORS - 1], K, space=Space("euclidean")) is None
    assert nearest_of_each(0.01 * noise, K, space=Space("poincare")) is None
