"""The benchmark of growth: its steps run, and exponents are right."""

from pathlib import Path

import pytest

from benchmarks.scale import catalogue, vectors
from benchmarks.scale.growth import draw, exponent, table


def test_the_exponent_is_the_power_of_the_growth() -> None:
    """Quadratic growth has 2, and what stays the same has 0."""
    sizes = [10, 100, 1000]
    assert exponent(sizes, [3.0 * n**2 for n in sizes]) == pytest.approx(2.0)
    assert exponent(sizes, [7.0, 7.0, 7.0]) == pytest.approx(0.0)


def test_a_store_and_a_catalogue_of_each_size_are_measured(tmp_path: Path) -> None:
    """Each step gives figures, and the table and the picture show them."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for n in (2000, 4000):
        points = vectors.vectors_in(tmp_path / f"{n}.f32", n)
        store = tmp_path / f"{n}.faiss"
        measured = vectors.build(n, "ivf-sq8", points, store) | vectors.search(points, store)
        assert measured["recall"] >= 0.95
        figures.setdefault("ivf-sq8", {})[str(n)] = measured
        path = tmp_path / f"{n}.sqlite"
        measured = catalogue.build(n, path) | catalogue.search(n, path)
        figures.setdefault("catalogue", {})[str(n)] = measured
    rows = table(figures).splitlines()
    assert rows[0] == "| | 2,000 | 4,000 | exponent |"
    assert any(row.startswith("| ivf-sq8: file, MB | ") for row in rows)
    draw(figures, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 10_000
