"""Repeats: equal content, one recording encoded or cut differently, the same artist and title.

The second kind is found twice: by fingerprints, and by pictures. Candidates for the latter are near
neighbours and all pairs of one artist's tracks; each pair is then checked by comparing the two
pictures at every offset.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.artist_names import is_artist
from embedder.datasets.dataset import Dataset
from embedder.datasets.duplicates import find_repeats
from embedder.datasets.grouping import LinkedSets
from embedder.datasets.records import TrackRow
from embedder.geometry import Cosine, Geometry
from embedder.metrics.ranking import neighbour_ranking
from index.audit.alignment import Aligner, Fit, Picture
from index.audit.results import Finding
from index.evaluate.copies import Prints, copies_by_sound

N_CANDIDATES = 20
MOST_OF_ONE_ARTIST = 60
LIKELY = (0.4, 0.12)
"""The least likeness and sharpness of one recording: of 14,000 candidate pairs of GTZAN with
different artist or title, none reaches them."""
CERTAIN = (0.5, 0.25)
EQUAL_LIKENESS = 0.9
"""Above it, a pair is a repeat even if many offsets fit, as for a loop."""

Pair = tuple[int, int]


def exact_repeats(dataset: Dataset, *, by_content: bool = True) -> list[Finding]:
    """Equal arrays, files with equal sound, repeats that the table or the library lists."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for position, first in enumerate(find_repeats(dataset, by_content=by_content).sets):
        members[first].append(position)
    rows = dataset.rows
    return [
        _of_one_recording([rows[i] for i in same]) for same in members.values() if len(same) > 1
    ]


def _of_one_recording(rows: Sequence[TrackRow]) -> Finding:
    keys = tuple(row.key for row in rows)
    digests = {row.audio_digest for row in rows}
    if "" not in digests:  # tracks of a library
        if len(digests) > 1:
            return Finding("near-duplicate", keys, "one recording by their stored fingerprints")
        return Finding("exact-duplicate", keys, "equal content")
    is_listed = any(row.duplicate_of for row in rows)
    return Finding("exact-duplicate", keys, "listed as repeats" if is_listed else "equal content")


