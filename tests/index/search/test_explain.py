"""Explanations of neighbours: stretches, and what is unusually alike among planted twins."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.features.measuring import descriptors
from embedder.features.measuring.descriptors import (
    Descriptors,
    descriptors_from,
    measure_descriptors,
)
from embedder.features.measuring.records import Measured, TrackSound, Values
from index.catalogue.vector_rows import TrackExcerpts
from index.library import Library
from index.search.aspects import (
    ASPECTS,
    NO_REASON,
    NOT_MEASURED,
    Reasons,
    aspect_distances,
    closeness,
    key_steps,
    reasons_for,
)
from index.search.request import SearchRequest
from index.search.stretches import N_STRETCHES, matching_stretches
from index.vectors.distances import Space
from tests.index.vector_library import library_of, unit_vectors

RATE = 44_100
SECONDS = 8
PATTERNS = ("x.x.x.x.", "x..x..x.", "xxxxxxxx", "x...x...", "x.xx.xx.", "xx.x.x..")
TEMPI = (84, 96, 104, 112, 126, 138)
ROOTS = (0, 2, 3, 5, 7, 10)
TIMBRES = (1, 2, 3, 5, 8, 12)


def song(timbre: int, pattern: int, root: int, *, minor: bool = False) -> Descriptors:
    """Chords of a number of overtones, struck in a pattern at its tempo, on a root."""
    times = np.arange(SECONDS * RATE) / RATE
    step = 30 / TEMPI[pattern]
    strokes = np.zeros(len(times))
    marks = itertools.cycle(PATTERNS[pattern])
    for at, mark in zip(np.arange(0, SECONDS, step), marks, strict=False):
        since = times - at
        strokes += np.where((since >= 0) & (mark == "x"), np.exp(-9 * np.maximum(since, 0)), 0)
    sound = np.zeros(len(times))
    for note in (0, 3 if minor else 4, 7, 12):
        pitch = 130.8 * 2 ** ((note + root) / 12)
        for overtone in range(1, TIMBRES[timbre] + 1):
            sound += np.sin(2 * np.pi * pitch * overtone * times) / overtone**0.7
    noise = np.random.default_rng(timbre).standard_normal(len(times)) * 0.002 * timbre
    samples = (0.02 * sound * strokes + noise * strokes).astype(np.float32)
    described = descriptors_from(measure_descriptors(TrackSound(samples, RATE, 0.0)).data)
    assert described is not None
    return described


@pytest.fixture(scope="module")
def library_pairs() -> list[np.ndarray]:
    """The distances of all pairs of twelve songs that have little in common."""
    chance = np.random.default_rng(0)
    songs = [
        song(at % 6, int(chance.integers(6)), ROOTS[int(chance.integers(6))], minor=at % 3 == 0)
        for at in range(12)
    ]
    return [aspect_distances(*pair) for pair in itertools.combinations(songs, 2)]


TWINS = {
    "timbre": (song, (1, 0, 0), (1, 5, 2)),
    "rhythm": (song, (0, 3, 0), (5, 3, 6)),
    "transposed": (song, (2, 1, 0), (2, 1, 6)),
}


def explained(kind: str, pairs: list[np.ndarray]) -> tuple[Reasons, dict[str, float | None]]:
    make, first, second = TWINS[kind]
    a, b = make(*first), make(*second)
    shares = closeness(aspect_distances(a, b), pairs)
    return reasons_for(a, b, shares), shares


def test_a_twin_in_timbre_is_explained_by_timbre(library_pairs: list[np.ndarray]) -> None:
    """The same instrument in another rhythm and key: timbre is named, rhythm is not."""
    reasons, shares = explained("timbre", library_pairs)
    sentence = reasons.sentence
    assert "similar timbre (closer than" in sentence
    assert "similar rhythm" not in sentence
    assert (shares["rhythm"] or 0) < 0.7


def test_a_twin_in_rhythm_is_explained_by_rhythm(library_pairs: list[np.ndarray]) -> None:
    """The same pattern on another instrument: rhythm and tempo are named, timbre is not."""
    sentence = explained("rhythm", library_pairs)[0].sentence
    assert "similar rhythm" in sentence
    assert "same tempo" in sentence
    assert "similar timbre" not in sentence


def test_a_transposed_twin_has_another_key(library_pairs: list[np.ndarray]) -> None:
    """Six semitones higher: timbre, rhythm and harmony stay, and the key is named different."""
    sentence = explained("transposed", library_pairs)[0].sentence
    assert {"similar rhythm", "similar harmony"} <= {s for s in SAID if s in sentence}
    assert "different key (C, F#)" in sentence


SAID = [f"similar {name}" for name in ASPECTS]


def test_true_explanations_are_told_from_shuffled_ones(library_pairs: list[np.ndarray]) -> None:
    """Each sentence fits the pair that it is about better than the other pairs."""
    told = {kind: explained(kind, library_pairs) for kind in TWINS}

    def fit(reasons: Reasons, shares: dict[str, float | None]) -> float:
        alike = [
            shares[name] or 0.0
            for name in ASPECTS
            if any(f" {name} (" in reason for reason in reasons.reasons)
        ]
        apart = [
            1 - (shares[name] or 0.0)
            for name in ASPECTS
            if any(f" {name}" in difference for difference in reasons.differences)
        ]
        return float(np.mean([*alike, *apart]))

    for kind, (reasons, _) in told.items():
        fits = {other: fit(reasons, shares) for other, (_, shares) in told.items()}
        assert max(fits, key=fits.__getitem__) == kind, fits


def test_nothing_unusual_is_no_reason() -> None:
    """Closer than 69 % of pairs is not enough, 70 % is."""
    plain = Descriptors(np.ones(19), np.ones(96), np.ones(12), 120.0, (0, False), -10.0, -14.0)
    shares: dict[str, float | None] = dict.fromkeys(ASPECTS, 0.69)
    assert reasons_for(plain, plain, shares).sentence == NO_REASON
    assert reasons_for(plain, plain, shares | {"key": 0.7}).reasons == ("same key (C)",)
    doubled = replace(plain, tempo=61.0)
    assert reasons_for(plain, doubled, {"tempo": 0.9}).reasons == ("same tempo, doubled (120, 61)",)
    assert key_steps((9, True), (0, False)) == 1


def test_closeness_is_a_share() -> None:
    """Nearer than all usual pairs is 1, farther than all is 0, equal to one of two is between."""
    usual = [np.full(7, 1.0), np.full(7, 2.0)]
    shares = closeness(np.array([0.5, 3.0, 1.0, np.nan, 1.5, 1.5, 1.5]), usual)
    assert [shares[name] for name in ASPECTS] == [1.0, 0.0, 0.75, None, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("n_query", [1, 2, 5])
def test_stretches_are_the_nearest_pairs(n_query: int) -> None:
    """As a loop over all pairs finds them; each stretch is named once."""
    query, hit = unit_vectors(n_query, seed=1), unit_vectors(4, seed=2)
    starts = np.arange(5, dtype=np.float32)
    stretches = matching_stretches(
        Space(),
        TrackExcerpts(query, starts[:n_query], 3.0),
        TrackExcerpts(hit, starts[:4], 3.0),
    )
    left = {(a, b): 1 - float(query[a] @ hit[b]) for a in range(n_query) for b in range(4)}
    for first, second, distance in stretches:
        nearest = min(left, key=lambda pair: left[pair])
        assert (first, second) == nearest
        assert distance == pytest.approx(left[nearest], abs=1e-6)
        left = {p: d for p, d in left.items() if p[0] != first and p[1] != second}
    assert len(stretches) == min(n_query, 4, N_STRETCHES)


def test_what_was_not_measured_still_has_stretches(tmp_path: Path) -> None:
    """Stored excerpts are compared, and the sentence says how to measure."""
    library = library_of(tmp_path / "library", unit_vectors(8))
    for neighbour in library.search(SearchRequest(("1",), k=3, explain=True)).neighbours:
        reasons = neighbour.explanation or {}
        assert len(reasons["stretches"]) == 2
        assert reasons["stretches"][0]["seconds"] in ([0.0, 3.0], [5.0, 8.0])
        assert [reasons[name] for name in ASPECTS] == [None] * 7
        assert reasons["sentence"] == NOT_MEASURED


def test_explanations_read_no_file(tmp_path: Path) -> None:
    """What was measured at index is enough: the library's files do not exist."""
    library: Library = library_of(tmp_path / "library", unit_vectors(8))
    chance = np.random.default_rng(3)
    with library.writing() as catalogue, catalogue.database.transaction():
        for track_id in range(1, 9):
            values = chance.uniform(0.1, 1, (127,))
            described = Descriptors(
                values[:19], values[19:115], values[115:], 100.0, (2, True), -9.0, -12.0
            )
            record = Measured(
                descriptors.NAME, descriptors.VERSION, Values(data=described.to_bytes())
            )
            catalogue.measured.put(track_id, [record])
    (neighbour,) = library.search(SearchRequest(("1",), k=1, explain=True)).neighbours
    assert neighbour.explanation is not None
    assert 0 <= neighbour.explanation["timbre"] <= 1
    assert neighbour.explanation["tempo"] == 0.5
    assert neighbour.explanation["compared_with"].startswith("/")
