"""Recordings, artists and albums on two sides of a split; labels of too few artists; a split that
keeps artists and recordings together.
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
"""The shares of validation and test in a newly drawn split."""
SIZE_CHANGE = 0.1
_ORDER: Mapping[Side, int] = {"train": 0, "validation": 1, "test": 2, "": 3}


@dataclass(frozen=True, slots=True)
class FixedSplit:
    """A side for every track; `moved` are the keys of the tracks that change sides."""

    sides: dict[str, Side]
    moved: tuple[str, ...]
    origin: str
    emptied: tuple[Side, ...] = ()
    """Sides that have no track left."""


def leaks(dataset: Dataset, repeats: Sequence[Finding]) -> list[Finding]:
    """Recordings, artists and albums with tracks on several sides."""
    side_of = {row.key: row.split for row in dataset.rows}
    findings = [
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
        for artist in row.artists:
            artists[artist.partition(":")[2]].append(row)
        if row.album:
            albums[row.album.strip().casefold()].append(row)
    for kind, named in (("artist-across-split", artists), ("album-across-split", albums)):
        for name, rows in sorted(named.items()):
            if _n_sides(row.split for row in rows) > 1:
                findings.append(_leak(kind, name, rows))
    return findings


def _leak(kind: str, name: str, rows: Sequence[TrackRow]) -> Finding:
    """A leak; only a hint if no artist of the album is on two sides: a compilation, or several
    albums called `Greatest Hits`.
    """
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
            f"{label}: {len(names)} artist(s) with {len(keys[label])} tracks: too few for folds "
            "or a split that keep artists apart",
            evidence={"label": label, "n_artists": len(names), "n_tracks": len(keys[label])},
        )
        for label, names in sorted(artists.items())
        if len(names) < fewest
    ]


def fixed_split(dataset: Dataset, *, label_field: str, seed: int = 0) -> FixedSplit:
    """Sides that split neither an artist nor a recording; repeats are in `duplicate_of`.

    A stored split changes as little as possible: a group goes to the side with most of its tracks;
    at a tie, to the test side, which is the scarcest. If that changes the size of a side by more
    than a tenth, groups go, largest first, to the one of their sides that is furthest below its old
    size. Tracks without a side stay without. If there is no split, one is drawn: a tenth for
    validation and a tenth for testing.
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
    old_sizes = Counter(before.values())
    mixed = [keys for keys in members.values() if _n_sides(before[key] for key in keys) > 1]
    sides |= _by_majority(mixed, before)
    new_sizes = Counter(sides.values())
    if any(abs(new_sizes[s] - old_sizes[s]) > SIZE_CHANGE * old_sizes[s] for s in SIDES):
        sides |= _by_size(mixed, before)
    used_sides = set(sides.values())
    emptied = tuple(side for side in SIDES if old_sizes[side] and side not in used_sides)
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
