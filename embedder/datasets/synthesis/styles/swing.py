"""Swing trio: ride and brushes, walking bass, piano, vibraphone or saxophone; a small room."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.drums import BRUSH, HAT, KICK, RIDE, SNARE
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, plucked_partials, saw_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Channel, Note, Part, Sketch, strokes, together


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """Drums, walking bass, comping and a soloist."""
    heads = {
        name: motif(generator, beats=4, density=0.75) for name in ("verse", "chorus", "bridge")
    }
    soloist = (_piano(artist), _saxophone(artist), _vibraphone(artist))[artist.variant % 3]
    return [
        Part(artist.kit, _drums(sketch, artist), Channel(-5, pan=0.25, width=0.3, send=0.25)),
        Part(_bass(artist), _walk(sketch, generator), Channel(2, pan=-0.15, send=0.1)),
        Part(_piano(artist), _comp(sketch, generator), Channel(-5, pan=-0.35, width=0.4)),
        Part(
            soloist,
            tune(sketch, heads, generator, octave=1, level=0.9, min_energy=0.4),
            Channel(0, pan=0.1, width=0.2, send=0.3),
        ),
    ]


def _drums(sketch: Sketch, artist: Artist) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        at = bar.first_beat
        if artist.variant % 2:
            notes += strokes(at, "x.oxx.ox", BRUSH, step_beats=0.5)
        notes += strokes(at, "x.xox.xo", RIDE, step_beats=0.5, level=0.6 + 0.4 * bar.energy)
        notes += strokes(at, "..x...x.", HAT, step_beats=0.5)
        if bar.energy > 0.6:
            notes += strokes(at, "o...o...", KICK, step_beats=0.5, level=0.5)
            fill = ".-.oo.xx" if bar.is_last else ".-.-...-"
            notes += strokes(at, fill, SNARE, step_beats=0.5, level=0.7)
    return notes


def _walk(sketch: Sketch, generator: np.random.Generator) -> list[Note]:
    """A note on each beat: the root, two notes of the chord, and a half step to the next root."""
    notes = []
    for bar, following in zip(sketch.bars, (*sketch.bars[1:], sketch.bars[0]), strict=True):
        tones = [nearest_octave(pitch, 40) for pitch in sketch.chord_of(bar, size=4)]
        target = nearest_octave(sketch.chord_of(following)[0], 40)
        inner = [tones[int(place)] for place in generator.permutation([1, 2, 3])[:2]]
        line = (tones[0], *inner, target + int(generator.choice([-1, 1])))
        for beat, pitch in enumerate(line):
            notes.append(Note(bar.first_beat + beat, 0.9, pitch, 0.8 if beat % 2 else 0.95))
    return notes


def _comp(sketch: Sketch, generator: np.random.Generator) -> list[Note]:
    rhythms = ((0.0, 1.5), (1.5, 3.5), (0.5, 2.0), (1.0, 2.5))
    notes = []
    for bar in sketch.bars:
        pitches = voiced(sketch.chord_of(bar, size=5)[1:], 62)  # the bass has the root
        for beat in rhythms[int(generator.integers(len(rhythms)))]:
            notes += together(bar.first_beat + beat, 0.5, pitches, 0.45 + 0.2 * bar.energy)
    return notes


def _bass(artist: Artist) -> Timbre:
    return Timbre(
        plucked_partials(14, place=0.22, tilt=1.9 - 0.4 * artist.brightness),
        dulling=1.2,
        dulling_seconds=0.15,
        attack_seconds=0.008,
        decay_seconds=0.55 * artist.ring,
        release_seconds=0.08,
        noise=0.05,
    )


def _piano(artist: Artist) -> Timbre:
    return Timbre(
        plucked_partials(24, place=0.125, tilt=1.7 - 0.5 * artist.brightness),
        dulling=1.3,
        dulling_seconds=0.25,
        attack_seconds=0.003,
        decay_seconds=0.9 * artist.ring,
        release_seconds=0.12,
        voices=2,
        detune_cents=artist.detune_cents / 4,
        noise=0.04,
    )


def _saxophone(artist: Artist) -> Timbre:
    return Timbre(
        saw_partials(22, tilt=1.05 - 0.3 * artist.brightness),
        dulling=0.4,
        dulling_seconds=0.3,
        attack_seconds=0.04,
        decay_seconds=0.6,
        sustain=0.7,
        release_seconds=0.07,
        vibrato_cents=18,
        noise=0.12,
        noise_seconds=0.08,
    )


def _vibraphone(artist: Artist) -> Timbre:
    return Timbre(
        (1.0, 0.02, 0.02, 0.45 + 0.3 * artist.brightness, 0.01, 0.01, 0.01, 0.01, 0.01, 0.12),
        dulling=1.5,
        dulling_seconds=0.15,
        attack_seconds=0.002,
        decay_seconds=1.1 * artist.ring,
        release_seconds=0.25,
        voices=2,
        detune_cents=2,
    )


STYLE = Style(
    name="swing",
    tempo_bpm=(112, 200),
    scales=("major", "dorian", "mixolydian"),
    progressions=((1, 4, 0, 0), (0, 5, 1, 4), (2, 5, 1, 4), (3, 3, 0, 4)),
    production=Production(
        reverb_seconds=0.7, reverb_level=0.35, low_db=1, high_db=-3, loudness_db=-16, hiss_db=-68
    ),
    arrange=arrange,
    mood="relaxed",
    years=(1955, 2019),
    band_words=(
        ("Otis", "Mabel", "Lionel", "Stella", "Chester", "Ruby", "Clarence", "Dinah"),
        ("Harlow Trio", "Bell Trio", "Quincey Trio", "Marsh Trio", "Vane Trio", "Crane Trio"),
    ),
    title_words=(
        ("Blue", "Lazy", "Uptown", "Crooked", "After-hours", "Smoky", "Sweet", "Second"),
        ("Corner", "Stroll", "Sparrow", "Rain", "Serenade", "Parade", "Bounce", "Tuesday"),
    ),
    swing=0.65,
)
