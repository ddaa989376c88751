"""Orders for a DJ: tempo, key and energy change little from one track to the next.

    tempo   within 6 %, where half and double tempo are the same
    key     on the Camelot wheel: the same, a neighbour, or the relative major or minor
    energy  and sound: the less they change, the better

Pure but for reading the measured values of tracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.catalogue.catalogue import Catalogue
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.playlists.ways.arcs import field_numbers

MIX_FIELDS = ("tempo", "camelot", "energy")
LARGEST_TEMPO_STEP = 0.06
UNKNOWN = 0.5
"""The cost of a step in tempo or key that is not known."""
TEMPO_JUMP = 2.0
"""The cost of a tempo that cannot be mixed; a key that clashes costs 1."""
ENERGY_WEIGHT = 1.5
SOUND_WEIGHT = 0.5
MAX_PASSES = 30
MAX_IMPROVED = 600
"""A longer list is ordered from each track to the cheapest next one, without improvements."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MixValues:
    """What is known of tracks, NaN if it is unknown: [n] each.

    hours: on the Camelot wheel, 0 to 11; is_minor: 0 or 1
    """

    tempi: Matrix
    hours: Matrix
    is_minor: Matrix
    energies: Matrix

    @classmethod
    def read(cls, catalogue: Catalogue, ids: Sequence[int]) -> "MixValues":
        """The values of tracks by their ids."""
        tempi, energies = (field_numbers(catalogue, name) for name in ("tempo", "energy"))
        places = catalogue.field_values("measured.camelot")
        keys = [_place(places.get(track_id, ("",))[0]) for track_id in ids]
        return cls(
            _tempi(tempi, ids),
            np.array([hour for hour, _ in keys]),
            np.array([is_minor for _, is_minor in keys]),
            _numbers(energies, ids),
        )


def mix_tempi(library: OpenLibrary, tracks: Sequence[TrackRecord]) -> Matrix:
    """The tempo of each track, NaN if it is unknown."""
    return _tempi(field_numbers(library.catalogue, "tempo"), [track.id for track in tracks])


def tempo_gaps(tempi: Matrix) -> Matrix:
    """How far tempi [n] are apart, in octaves from 0 to 0.5: half and double are the same."""
    octaves = np.log2(tempi)
    apart = octaves[:, None] - octaves
    gaps: Matrix = np.abs(apart - np.round(apart))
    return gaps


def step_costs(values: MixValues, apart: Matrix) -> Matrix:
    """The cost of each step from one track to another [n, n]; it is symmetric.

    apart: distances between the tracks' vectors [n, n], NaN where a track has none
    """
    limit = np.log2(1 + LARGEST_TEMPO_STEP)
    gaps = tempo_gaps(values.tempi)
    tempo = np.where(gaps <= limit, 0.25 * gaps / limit, TEMPO_JUMP * (1 + gaps))
    hours = np.abs(values.hours[:, None] - values.hours)
    hours = np.minimum(hours, 12 - hours)
    steps = hours + (values.is_minor[:, None] != values.is_minor)
    key = np.select([steps == 0, steps == 1, steps == 2], [0.0, 0.1, 0.6], 1.0)
    key = np.where(np.isnan(hours), np.nan, key)
    energy = ENERGY_WEIGHT * np.abs(values.energies[:, None] - values.energies)
    usual = np.nanmedian(apart) if np.isfinite(apart).any() else 1.0
    sound = SOUND_WEIGHT * apart / max(float(usual), 1e-9)
    parts = (tempo, key, energy, sound)
    costs: Matrix = np.sum([np.where(np.isnan(part), UNKNOWN, part) for part in parts], axis=0)
    return costs


def best_path(costs: Matrix, *, first: int | None = None) -> list[int]:
    """An order of all tracks with a small sum of steps [n, n]; `first` stays first."""
    n = len(costs)
    if n < 3:
        order = list(range(n))
        return order if first in (None, 0) else order[::-1]
    starts = [first] if first is not None else _starts(costs)
    paths = [_cheapest_next(costs, start) for start in starts]
    if n <= MAX_IMPROVED:
        paths = [_improved(path, costs, n_fixed=int(first is not None)) for path in paths]
    return min(paths, key=lambda path: float(costs[path[:-1], path[1:]].sum()))


def _starts(costs: Matrix) -> list[int]:
    """The tracks that are farthest from the others, as an end of the path, and the first one."""
    remotest = np.argsort(-costs.mean(axis=1), kind="stable")[:3].tolist()
    return list(dict.fromkeys([*remotest, 0]))


def _cheapest_next(costs: Matrix, start: int) -> list[int]:
    path, is_open = [start], np.ones(len(costs), dtype=np.bool_)
    is_open[start] = False
    while len(path) < len(costs):
        path.append(int(np.where(is_open, costs[path[-1]], np.inf).argmin()))
        is_open[path[-1]] = False
    return path


def _improved(path: list[int], costs: Matrix, *, n_fixed: int) -> list[int]:
    """Turn stretches around and move tracks while that makes the path cheaper (2-opt, or-opt)."""
    order, n = np.array(path), len(path)
    for _ in range(MAX_PASSES):
        is_better = False
        for i in range(n_fixed, n - 1):
            ends = np.arange(i + 1, n)
            before = costs[order[i - 1], order[i]] if i else 0.0
            turned = costs[order[i - 1], order[ends]] if i else np.zeros(len(ends))
            after = np.append(costs[order[ends[:-1]], order[ends[:-1] + 1]], 0.0)
            joined = np.append(costs[order[i], order[ends[:-1] + 1]], 0.0)
            gains = before + after - turned - joined
            best = int(gains.argmax())
            if gains[best] > 1e-9:
                order[i : ends[best] + 1] = order[i : ends[best] + 1][::-1]
                is_better = True
        moved = _with_moves(order, costs, n_fixed=n_fixed)
        if not is_better and (moved == order).all():
            break
        order = moved
    return [int(row) for row in order]


def _with_moves(order: NDArray[np.int64], costs: Matrix, *, n_fixed: int) -> NDArray[np.int64]:
    """Each track, one after another, at the place where it costs least."""
    for row in order[n_fixed:].tolist():
        rest = order[order != row]
        steps = costs[rest[:-1], rest[1:]]
        to = costs[rest, row]
        # Inserted before rest[0], between two, or after the last one.
        added = np.concatenate([to[:1], to[:-1] + to[1:] - steps, to[-1:]])
        added[:n_fixed] = np.inf
        at = int(np.flatnonzero(order == row)[0])
        best = int(added.argmin())
        if added[best] < added[at] - 1e-9:
            order = np.insert(rest, best, row)
    return order


def _place(camelot: str) -> tuple[float, float]:
    hour, letter = camelot[:-1], camelot[-1:]
    return (int(hour) - 1.0, float(letter == "A")) if hour.isdecimal() else (np.nan, np.nan)


def _tempi(by_id: dict[int, float], ids: Sequence[int]) -> Matrix:
    """A tag may hold 0 for an unknown tempo."""
    numbers = _numbers(by_id, ids)
    return np.where(numbers > 0, numbers, np.nan)


def _numbers(by_id: dict[int, float], ids: Sequence[int]) -> Matrix:
    return np.array([by_id.get(track_id, np.nan) for track_id in ids], dtype=np.float64)
