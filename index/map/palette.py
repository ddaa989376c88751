"""Colours and shapes that everybody can tell apart, on light and on dark ground.

Seven hues after Okabe and Ito (2008), with yellow kept for dark ground and aubergine for light;
from the eighth category on the hues come again in another shape. Numbers go from blue to yellow by
way of grey-green, even in lightness, so that they also read in grey.
"""

from dataclasses import dataclass

HUES_LIGHT = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#3B1F5B")
HUES_DARK = ("#56B4E9", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#F0E442")
STEPS_LIGHT = ("#2A1E6B", "#27508C", "#2A7B8E", "#3AA07E", "#7CB84D", "#B9AC2C", "#EBAA00")
STEPS_DARK = ("#5B63C7", "#4A86C0", "#46A3A8", "#5BBD84", "#95CF5C", "#D6DA4B", "#FFE96B")
REST_LIGHT = "#B9BEC6"
REST_DARK = "#4A5260"
SHAPES = ("circle", "square", "triangle")
MAX_CATEGORIES = len(HUES_LIGHT) * len(SHAPES)


@dataclass(frozen=True, slots=True)
class Swatch:
    """How one category looks."""

    light: str
    dark: str
    shape: str = "circle"


REST = Swatch(REST_LIGHT, REST_DARK)


def category_swatches(n_categories: int) -> tuple[Swatch, ...]:
    """For categories by size, at most 21."""
    return tuple(
        Swatch(
            HUES_LIGHT[place % len(HUES_LIGHT)],
            HUES_DARK[place % len(HUES_DARK)],
            SHAPES[place // len(HUES_LIGHT)],
        )
        for place in range(n_categories)
    )


def step_swatches(n_steps: int) -> tuple[Swatch, ...]:
    """For numbers in order, at most 7 steps, the ends of the scale always among them."""
    last = len(STEPS_LIGHT) - 1
    places = [round(step * last / max(n_steps - 1, 1)) for step in range(n_steps)]
    return tuple(Swatch(STEPS_LIGHT[place], STEPS_DARK[place]) for place in places)
