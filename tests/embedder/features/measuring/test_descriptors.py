"""Tempo, key, energy and loudness of sounds whose values are known."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal

from embedder.datasets.synthesis.artists import artist_of
from embedder.datasets.synthesis.mixing import mix
from embedder.datasets.synthesis.score import Part
from embedder.datasets.synthesis.songs import sketch_song, style_of
from embedder.features.measuring.descriptors import (
    Descriptors,
    descriptors_from,
    measure_descriptors,
)
from embedder.features.measuring.key import camelot, key_name
from embedder.features.measuring.loudness import _HIGH_PASS_POLES, _SHELF_POLES, integrated_loudness
from embedder.features.measuring.records import TrackSound

RATE = 44_100


def sine(hertz: float, decibels: float, seconds: float) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def fields_of(samples: np.ndarray) -> dict[str, str]:
    mono = samples.mean(axis=0) if samples.ndim == 2 else samples
    sound = TrackSound(mono.astype(np.float32), RATE, 0.0)
    return dict(measure_descriptors(sound).fields)


def played(style: str, tempo_bpm: float, *, parts: slice = slice(None)) -> np.ndarray:
    """A song of a style at a tempo, by some of its instruments: [2, samples]."""
    chosen, generator = style_of(style), np.random.default_rng(1)
    artist = replace(artist_of(chosen, seed=0, number=0), tempo_bpm=tempo_bpm)
    sketch = sketch_song(chosen, artist, seconds=12, generator=generator)
    sketch = replace(sketch, tempo_bpm=tempo_bpm, root=48, scale="major")
    arranged: list[Part] = chosen.arrange(sketch, artist, generator)
    return mix(
        arranged[parts],
        sketch,
        production=artist.production,
        n_samples=12 * RATE,
        sample_rate=RATE,
        generator=generator,
    )


@pytest.mark.parametrize(
    ("samples", "lufs"),
    [
        (sine(997, -23, 20), -23.0),
        (sine(997, -33, 20), -33.0),
        (np.concatenate([sine(997, -36, 10), sine(997, -23, 60), sine(997, -36, 10)]), -23.0),
        (np.concatenate([sine(997, -72, 10), sine(997, -23, 10)]), -23.0),
        (np.concatenate([sine(997, -26, 20), sine(997, -20, 20.1), sine(997, -26, 20)]), -23.0),
    ],
)
def test_loudness_of_the_test_signals(samples: np.ndarray, lufs: float) -> None:
    """EBU Tech 3341, signals 1 to 5 in length and level, the same in both speakers: 0.1 LU."""
    assert integrated_loudness(TrackSound(samples, RATE, 0.0)) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("hertz", [50, 200, 2000, 8000])
def test_loudness_is_that_of_the_filters_in_time(hertz: float) -> None:
    """The standard's two filters over time at 48 kHz give the same within 0.05 LU."""
    times = np.arange(5 * 48_000) / 48_000
    samples = (0.1 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)
    filters = [
        (1.53512485958697, -2.69169618940638, 1.19839281085285, *_SHELF_POLES),
        (1.0, -2.0, 1.0, *_HIGH_PASS_POLES),
    ]
    weighted = scipy.signal.sosfilt(filters, samples.astype(np.float64))
    expected = -0.691 + 10 * np.log10(2 * np.square(weighted).mean())
    assert integrated_loudness(TrackSound(samples, 48_000, 0.0)) == pytest.approx(
        expected, abs=0.05
    )


def test_silence_and_a_single_sample_have_no_values() -> None:
    """Nothing is measured, and nothing fails."""
    for n in (0, 1, 4096):
        assert not fields_of(np.zeros(n, dtype=np.float32))
    assert "measured.tempo" not in fields_of(np.ones(1, dtype=np.float32))


@pytest.mark.parametrize("tempo_bpm", [84, 100, 122])
def test_tempo_of_a_song(tempo_bpm: float) -> None:
    """Dance music at a known tempo is measured within 1 %, and not at its half or double."""
    measured = float(fields_of(played("dance", tempo_bpm))["measured.tempo"])
    assert measured == pytest.approx(tempo_bpm, rel=0.01)


def test_key_of_a_song() -> None:
    """A piano in C major is in C, which is 8B; another tuning does not matter."""
    samples = played("piano", 100).mean(axis=0)
    assert fields_of(samples)["measured.key"] == "C"
    at = np.arange(0, len(samples) - 1, 2 ** (0.3 / 12))
    sharp = np.interp(at, np.arange(len(samples)), samples)  # by 30 cents
    assert fields_of(sharp)["measured.camelot"] == "8B"


def test_camelot_goes_round_in_fifths() -> None:
    """C, G, D are 8B, 9B, 10B, and each minor key stands by its parallel major key."""
    assert [camelot(note, is_minor=False) for note in (0, 7, 2, 5)] == ["8B", "9B", "10B", "7B"]
    assert [camelot(note, is_minor=True) for note in (9, 4, 3)] == ["8A", "9A", "2A"]
    assert key_name(6, is_minor=True) == "F#m"


def test_energy_does_not_depend_on_the_level() -> None:
    """The same song 20 dB quieter has the same energy, and 20 LU less loudness."""
    loud = played("rock", 120)
    fields, quiet = fields_of(loud), fields_of(loud / 10)
    assert float(quiet["measured.energy"]) == pytest.approx(
        float(fields["measured.energy"]), abs=0.02
    )
    fall = float(fields["measured.loudness"]) - float(quiet["measured.loudness"])
    assert fall == pytest.approx(20, abs=0.11)


def test_energy_rises_with_tempo_and_instruments() -> None:
    """A faster song has more; a piano has less than a rock band, and that than dance music."""
    by_tempo = [float(fields_of(played("rock", bpm))["measured.energy"]) for bpm in (80, 120, 170)]
    assert by_tempo == sorted(by_tempo)
    others = [float(fields_of(played(name, 120))["measured.energy"]) for name in ("piano", "dance")]
    assert others[0] < by_tempo[1] < others[1]


def test_descriptors_survive_storing() -> None:
    """What is read back is what was measured, to single precision."""
    sound = TrackSound(played("piano", 100).mean(axis=0).astype(np.float32), RATE, 0.0)
    described = descriptors_from(measure_descriptors(sound).data)
    assert isinstance(described, Descriptors)
    assert (len(described.timbre), len(described.rhythm)) == (19, 96)
    assert described.harmony.sum() == pytest.approx(1)
    assert described.key == (0, False)
    again = descriptors_from(described.to_bytes())
    assert again is not None
    assert again.tempo == described.tempo
    assert descriptors_from(b"") is None