def same_titles(dataset: Dataset) -> list[Finding]:
    """The same artist and title, ignoring case, accents and punctuation."""
    named: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in dataset.rows:
        if row.title and is_artist(row.artist):
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
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Pairs of one recording. vectors: float32 [tracks, size].

    Tracks without a picture (None) are left out. If a recording has so many copies that they fill
    all neighbour lists, the search is repeated with one track of each set of copies, until it
    finds nothing new; of such a set, only the pairs that connect it are reported.
    """
    blank = np.zeros((next(p.shape[0] for p in pictures if p is not None), 1), dtype=np.float32)
    aligner = Aligner([blank if picture is None else picture for picture in pictures])
    fits: list[tuple[Pair, Fit]] = []
    tried: set[Pair] = set()
    sets, remaining = LinkedSets(), list(range(len(pictures)))
    while len(remaining) > 1:
        candidates = _candidates(
            dataset.subset(remaining),
            [pictures[i] for i in remaining],
            vectors[remaining],
            geometry or Cosine(),
        )
        pairs = sorted({(remaining[a], remaining[b]) for a, b in candidates} - tried)
        tried.update(pairs)
        new = []
        for n_done, (first, second) in enumerate(pairs, start=1):
            fit = aligner.fit(first, second)
            if is_repeat(fit):
                new.append(((first, second), fit))
                sets.link([first, second])
            if on_progress is not None and n_done % 1000 == 0:
                on_progress(n_done, len(pairs))
        fits += new
        sizes = Counter(sets.root(i) for i in range(len(pictures)))
        if not new or max(sizes.values()) <= N_CANDIDATES:
            break
        remaining = list({sets.root(i): i for i in reversed(remaining)}.values())[::-1]
    fits.sort(key=lambda pair_and_fit: -pair_and_fit[1].sharpness)
    return [_finding(dataset, *pair, fit) for pair, fit in _reported(fits)]


def with_prints(
    near: Sequence[Finding], exact: Sequence[Finding], dataset: Dataset, prints: Prints
) -> list[Finding]:
    """The near repeats and the pairs that fingerprints show; such a pair is certain."""
    findings = {frozenset(finding.tracks): finding for finding in near}
    equal = LinkedSets()
    for finding in exact:
        equal.link(finding.tracks)
    for first, second, likeness in copies_by_sound(dataset, prints):
        keys = dataset.rows[first].key, dataset.rows[second].key
        if equal.root(keys[0]) == equal.root(keys[1]):
            continue
        why = f"{likeness:.0%} more equal bits of their fingerprints than by chance"
        by_picture = findings.get(frozenset(keys))
        evidence = {"fingerprint_likeness": round(likeness, 3)}
        if by_picture is not None:
            why, evidence = f"{by_picture.why}; {why}", {**by_picture.evidence, **evidence}
        findings[frozenset(keys)] = Finding("near-duplicate", keys, why, "certain", evidence)
    return list(findings.values())


def _reported(fits: Sequence[tuple[Pair, Fit]]) -> list[tuple[Pair, Fit]]:
    """All pairs of small sets; of large sets only the pairs that connect them, sharpest first."""
    whole, growing = LinkedSets(), LinkedSets()
    for pair, _ in fits:
        whole.link(pair)
    sizes = Counter(whole.root(i) for i in {i for pair, _ in fits for i in pair})
    reported = []
    for pair, fit in fits:
        connects = growing.root(pair[0]) != growing.root(pair[1])
        growing.link(pair)
        if connects or sizes[whole.root(pair[0])] <= N_CANDIDATES:
            reported.append((pair, fit))
    return reported


def is_repeat(fit: Fit, *, limits: tuple[float, float] = LIKELY) -> bool:
    """Whether a fit is too good for two different recordings."""
    likeness, sharpness = limits
    return fit.likeness >= EQUAL_LIKENESS or (
        fit.likeness >= likeness and fit.sharpness >= sharpness
    )


def with_repeats(dataset: Dataset, findings: Sequence[Finding]) -> Dataset:
    """The same tracks with the given repeats in `duplicate_of`."""
    positions = {row.key: i for i, row in enumerate(dataset.rows)}
    links = LinkedSets()
    for finding in findings:
        if finding.kind in ("exact-duplicate", "near-duplicate", "same-title"):
            links.link([positions[key] for key in finding.tracks])
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
) -> set[Pair]:
    pairs: set[Pair] = set()
    near = neighbour_ranking(vectors, vectors, geometry=geometry, k=N_CANDIDATES, same_set=True)
    for first, neighbours in enumerate(near.rows.tolist()):
        pairs |= {(min(first, other), max(first, other)) for other in neighbours if other >= 0}
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(dataset.rows):
        for name in row.artists or ({row.group} if row.group is not None else ()):
            groups[name].append(i)
    for members in groups.values():
        if len(members) <= MOST_OF_ONE_ARTIST:
            pairs |= set(combinations(members, 2))
    has_picture = [picture is not None for picture in pictures]
    return {(a, b) for a, b in pairs if has_picture[a] and has_picture[b]}


def _finding(dataset: Dataset, first: int, second: int, fit: Fit) -> Finding:
    is_certain = is_repeat(fit, limits=CERTAIN)
    return Finding(
        "near-duplicate",
        (dataset.rows[first].key, dataset.rows[second].key),
        f"likeness {fit.likeness:.2f} at one offset, {fit.sharpness:.2f} above all others",
        "certain" if is_certain else "likely",
        {
            "likeness": round(fit.likeness, 3),
            "sharpness": round(fit.sharpness, 3),
            "offset_columns": fit.offset,
        },
    )


def _plain(text: str) -> str:
    """The text without case, accents and punctuation; text in brackets (live, remix) stays."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    words = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(words.split())
