"""Fingerprints: equal for one recording, however it was changed, and for nothing else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.features.measuring.fingerprint import Comparison, Match, fingerprint, words_of
from embedder.features.measuring.records import TrackSound
from tests.melodies import melody

RATE = 44100
SECONDS = 12.0


@pytest.fixture(scope="module")
def song() -> NDArray[np.float32]:
    return melody(SECONDS, seed=1, rate=RATE)


def printed(samples: NDArray[np.float32]) -> bytes:
    return fingerprint(TrackSound(samples, RATE, 0.0)).data


def compared(first: NDArray[np.float32], second: NDArray[np.float32]) -> Match:
    return Comparison().matches(printed(first), [printed(second)])[0]


def test_a_sound_matches_itself_alone(song: NDArray[np.float32]) -> None:
    """Another song of the same kind agrees in half of the bits, as by chance."""
    assert compared(song, song) == Match(1.0, 0.0, is_copy=True)
    other = compared(song, melody(SECONDS, seed=2, rate=RATE))
    assert not other.is_copy
    assert other.likeness < 0.3


@pytest.mark.parametrize("gain", [0.05, 3.0])
def test_the_level_does_not_count(song: NDArray[np.float32], gain: float) -> None:
    """A quieter copy has nearly the same bits."""
    assert compared(song, np.float32(gain) * song).likeness > 0.95


@pytest.mark.parametrize("cut_seconds", [2.0, 3.3])
def test_a_cut_is_found_where_it_is(song: NDArray[np.float32], cut_seconds: float) -> None:
    """The offset is the length of the cut, and the other way round its negative."""
    rest = song[round(cut_seconds * RATE) :]
    forth, back = compared(song, rest), compared(rest, song)
    assert forth.is_copy
    assert back.is_copy
    assert forth.likeness == pytest.approx(back.likeness, abs=1e-6)
    assert forth.offset_seconds == pytest.approx(cut_seconds, abs=0.1)
    assert back.offset_seconds == pytest.approx(-cut_seconds, abs=0.1)


def test_silence_says_nothing(song: NDArray[np.float32]) -> None:
    """Two songs that share a long silence share no sound."""
    silence = np.zeros(8 * RATE, dtype=np.float32)
    other = melody(SECONDS, seed=2, rate=RATE)
    match = compared(np.concatenate([song, silence]), np.concatenate([silence, other]))
    assert not match.is_copy
    assert np.count_nonzero(words_of(printed(np.concatenate([song, silence])))) < 140


@pytest.mark.parametrize("n_samples", [1, 1000, RATE])
def test_too_little_sound_has_no_fingerprint(n_samples: int) -> None:
    """Such tracks are copies only if their audio is equal."""
    assert printed(melody(1.0, seed=3, rate=RATE)[:n_samples]) == b""
    assert printed(np.zeros(20 * RATE, dtype=np.float32)) == b""


def test_thirty_seconds_take_640_bytes() -> None:
    """A hundred thousand tracks take 64 MB."""
    assert 600 < len(printed(melody(30.0, seed=4, rate=RATE))) <= 640
