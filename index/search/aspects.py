"""How alike two tracks are in each of seven measured ways, and which of them are unusual.

    descriptors ─▶ distances [7] ─▶ shares of this library's pairs that are farther ─▶ a sentence

A share of at least 0.7 is a reason. Pure: descriptors in, numbers and words out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedder.features.measuring.descriptors import Descriptors
from embedder.features.measuring.key import key_name

ASPECTS = ("timbre", "rhythm", "harmony", "tempo", "key", "brightness", "loudness")
LEAST_SHARE = 0.7
"""Closer than seven in ten pairs: less is no reason."""
DIFFERENT_SHARE = 0.3
SAME_TEMPO = 0.04
NO_REASON = (
    "nothing measured is unusually alike: the network hears a likeness that timbre, rhythm, "
    "harmony, tempo, key, brightness and loudness do not show"
)
NOT_MEASURED = "not measured: run 'soundalike index' with the folders of both tracks"

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is unusually alike, and what is unusually different."""

    reasons: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Such as "same tempo (124, 126), similar timbre (…); different key (C, F#)"."""
        alike = ", ".join(self.reasons) or NO_REASON
        return "; ".join([alike, *self.differences[:1]]) if self.reasons else alike


def aspect_distances(first: Descriptors, second: Descriptors) -> Vector:
    """Distances in each aspect [7], NaN where one track has no tempo, key or loudness.

    Harmony takes the best transposition; half and double tempo are the same.
    """
    turned = [np.roll(second.harmony, steps) for steps in range(12)]
    distances = [
        float(np.linalg.norm(first.timbre - second.timbre)),
        _angle(first.rhythm, second.rhythm),
        min(_angle(first.harmony - 1 / 12, other - 1 / 12) for other in turned),
        tempo_gap(first.tempo, second.tempo),
        key_steps(first.key, second.key),
        abs(first.brightness_db - second.brightness_db),
        _difference(first.loudness_lufs, second.loudness_lufs),
    ]
    return np.array(distances)


def tempo_gap(first: float | None, second: float | None) -> float:
    """In octaves, from 0 to 0.5."""
    if first is None or second is None:
        return float("nan")
    octaves = float(np.log2(first / second))
    return abs(octaves - round(octaves))


def key_steps(first: tuple[int, bool] | None, second: tuple[int, bool] | None) -> float:
    """Steps on the Camelot wheel: a fifth, or between a key and its relative, is one."""
    if first is None or second is None:
        return float("nan")
    hours = [7 * (note + (3 if is_minor else 0)) % 12 for note, is_minor in (first, second)]
    apart = abs(hours[0] - hours[1])
    return float(min(apart, 12 - apart) + (first[1] != second[1]))


def closeness(distances: Vector, random_pairs: Sequence[Vector]) -> dict[str, float | None]:
    """For distances [7]: the share of random pairs that are farther apart; None if unknown."""
    table = np.stack(random_pairs)
    shares: dict[str, float | None] = {}
    for at, name in enumerate(ASPECTS):
        others = table[:, at][~np.isnan(table[:, at])]
        if np.isnan(distances[at]) or not len(others):
            shares[name] = None
        else:
            farther, equal = others > distances[at], others == distances[at]
            shares[name] = float(farther.mean() + equal.mean() / 2)
    return shares


def reasons_for(
    first: Descriptors, second: Descriptors, shares: Mapping[str, float | None]
) -> Reasons:
    """What is unusual, strongest first; tempo and key with their values."""
    named = {name: share for name, share in shares.items() if share is not None}
    strongest = sorted(named, key=lambda name: -named[name])
    is_same_tempo = tempo_gap(first.tempo, second.tempo) <= np.log2(1 + SAME_TEMPO)
    alike = [
        _alike(name, named[name], first, second, is_same_tempo=is_same_tempo)
        for name in strongest
        if named[name] >= LEAST_SHARE
    ]
    different = [
        f"different {name}{_values(name, first, second)}"
        for name in ("key", "tempo", "rhythm", "timbre")
        if name in named and named[name] <= DIFFERENT_SHARE
    ]
    return Reasons(tuple(alike), tuple(different))


def _alike(
    name: str, share: float, first: Descriptors, second: Descriptors, *, is_same_tempo: bool
) -> str:
    values = _values(name, first, second)
    closer = f"closer than {min(int(100 * share), 99)} % of pairs"
    if name == "tempo" and is_same_tempo:
        slow, fast = sorted([first.tempo or 1.0, second.tempo or 1.0])
        return f"same tempo{values}" if fast / slow < 1.5 else f"same tempo, doubled{values}"
    if name == "key":
        steps = key_steps(first.key, second.key)
        return f"same key ({_key(first)})" if steps == 0 else f"related key{values}"
    return f"similar {name} ({closer})" if not values else f"similar {name}{values[:-1]}; {closer})"


def _values(name: str, first: Descriptors, second: Descriptors) -> str:
    if name == "tempo":
        return f" ({first.tempo:.0f}, {second.tempo:.0f})"
    if name == "key":
        return f" ({_key(first)}, {_key(second)})"
    return ""


def _key(described: Descriptors) -> str:
    return "" if described.key is None else key_name(described.key[0], is_minor=described.key[1])


def _difference(first: float | None, second: float | None) -> float:
    return float("nan") if first is None or second is None else abs(first - second)


def _angle(first: Vector, second: Vector) -> float:
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1 - float(first @ second) / lengths if lengths > 1e-12 else 1.0
