"""The table of words finds the pairs that comparing all pairs of fingerprints finds."""

from itertools import combinations

import numpy as np
import pytest

from embedder.features.measuring.fingerprint import Comparison
from embedder.features.measuring.print_table import BLOCK, PrintTable, copy_pairs

N_FRAMES = 330


def random_print(rng: np.random.Generator, n_frames: int = N_FRAMES) -> bytes:
    """Words that are sustained for some frames, as those of music are."""
    words = np.repeat(rng.integers(1, 1 << 16, n_frames), rng.integers(1, 4, n_frames))
    return words[:n_frames].astype("<u2").tobytes()


def distorted(data: bytes, rng: np.random.Generator, *, share: float, cut: int = 0) -> bytes:
    """The print without its first frames, with this share of its bits changed."""
    words = np.frombuffer(data, dtype="<u2")[cut:]
    bits = rng.random((len(words), 16)) < share
    return (words ^ (bits << np.arange(16)).sum(axis=1).astype(np.uint16)).astype("<u2").tobytes()


@pytest.fixture(scope="module")
def prints() -> list[bytes]:
    """30 tracks; the first five come again with changed bits, and cut."""
    rng = np.random.default_rng(1)
    originals = [random_print(rng) for _ in range(25)]
    copies = [distorted(data, rng, share=0.12, cut=7 * i) for i, data in enumerate(originals[:5])]
    return [*originals, *copies]


def test_the_pairs_are_those_of_an_exhaustive_comparison(prints: list[bytes]) -> None:
    """The five copies, and no other pair."""
    comparison = Comparison()
    expected = {
        (a, b)
        for a, b in combinations(range(len(prints)), 2)
        if comparison.matches(prints[a], [prints[b]])[0].is_copy
    }
    assert {(a, b) for a, b, _ in copy_pairs(prints)} == expected == {(i, 25 + i) for i in range(5)}


def test_copies_in_different_blocks_are_found(prints: list[bytes]) -> None:
    """A table holds some tracks only; pairs across tables are found once."""
    rng = np.random.default_rng(2)
    filling = [random_print(rng, 48) for _ in range(BLOCK)]
    pairs = [(a, b) for a, b, _ in copy_pairs([prints[0], *filling, b"", prints[25]])]
    assert pairs == [(0, BLOCK + 2)]


def test_a_held_note_is_no_copy() -> None:
    """Two tracks that hold the same word for long share one change, not a recording."""
    held = np.full(300, 77, dtype="<u2").tobytes()
    assert not len(PrintTable([held]).candidates([held, b""]))
