"""Repeats: equal content, the same recording encoded or cut otherwise, the same artist and title.

Candidates for the second come from vectors (who is near whom) and from artists (all pairs of one);
each is then confirmed by sliding the two pictures along each other.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.dataset import Dataset
from embedder.datasets.duplicates import find_repeats
from embedder.datasets.grouping import LinkedSets, is_known_artist
from embedder.geometry import Cosine, Geometry
from embedder.metrics.ranking import neighbour_ranking
from index.audit.alignment import Aligner, Fit, Picture
from index.audit.results import Finding

N_CANDIDATES = 20
MOST_OF_ONE_ARTIST = 60
LIKELY = (0.4, 0.12)
"""Likeness and sharpness from which on two tracks are one recording: of 14,000 candidates of GTZAN
that are not the same by artist and title, none gets there."""
CERTAIN = (0.5, 0.25)
EQUAL_LIKENESS = 0.9
"""Above it, a loop is likely too, though many offsets fit."""

Pair = tuple[int, int]


def exact_repeats(dataset: Dataset, *, by_content: bool = True) -> list[Finding]:
    """Equal arrays, equal sound in files, and what the table itself calls a repeat."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for position, first in enumerate(find_repeats(dataset, by_content=by_content).sets):
        members[first].append(position)
    rows = dataset.rows
    return [
        Finding(
            "exact-duplicate",
            tuple(rows[i].key for i in same),
            "listed as repeats" if any(rows[i].duplicate_of for i in same) else "equal content",
        )
        for same in members.values()
        if len(same) > 1
    ]


def same_titles(dataset: Dataset) -> list[Finding]:
    """The same artist and title, whatever case, accents and punctuation say."""
    named: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in dataset.rows:
        if row.title and is_known_artist(row.artist):
            named[_plain(row.artist), _plain(row.title)].append(row.key)
    return [
        Finding("same-title", tuple(keys), f"{artist}: {title}", "likely")
        for (artist, title), keys in named.items()
        if len(keys) > 1
    ]


def near_repeats(
    dataset: Dataset,
    pictures: Sequence[Picture | None],
    *,
    vectors: NDArray[np.float32],
    geometry: Geometry | None = None,
    known: Sequence[Finding] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Pairs that fit at one offset. vectors: float32 [tracks, size]; `known` sets are left out.

    Tracks without a picture (None) are not looked at. Where one recording is there so often that
    a track's neighbours are all copies of it, one of each set found so far stands for it and meets
    the others once more, until nothing new is found; of such a set the pairs that hold it together
    are named, and not all.
    """
    blank = np.zeros((next(p.shape[0] for p in pictures if p is not None), 1), dtype=np.float32)
    aligner = Aligner([blank if picture is None else picture for picture in pictures])
    found: list[tuple[Pair, Fit]] = []
    tried: set[Pair] = set()
    sets, standing = LinkedSets(), list(range(len(pictures)))
    while len(standing) > 1:
        near = _candidates(
            dataset.subset(standing),
            [pictures[i] for i in standing],
            vectors[standing],
            geometry or Cosine(),
            known,
        )
        pairs = sorted({(standing[a], standing[b]) for a, b in near} - tried)
        tried.update(pairs)
        new = []
        for n_done, (first, second) in enumerate(pairs, start=1):
            fit = aligner.fit(first, second)
            if is_repeat(fit):
                new.append(((first, second), fit))
                sets.link([first, second])
            if on_progress is not None and n_done % 1000 == 0:
                on_progress(n_done, len(pairs))
        found += new
        sizes = Counter(sets.root(i) for i in range(len(pictures)))
        if not new or max(sizes.values()) <= N_CANDIDATES:
            break
        standing = list({sets.root(i): i for i in reversed(standing)}.values())[::-1]
    found.sort(key=lambda one: -one[1].sharpness)
    return [_finding(dataset, *pair, fit) for pair, fit in _telling(found)]


def _telling(found: Sequence[tuple[Pair, Fit]]) -> list[tuple[Pair, Fit]]:
    """All pairs of small sets; of large ones those that join what was apart, the clearest first."""
    whole, growing = LinkedSets(), LinkedSets()
    for pair, _ in found:
        whole.link(pair)
    sizes = Counter(whole.root(i) for i in {i for pair, _ in found for i in pair})
    kept = []
    for pair, fit in found:
        joins = growing.root(pair[0]) != growing.root(pair[1])
        growing.link(pair)
        if joins or sizes[whole.root(pair[0])] <= N_CANDIDATES:
            kept.append((pair, fit))
    return kept


def is_repeat(fit: Fit, *, limits: tuple[float, float] = LIKELY) -> bool:
    """Whether a fit is too good for two recordings."""
    likeness, sharpness = limits
    return fit.likeness >= EQUAL_LIKENESS or (
        fit.likeness >= likeness and fit.sharpness >= sharpness
    )


def with_repeats(dataset: Dataset, findings: Sequence[Finding]) -> Dataset:
    """The same tracks with the given repeats written down as `duplicate_of`."""
    places = {row.key: i for i, row in enumerate(dataset.rows)}
    links = LinkedSets()
    for finding in findings:
        if finding.kind in ("exact-duplicate", "near-duplicate", "same-title"):
            links.link([places[key] for key in finding.tracks])
    first_of: dict[object, str] = {}
    rows = []
    for i, row in enumerate(dataset.rows):
        first = first_of.setdefault(links.root(i), row.key)
        rows.append(replace(row, path=None, duplicate_of=first if first != row.key else ""))
    return replace(dataset, rows=tuple(rows), store=None, extra_vectors={})


def _candidates(
    dataset: Dataset,
    pictures: Sequence[Picture | None],
    vectors: NDArray[np.float32],
    geometry: Geometry,
    known: Sequence[Finding],
) -> set[Pair]:
    pairs: set[Pair] = set()
    near = neighbour_ranking(vectors, vectors, geometry=geometry, k=N_CANDIDATES, same_set=True)
    for first, row in enumerate(near.rows.tolist()):
        pairs |= {(min(first, other), max(first, other)) for other in row if other >= 0}
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(dataset.rows):
        if one.group is not None:
            groups[one.group].append(i)
    for members in groups.values():
        if len(members) <= MOST_OF_ONE_ARTIST:
            pairs |= set(combinations(members, 2))
    places = {row.key: i for i, row in enumerate(dataset.rows)}
    for finding in known:
        pairs -= set(combinations(sorted(places[key] for key in finding.tracks), 2))
    heard = [picture is not None for picture in pictures]
    return {(a, b) for a, b in pairs if heard[a] and heard[b]}


def _finding(dataset: Dataset, first: int, second: int, fit: Fit) -> Finding:
    certain = is_repeat(fit, limits=CERTAIN)
    return Finding(
        "near-duplicate",
        (dataset.rows[first].key, dataset.rows[second].key),
        f"alike {fit.likeness:.2f} at one offset, {fit.sharpness:.2f} above all others",
        "certain" if certain else "likely",
        {
            "likeness": round(fit.likeness, 3),
            "sharpness": round(fit.sharpness, 3),
            "offset_columns": fit.offset,
        },
    )


def _plain(text: str) -> str:
    """Without case, accents and punctuation; what stands in brackets (live, remix) matters."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(kept.split())
