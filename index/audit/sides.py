"""What stands on two sides of a split and must not; labels that too few artists have; a split
that mends the first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from embedder.datasets.dataset import Dataset
from embedder.datasets.grouping import LinkedSets
from embedder.datasets.records import SIDES, Side, TrackRow
from embedder.datasets.splitting import split_dataset
from index.audit.results import Certainty, Finding

FEWEST_ARTISTS = 5
SHARES = (0.1, 0.1)
"""Validation and test sides of a split that is drawn anew."""
SIZE_CHANGE = 0.1
_ORDER: Mapping[Side, int] = {"train": 0, "validation": 1, "test": 2, "": 3}


@dataclass(frozen=True, slots=True)
class FixedSplit:
    """A side for every track; `moved` are the keys of those that change it."""

    sides: dict[str, Side]
    moved: tuple[str, ...]
    origin: str
    emptied: tuple[Side, ...] = ()
    """Sides that had tracks and have none any more."""


def leaks(dataset: Dataset, repeats: Sequence[Finding]) -> list[Finding]:
    """Recordings, artists and albums with tracks on several sides."""
    side_of = {row.key: row.split for row in dataset.rows}
    found = [
        Finding(
            "duplicate-across-split",
            repeat.tracks,
            f"{_sides(side_of[key] for key in repeat.tracks)} ({repeat.kind})",
            repeat.certainty,
        )
        for repeat in repeats
        if _n_sides(side_of[key] for key in repeat.tracks) > 1
    ]
    artists: defaultdict[str, list[TrackRow]] = defaultdict(list)
    albums: defaultdict[str, list[TrackRow]] = defaultdict(list)
    for row in dataset.rows:
        if row.group is not None and not row.group.startswith("album:"):
            artists[row.group.partition(":")[2] or row.group].append(row)
        if row.album:
            albums[row.album.strip().casefold()].append(row)
    for kind, named in (("artist-across-split", artists), ("album-across-split", albums)):
        for name, rows in sorted(named.items()):
            if _n_sides(row.split for row in rows) > 1:
                found.append(_leak(kind, name, rows))
    return found


def _leak(kind: str, name: str, rows: Sequence[TrackRow]) -> Finding:
    """Albums of one name by artists that stand apart: a compilation, or many a `Greatest Hits`."""
    why = f"{name}: {_sides(row.split for row in rows)}"
    sides: defaultdict[str | None, set[Side]] = defaultdict(set)
    for row in rows:
        sides[row.group].add(row.split)
    certainty: Certainty = "certain"
    if None not in sides and all(_n_sides(own) < 2 for own in sides.values()):
        why, certainty = f"{why}; by {len(sides)} artists, none of them on two sides", "hint"
    return Finding(kind, tuple(row.key for row in rows), why, certainty)


def rare_labels(
    dataset: Dataset, label_field: str, *, fewest: int = FEWEST_ARTISTS
) -> list[Finding]:
    """Labels of fewer artists than `fewest`; unknown artists count as one each."""
    artists: defaultdict[str, set[str]] = defaultdict(set)
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for row in dataset.rows:
        for label in row.values(label_field):
            artists[label].add(row.group if row.group is not None else f"track {row.key}")
            keys[label].append(row.key)
    return [
        Finding(
            "few-artists",
            tuple(keys[label]),
            f"{label}: {len(names)} artist(s) with {len(keys[label])} tracks; folds or a split "
            "that keep artists apart have little to learn or to ask",
            evidence={"label": label, "n_artists": len(names), "n_tracks": len(keys[label])},
        )
        for label, names in sorted(artists.items())
        if len(names) < fewest
    ]


def fixed_split(dataset: Dataset, *, label_field: str, seed: int = 0) -> FixedSplit:
    """Sides that part neither artist nor recording; repeats stand in `duplicate_of`.

    A stored split is kept where it can be: a group goes where most of its tracks are, at a tie to
    the test side, which is the dearest. Where that would change the size of a side by more than a
    tenth, it goes to that one of its sides that is furthest below the size it had, the largest
    groups first. Tracks without a side stay without. Where there is no split, one is drawn, a tenth
    for validation and a tenth for testing.
    """
    before = {row.key: row.split for row in dataset.rows}
    if not any(before.values()):
        drawn = split_dataset(dataset, label_field=label_field, shares=SHARES, seed=seed)
        return FixedSplit({r.key: r.split for r in drawn.rows}, (), drawn.split_origin)
    links = LinkedSets()
    for row in dataset.rows:
        links.link([f"track {row.key}"])
        if row.group is not None:
            links.link([f"track {row.key}", f"group {row.group}"])
        if row.duplicate_of:
            links.link([f"track {row.key}", f"track {row.duplicate_of}"])
    members: defaultdict[object, list[str]] = defaultdict(list)
    for row in dataset.rows:
        if row.split:
            members[links.root(f"track {row.key}")].append(row.key)
    sides = dict(before)
    wanted = Counter(before.values())
    mixed = [keys for keys in members.values() if _n_sides(before[key] for key in keys) > 1]
    sides |= _by_majority(mixed, before)
    now = Counter(sides.values())
    if any(abs(now[side] - wanted[side]) > SIZE_CHANGE * wanted[side] for side in SIDES):
        sides |= _by_size(mixed, before)
    left = set(sides.values())
    emptied = tuple(side for side in SIDES if wanted[side] and side not in left)
    moved = tuple(key for key in before if sides[key] != before[key])
    return FixedSplit(sides, moved, f"{dataset.split_origin}, groups kept together", emptied)


def _by_majority(groups: Sequence[Sequence[str]], before: Mapping[str, Side]) -> dict[str, Side]:
    sides: dict[str, Side] = {}
    for keys in groups:
        counts = Counter(before[key] for key in keys)
        sides |= dict.fromkeys(keys, max(counts, key=lambda side: (counts[side], _ORDER[side])))
    return sides


def _by_size(groups: Sequence[Sequence[str]], before: Mapping[str, Side]) -> dict[str, Side]:
    sides: dict[str, Side] = {}
    missing = Counter(before[key] for keys in groups for key in keys)
    for keys in sorted(groups, key=len, reverse=True):
        counts = Counter(before[key] for key in keys)
        chosen = max(counts, key=lambda side: (missing[side], counts[side], _ORDER[side]))
        missing[chosen] -= len(keys)
        sides |= dict.fromkeys(keys, chosen)
    return sides


def _n_sides(sides: Iterable[Side]) -> int:
    return len(set(sides) - {""})


def _sides(sides: Iterable[Side]) -> str:
    counts = Counter(sides)
    return ", ".join(f"{counts[side]} {side or 'no side'}" for side in _ORDER if counts[side])
