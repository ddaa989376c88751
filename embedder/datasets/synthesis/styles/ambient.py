"""Ambient: no drums, chords that swell over whole bars, slow bells, a very large room."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, saw_partials, square_partials
from embedder.datasets.synthesis.score import Channel, Note, Part, Sketch, together


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """A pad, a drone below it and a few bells above it."""
    return [
        Part(_pad(artist), _chords(sketch), Channel(0, width=1.0, send=0.7, tremolo_hz=0.23)),
        Part(_drone(artist), _drones(sketch), Channel(-4, send=0.2)),
        Part(
            _bell(artist),
            _bells(sketch, artist, generator),
            Channel(-9, pan=0.3, width=0.8, send=0.9, echo=0.5),
        ),
    ]


def _chords(sketch: Sketch) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        pitches = voiced(sketch.chord_of(bar, size=5), 60)
        notes += together(bar.first_beat, sketch.beats_per_bar, pitches, 0.35 + 0.35 * bar.energy)
    return notes


def _drones(sketch: Sketch) -> list[Note]:
    return [
        Note(bar.first_beat, sketch.beats_per_bar, nearest_octave(sketch.root, 36), 0.7)
        for bar in sketch.bars
    ]


def _bells(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Note]:
    notes = []
    per_bar = 1 + artist.variant % 3
    for bar in sketch.bars:
        for _ in range(int(generator.integers(0, per_bar + 1))):
            beat = bar.first_beat + int(generator.integers(0, 8)) / 2
            step = int(generator.choice([0, 2, 4, 7, 9]))
            notes.append(Note(beat, 1.0, sketch.pitch(bar.degree + step) + 24, 0.6))
    return notes


def _pad(artist: Artist) -> Timbre:
    partials = (
        saw_partials(24, tilt=2.1 - 0.8 * artist.brightness)
        if artist.variant % 2
        else square_partials(24, duty=0.5, tilt=0.9 - 0.5 * artist.brightness)
    )
    return Timbre(
        partials,
        dulling=0.5,
        dulling_seconds=3.0,
        attack_seconds=1.2 + 0.8 * artist.ring,
        decay_seconds=8.0,
        sustain=0.6,
        release_seconds=2.5,
        voices=3,
        detune_cents=artist.detune_cents,
        vibrato_hz=0.3,
        vibrato_cents=4,
    )


def _drone(artist: Artist) -> Timbre:
    return Timbre(
        (1.0, 0.5 * artist.brightness, 0.15, 0.05),
        attack_seconds=0.8,
        decay_seconds=6.0,
        sustain=0.7,
        release_seconds=1.5,
        voices=2,
        detune_cents=3,
    )


def _bell(artist: Artist) -> Timbre:
    return Timbre(
        (1.0, 0.05, 0.5 * artist.brightness, 0.02, 0.02, 0.2),
        dulling=1.0,
        dulling_seconds=0.4,
        attack_seconds=0.004,
        decay_seconds=1.4 * artist.ring,
        release_seconds=1.5,
    )


STYLE = Style(
    name="ambient",
    tempo_bpm=(50, 76),
    scales=("lydian", "major", "dorian", "minor"),
    progressions=((0, 3), (0, 1), (0, 5, 3, 3), (5, 3)),
    production=Production(
        reverb_seconds=3.6, reverb_level=0.8, low_db=1, high_db=-2, loudness_db=-17, hiss_db=-70
    ),
    arrange=arrange,
    mood="calm",
    years=(1978, 2024),
    band_words=(
        ("Distant", "Frozen", "Slow", "Drifting", "Pale", "Silent", "Faint", "Northern"),
        ("Meridian", "Harbour", "Aurora", "Tides", "Observatory", "Lichen", "Fjord", "Orbit"),
    ),
    title_words=(
        ("Weightless", "Below", "Translucent", "Beyond", "Fading", "Still", "Vast", "Soft"),
        ("Horizon", "Water", "Ember", "Cloud", "Stone", "Light", "Field", "Hours"),
    ),
    artist_spread=0.8,
)
