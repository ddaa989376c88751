"""Synthesised songs: reproducible, with valid samples, and of different styles."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.datasets.synthesis.artists import artist_of
from embedder.datasets.synthesis.effects import reverberate, room
from embedder.datasets.synthesis.form import lay_out
from embedder.datasets.synthesis.harmony import SCALES, chord, frequency_hz, nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, saw_partials
from embedder.datasets.synthesis.naming import artist_name, title_of
from embedder.datasets.synthesis.randomness import generator_for
from embedder.datasets.synthesis.score import Sketch, strokes
from embedder.datasets.synthesis.songs import STYLES, synthesise_song
from embedder.errors import UnknownChoice, UsageError

RATE = 16000


@pytest.mark.parametrize("style", STYLES)
def test_a_song_has_valid_samples(style: str) -> None:
    """Every style gives finite stereo of the right length, level and peak, without an offset."""
    song = synthesise_song(style, seconds=12, sample_rate=RATE)
    assert song.shape == (2, 12 * RATE)
    assert song.dtype == np.float32
    assert np.isfinite(song).all()
    assert np.abs(song).max() < 1
    assert -20 < 10 * np.log10(np.mean(song.astype(np.float64) ** 2)) < -10
    assert np.abs(song.mean(axis=1)).max() < 1e-5
    assert not np.allclose(song[0], song[1], atol=1e-3), "both channels are the same"


@pytest.mark.parametrize("style", STYLES)
def test_a_song_depends_on_its_names_alone(style: str) -> None:
    """Equal arguments give equal samples, whatever was synthesised in between."""
    first = synthesise_song(style, seed=3, artist=1, song=2, seconds=4, sample_rate=RATE)
    synthesise_song(style, seed=3, artist=0, song=9, seconds=2, sample_rate=RATE)
    again = synthesise_song(style, seed=3, artist=1, song=2, seconds=4, sample_rate=RATE)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"artist": 1}, {"song": 1}, {"song": 100}])
def test_another_name_gives_another_song(changed: dict[str, int]) -> None:
    """Seed, artist, song and album each change the music, not only its level."""
    names = {"seed": 0, "artist": 0, "song": 0}
    folk = synthesise_song("folk", **names, seconds=4, sample_rate=RATE)
    changed_folk = synthesise_song("folk", **(names | changed), seconds=4, sample_rate=RATE)
    assert abs(np.corrcoef(folk[0], changed_folk[0])[0, 1]) < 0.9


def test_any_length_and_rate_are_possible() -> None:
    """Lengths that are not a whole number of samples or bars are right to the sample."""
    for seconds, rate in ((1.0, 8000), (1.2345, 22050), (3.3, 48000)):
        song = synthesise_song("ambient", seconds=seconds, sample_rate=rate)
        assert song.shape == (2, round(seconds * rate))


def test_a_long_song_changes_as_it_goes() -> None:
    """The chorus of a song is louder than its intro."""
    song = synthesise_song("rock", seconds=60, sample_rate=8000)
    loudness = np.sqrt(np.mean(song.reshape(2, 12, -1) ** 2, axis=(0, 2)))
    assert loudness.max() > 1.5 * loudness[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "dnace"}, "Did you mean dance"),
        ({"style": "rock", "seconds": 0.2}, "0.2 s"),
        ({"style": "rock", "sample_rate": 100}, "100 Hz"),
        ({"style": "rock", "artist": -1}, "count from 0"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    """The message has the bad value."""
    with pytest.raises((UnknownChoice, UsageError), match=message):
        synthesise_song(**arguments)


def test_timbre_tells_the_styles_of_unknown_artists() -> None:
    """Timbre statistics find the style of most songs, without songs of the same artist."""
    styles, artists, timbres = _described(seconds=8)
    distances = _distances(timbres)
    distances[artists[:, None] == artists[None, :]] = np.inf
    nearest = styles[np.argsort(distances, axis=1)[:, :3]]
    votes = [max(set(row), key=list(row).count) for row in nearest]
    assert np.mean(np.array(votes) == styles) > 0.6  # chance: 0.125


def test_timbre_tells_the_artists_of_a_style() -> None:
    """The nearest other song of the same style is mostly by the same artist."""
    styles, artists, timbres = _described(seconds=8)
    distances = _distances(timbres)
    np.fill_diagonal(distances, np.inf)
    distances[styles[:, None] != styles[None, :]] = np.inf
    assert np.mean(artists[distances.argmin(axis=1)] == artists) > 0.65  # chance: 0.2


@given(pitch=st.integers(0, 127), centre=st.integers(20, 100))
def test_the_nearest_octave_is_the_same_note(pitch: int, centre: int) -> None:
    """The moved note has the same name and is within half an octave of the centre."""
    moved = nearest_octave(pitch, centre)
    assert (moved - pitch) % 12 == 0
    assert -6 <= moved - centre < 6


@given(
    root=st.integers(48, 59),
    scale=st.sampled_from(sorted(SCALES)),
    degree=st.integers(0, 6),
    centre=st.integers(50, 70),
)
def test_a_voiced_chord_keeps_its_notes(root: int, scale: str, degree: int, centre: int) -> None:
    """Notes move by octaves only, and all belong to the scale."""
    stacked = chord(root, scale, degree)
    notes = {pitch % 12 for pitch in voiced(stacked, centre)}
    assert notes == {pitch % 12 for pitch in stacked}
    assert notes <= {(root + step) % 12 for step in SCALES[scale]}


def test_equal_temperament_has_its_landmarks() -> None:
    """A4 is 440 Hz, and an octave doubles the frequency."""
    assert frequency_hz(69) == 440
    assert frequency_hz(57) == pytest.approx(220)


@given(n_bars=st.integers(1, 200), beats_per_bar=st.sampled_from([3, 4]), seed=st.integers(0, 99))
@hypothesis_settings(deadline=None)
def test_the_form_covers_every_bar_once(n_bars: int, beats_per_bar: int, seed: int) -> None:
    """Bars are numbered without a gap, and each section ends in exactly one last bar."""
    bars = lay_out(
        n_bars,
        beats_per_bar=beats_per_bar,
        progressions=((0, 3, 4, 0), (5, 3)),
        generator=np.random.default_rng(seed),
    )
    assert [bar.number for bar in bars] == list(range(n_bars))
    assert [bar.first_beat for bar in bars] == [n * beats_per_bar for n in range(n_bars)]
    assert bars[-1].is_last
    for bar, following in itertools.pairwise(bars):
        assert bar.is_last == (following.place == 0)


def test_swing_delays_off_beats_only() -> None:
    """Beats keep their times; the eighths between them are late."""
    swung = Sketch((), 48, "major", tempo_bpm=120, beats_per_bar=4, swing=2 / 3)
    assert swung.seconds_at(3.0) == pytest.approx(1.5)
    assert swung.seconds_at(3.5) == pytest.approx(1.5 + 0.5 * 2 / 3)
    assert swung.seconds_at(3.9999) < swung.seconds_at(4.0)


def test_a_pattern_becomes_notes() -> None:
    """Accents, soft strokes and rests of a pattern become notes at their times."""
    notes = strokes(8, "X..o", 36)
    assert [(note.start_beat, note.velocity) for note in notes] == [(8, 1.0), (8.75, 0.45)]


@pytest.mark.parametrize("pitch", [40, 69, 100])
def test_an_instrument_plays_in_tune(pitch: int) -> None:
    """The strongest partial of a note is its fundamental, and nothing is below it."""
    played = Timbre(saw_partials(40), sustain=1.0).note(pitch, 1.0, RATE)[:RATE]
    spectrum = np.abs(np.fft.rfft(played * np.hanning(RATE)))
    assert spectrum.argmax() == pytest.approx(frequency_hz(pitch), abs=1)
    assert spectrum[: int(0.9 * frequency_hz(pitch))].max() < 0.01 * spectrum.max()


def test_a_room_is_a_convolution() -> None:
    """A click at any time gives the room's impulse response."""
    click = np.zeros(3 * RATE, dtype=np.float32)
    click[2 * RATE : 2 * RATE + 2] = 1
    wet = reverberate(click, seconds=0.4, level=1.0, brightness=0.5, sample_rate=RATE)
    impulse = room(0.4, 0.5, RATE // 2)
    np.testing.assert_allclose(
        wet[:, 2 * RATE : 2 * RATE + 2 * impulse.shape[1] : 2], impulse, atol=1e-4
    )
    assert np.abs(wet[:, : 2 * RATE - 2]).max() < 1e-4


@pytest.mark.parametrize("style", STYLES)
def test_names_do_not_repeat(style: str) -> None:
    """Two artists of a style, and two songs of an artist, have different names."""
    artists = [artist_name(STYLES[style], seed=0, artist=number) for number in range(150)]
    assert len(set(artists)) == 150
    songs = [album * 100 + place for album in range(12) for place in range(20)]
    assert len({title_of(STYLES[style], seed=0, artist=0, song=n) for n in songs}) == len(songs)


def test_artists_keep_within_their_style() -> None:
    """Tempos are within the style's range, and no two artists have the same tempo."""
    style = STYLES["reggae"]
    tempos = [artist_of(style, seed=5, number=number).tempo_bpm for number in range(20)]
    assert all(style.tempo_bpm[0] <= tempo <= style.tempo_bpm[1] for tempo in tempos)
    assert len(set(tempos)) == 20


def test_chance_depends_on_names_alone() -> None:
    """Equal names give equal numbers; names are not simply concatenated."""
    assert generator_for("a", 1).random() == generator_for("a", 1).random()
    assert generator_for("a", 11).random() != generator_for("a", 1, 1).random()


_DESCRIBED: dict[float, tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.float64]]] = {}


