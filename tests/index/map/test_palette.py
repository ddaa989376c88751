"""The marks of categories: colours and shapes that colour-blind readers can tell apart."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from index.map.palette import MAX_CATEGORIES, REST, Swatch, category_swatches, step_swatches
from index.map.pictures import MARKERS

# What a reader without one kind of cone sees, in linear RGB (Machado et al. 2009, severity 1).
SIMULATED = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
LEAST_APART = 20.0
"""In CIELAB, where 2 is just noticeable side by side; two marks of a map are seen apart."""


def lab(colour: str, sight: str) -> NDArray[np.float64]:
    """A colour as a reader sees it, in CIELAB."""
    srgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(SIMULATED[sight] @ linear, 0, 1)
    t = TO_XYZ @ seen / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(a: Swatch, b: Swatch, theme: str, sight: str) -> float:
    """How different two colours look."""
    return float(np.linalg.norm(lab(getattr(a, theme), sight) - lab(getattr(b, theme), sight)))


@pytest.mark.parametrize("sight", SIMULATED)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_any_two_marks_differ_for_every_reader(theme: str, sight: str) -> None:
    """Two categories differ in shape, or their colours do for this reader; the rest as well."""
    swatches = (*category_swatches(MAX_CATEGORIES), REST)
    alike = [
        (a, b)
        for a, b in combinations(swatches, 2)
        if a.shape == b.shape and apart(a, b, theme, sight) < LEAST_APART
    ]
    assert alike == []


@pytest.mark.parametrize("sight", SIMULATED)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_steps_get_lighter_for_every_reader(theme: str, sight: str) -> None:
    """The steps of a number keep their order without colour."""
    lightness = [lab(getattr(step, theme), sight)[0] for step in step_swatches(7)]
    assert all(np.diff(lightness) > 2)


def test_every_shape_can_be_drawn() -> None:
    """Pictures have a marker of its own for each shape."""
    shapes = {swatch.shape for swatch in (*category_swatches(MAX_CATEGORIES), REST)}
    assert len({MARKERS[shape] for shape in shapes}) == len(shapes) == 7
