"""Folk guitar: finger-picked steel strings in three or four, a fiddle or whistle, a small room."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.drums import SHAKER
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, plucked_partials, saw_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Bar, Channel, Note, Part, Sketch, rolled, strokes

_PICKING = ((0, 2, 3, 1, 2, 3), (0, 3, 1, 3, 2, 3), (0, 1, 2, 3, 2, 1))


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """A picked guitar, a strummed one in the chorus, and a tune above them."""
    tunes = {
        name: motif(generator, beats=sketch.beats_per_bar, density=0.5)
        for name in ("verse", "chorus", "bridge")
    }
    picked = [note for bar in sketch.bars for note in _picked(sketch, bar, artist)]
    strummed = [n for bar in sketch.bars if bar.energy > 0.9 for n in _strummed(sketch, bar)]
    lead = (_fiddle(artist), _whistle(artist), _strings(artist))[artist.variant % 3]
    return [
        Part(_strings(artist), picked, Channel(0, pan=-0.3, width=0.3, send=0.3)),
        Part(_strings(artist), strummed, Channel(-4, pan=0.5, width=0.3, send=0.3)),
        Part(
            lead,
            tune(sketch, tunes, generator, octave=2, level=0.8),
            Channel(-5, pan=0.15, width=0.1, send=0.45),
        ),
        Part(artist.kit, _shaker(sketch, artist), Channel(-10, pan=0.3)),
    ]


def _picked(sketch: Sketch, bar: Bar, artist: Artist) -> list[Note]:
    low = nearest_octave(sketch.chord_of(bar)[0], 45)
    tones = (low, *voiced((*sketch.chord_of(bar), sketch.pitch(bar.degree + 1)), 60))
    figure = _PICKING[artist.variant % len(_PICKING)]
    return [
        Note(
            bar.first_beat + place / 2,
            1.0,
            tones[string % len(tones)],
            0.85 if string == 0 else 0.45 + 0.2 * bar.energy,
        )
        for place, string in enumerate(figure)
    ]


def _strummed(sketch: Sketch, bar: Bar) -> list[Note]:
    pitches = (nearest_octave(sketch.chord_of(bar)[0], 45), *voiced(sketch.chord_of(bar), 60))
    notes = []
    for beat, level in ((0.0, 0.6), (1.0, 0.4), (1.5, 0.35), (2.0, 0.5), (2.5, 0.35)):
        up = beat % 1 > 0
        notes += rolled(bar.first_beat + beat, 0.5, pitches[::-1] if up else pitches, level)
    return notes


def _shaker(sketch: Sketch, artist: Artist) -> list[Note]:
    if artist.variant % 2:
        return []
    shaken = (bar for bar in sketch.bars if bar.energy > 0.9)
    return [n for bar in shaken for n in strokes(bar.first_beat, "xoxoxo", SHAKER, step_beats=0.5)]


def _strings(artist: Artist) -> Timbre:
    return Timbre(
        plucked_partials(34, place=0.17, tilt=1.3 - 0.6 * artist.brightness),
        dulling=1.1,
        dulling_seconds=0.18,
        attack_seconds=0.002,
        decay_seconds=0.75 * artist.ring,
        release_seconds=0.15,
        voices=2,
        detune_cents=0.5 + artist.detune_cents / 5,
        noise=0.12,
        noise_seconds=0.006,
    )


def _fiddle(artist: Artist) -> Timbre:
    return Timbre(
        saw_partials(26, tilt=1.2 - 0.4 * artist.brightness),
        attack_seconds=0.08,
        decay_seconds=2.0,
        sustain=0.8,
        release_seconds=0.1,
        vibrato_cents=22,
        vibrato_hz=5.6,
        noise=0.04,
        noise_seconds=0.1,
    )


def _whistle(artist: Artist) -> Timbre:
    return Timbre(
        (1.0, 0.3 * artist.brightness, 0.08, 0.03),
        attack_seconds=0.03,
        decay_seconds=2.0,
        sustain=0.9,
        release_seconds=0.06,
        vibrato_cents=12,
        noise=0.1,
        noise_seconds=0.06,
    )


STYLE = Style(
    name="folk",
    tempo_bpm=(92, 138),
    scales=("major", "mixolydian", "dorian"),
    progressions=((0, 3, 0, 4), (0, 4, 3, 0), (0, 6, 3, 0), (5, 3, 0, 4)),
    production=Production(
        reverb_seconds=0.9, reverb_level=0.25, low_db=-1, high_db=1, loudness_db=-17, hiss_db=-74
    ),
    arrange=arrange,
    mood="warm",
    years=(1966, 2021),
    band_words=(
        ("Hazel", "Rowan", "Willow", "Maren", "Silas", "Juniper", "Edda", "Fen"),
        ("and the Lanterns", "Thatcher", "Holloway", "and the Ferrymen", "Ashdown", "Greyling"),
    ),
    title_words=(
        ("Old", "Winter", "Barley", "Copper", "Wandering", "Seven", "The Miller's", "Harvest"),
        ("Road", "Daughter", "Kettle", "Moon", "Ferry", "Sparrows", "Well", "Orchard"),
    ),
    beats_per_bar=3,
)
