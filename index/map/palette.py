"""Colours and shapes for categories and numbers, safe for colour-blind readers, light or dark.

Seven hues after Okabe and Ito (2008); yellow is used only on dark ground, aubergine only on light.
From the eighth category on, the hues repeat with another shape. Orange and green have shapes of
their own: some readers cannot tell them from other hues (with protanopia, deuteranopia or
tritanopia). "Other" and "unknown" are small grey dots. Numbers go from blue over green to yellow
with even steps of lightness, so that they also work in grey.
"""

from dataclasses import dataclass

HUES_LIGHT = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#3B1F5B")
HUES_DARK = ("#56B4E9", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#F0E442")
STEPS_LIGHT = ("#2A1E6B", "#27478A", "#22628C", "#1F7F82", "#419763", "#84A93A", "#D2B010")
STEPS_DARK = ("#5B63C7", "#4A86C0", "#46A3A8", "#5BBD84", "#95CF5C", "#D6DA4B", "#FFE96B")
REST_LIGHT = "#B9BEC6"
REST_DARK = "#4A5260"
SHAPES = ("circle", "triangle", "diamond")
SHAPES_APART = ("square", "plus", "wedge")
HUES_APART = frozenset({1, 2})
"""The numbers of the hues that have the second set of shapes: orange and green."""
MAX_CATEGORIES = len(HUES_LIGHT) * len(SHAPES)


@dataclass(frozen=True, slots=True)
class Swatch:
    """The colours and the shape of one category."""

    light: str
    dark: str
    shape: str = "circle"


REST = Swatch(REST_LIGHT, REST_DARK, "dot")


def category_swatches(n_categories: int) -> tuple[Swatch, ...]:
    """For categories by size, at most 21."""
    return tuple(_swatch(*divmod(number, len(HUES_LIGHT))) for number in range(n_categories))


def _swatch(turn: int, hue: int) -> Swatch:
    shapes = SHAPES_APART if hue in HUES_APART else SHAPES
    return Swatch(HUES_LIGHT[hue], HUES_DARK[hue], shapes[turn])


def step_swatches(n_steps: int) -> tuple[Swatch, ...]:
    """For ordered numbers, at most 7 steps; both ends of the scale are used."""
    last = len(STEPS_LIGHT) - 1
    numbers = [round(step * last / max(n_steps - 1, 1)) for step in range(n_steps)]
    return tuple(Swatch(STEPS_LIGHT[number], STEPS_DARK[number]) for number in numbers)
