"""Paths from one track to another: no step backward, even spacing, and a note on long steps."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from index.library import Library
from tests.index.playlists.asking import END, MIDDLE, START, N, ids, playlist_of
from tests.index.playlists.playlist_library import Song, line_of_styles, progress, write_library


@pytest.mark.parametrize("length", [2, 5, 12, 40])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_path_moves_steadily(library: Library, length: int, seed: int) -> None:
    """From the first to the last track: no step backward, none much longer than an even one."""
    playlist = playlist_of(library, START, to=END, length=length, seed=seed)
    assert len(playlist.tracks) == length
    assert (ids(playlist)[0], ids(playlist)[-1]) == (int(START), int(END))
    shares = progress(library, ids(playlist))
    steps = np.diff(shares)
    assert steps.min() >= -1e-5
    assert steps.max() <= 3.0 / (length - 1)
    assert playlist.notes == ()


def test_a_path_passes_its_way_points(library: Library) -> None:
    """In their order, and steadily on each leg."""
    playlist = playlist_of(library, START, to=END, via=(MIDDLE,), length=21)
    order = ids(playlist)
    middle = order.index(int(MIDDLE))
    assert 6 <= middle <= 14
    assert np.diff(progress(library, order[: middle + 1])).min() >= -1e-5
    assert np.diff(progress(library, order[middle:])).min() >= -1e-5


def test_a_path_over_a_gap_says_so(tmp_path: Path) -> None:
    """Two styles and nothing between them: the step across is named, the path is not empty."""
    songs, vectors = line_of_styles(400)
    rows = [n for n in range(400) if n < 120 or n >= 280]
    some = [songs[n] for n in rows]
    with write_library(tmp_path / "library", some, vectors[rows]) as library:
        playlist = playlist_of(library, "10", to="230", length=12)
    assert len(playlist.tracks) >= 8
    assert any("is long" in note for note in playlist.notes)


def told_long(steps: list[float], whole: list[float], far: float) -> list[bool]:
    """Which steps of a path, as straight lines, have to be told of; `whole`: each one's leg shared
    out evenly; `far`: how far any two tracks usually lie apart.
    """
    middle = sorted(steps)[len(steps) // 2] if len(steps) % 2 else float(np.median(steps))
    return [
        step > 1.5 * max(even, middle) or (step > far and step > 1.5 * even)
        for step, even in zip(steps, whole, strict=True)
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("length", [4, 9, 16])
def test_every_long_step_is_told(tmp_path: Path, length: int, seed: int) -> None:
    """In clumps of tracks with nothing between: just the steps that a plain loop over them finds
    are marked, and the notes name the longest.
    """
    rng = np.random.default_rng(seed)
    clumps = rng.standard_normal((7, 8))
    vectors = (clumps[rng.integers(7, size=90)] + 0.25 * rng.standard_normal((90, 8))).astype("f4")
    songs = [Song(f"Song {n}", artist=f"Artist {n}") for n in range(90)]
    with write_library(tmp_path / "library", songs, vectors) as library:
        playlist = playlist_of(library, "1", to="90", length=length, seed=seed)
        units = library.vectors(list(range(1, 91))).astype(float)
    way = [units[track_id - 1] for track_id in ids(playlist)]
    steps = [float(np.linalg.norm(b - a)) for a, b in pairwise(way)]
    even = float(np.linalg.norm(way[-1] - way[0])) / len(steps)
    apart = [np.linalg.norm(units[i] - units[j]) for i in range(90) for j in range(90) if i != j]
    marked = [place.is_long_step for place in playlist.tracks]
    close = 0.05 * float(np.median(apart))  # what is far is measured on some of the pairs
    for at, (step, *flags) in enumerate(
        zip(
            steps,
            told_long(steps, [even] * len(steps), float(np.median(apart)) - close),
            told_long(steps, [even] * len(steps), float(np.median(apart)) + close),
            strict=True,
        )
    ):
        if flags[0] == flags[1]:
            assert marked[at + 1] == flags[0], (at, step)
    assert not marked[0]
    assert bool(playlist.notes) == any(marked)
    long_steps = [place for place in playlist.to_json()["tracks"] if place["long_step"]]
    assert [place["position"] for place in long_steps] == [
        at + 1 for at, is_long in enumerate(marked) if is_long
    ]
    if long_steps:
        longest = max(long_steps, key=lambda place: place["step"])
        assert f"“{longest['title']}” is long: {longest['step']:.2f}" in playlist.notes[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_path_is_no_worse_than_by_chance(library: Library, seed: int) -> None:
    """Its longest step is shorter than that of the same tracks' places drawn at random, a hundred
    times, along the same way.
    """
    playlist = playlist_of(library, START, to=END, length=10, seed=seed)
    longest = max(place.step or 0.0 for place in playlist.tracks)
    rng = np.random.default_rng(seed)
    units = library.vectors(list(range(1, N + 1)))
    along = (units - units[int(START) - 1]) @ (units[int(END) - 1] - units[int(START) - 1])
    between = np.flatnonzero((along > 0) & (along < along[int(END) - 1]))
    for _ in range(100):
        some = rng.choice(between, 8, replace=False)
        drawn = [int(START) - 1, *some[np.argsort(along[some])], int(END) - 1]
        assert longest < max(1 - float(units[a] @ units[b]) for a, b in pairwise(drawn))