def _described(*, seconds: float) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.float64]]:
    """Style, artist and cepstral statistics (`[songs, 26]`) of 6 songs of each style."""
    if seconds not in _DESCRIBED:
        styles, artists, timbres = [], [], []
        for style in STYLES:
            for artist in range(3):
                for song in (0, 100):
                    samples = synthesise_song(
                        style, artist=artist, song=song, seconds=seconds, sample_rate=RATE
                    )
                    styles.append(style)
                    artists.append(f"{style} {artist}")
                    timbres.append(_cepstral_statistics(samples.mean(axis=0)))
        _DESCRIBED[seconds] = (np.array(styles), np.array(artists), np.array(timbres))
    return _DESCRIBED[seconds]


def _cepstral_statistics(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean and deviation over time of 13 cepstral coefficients of third-octave levels."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    hz = np.fft.rfftfreq(1024, 1 / RATE)
    edges = np.geomspace(60, RATE / 2, 25)
    bands = np.stack(
        [
            power[:, (hz >= low) & (hz < max(high, low + 16))].sum(axis=1)
            for low, high in itertools.pairwise(edges)
        ],
        axis=1,
    )
    levels = np.log(bands + 1e-6)
    places = np.arange(24) + 0.5
    cosines = np.cos(np.pi / 24 * np.arange(13)[:, None] * places[None, :])
    cepstra = levels @ cosines.T
    return np.concatenate([cepstra.mean(axis=0), cepstra.std(axis=0)])


def _distances(timbres: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled = (timbres - timbres.mean(axis=0)) / timbres.std(axis=0)
    distances: NDArray[np.float64] = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=-1)
    return distances
