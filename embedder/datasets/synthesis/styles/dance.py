"""Four-on-the-floor dance: kick on every beat, pumping saws, an off-beat bass, wide and loud."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.drums import CLAP, HAT, KICK, OPEN_HAT, SHAKER
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, saw_partials, square_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Channel, Note, Part, Sketch, strokes, together

_STABS = ("x..x..x.", "x.xx.x.x", "..x...x.", "x..x..xx")


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """Drums, bass, chords and a lead."""
    lead = {"chorus": motif(generator, beats=4, step_beats=0.25, density=0.5)}
    return [
        Part(artist.kit, _drums(sketch), Channel(gain_db=2, send=0.04)),
        Part(_bass(artist), _bass_line(sketch, artist), Channel(gain_db=1, send=0, duck=0.7)),
        Part(_saws(artist), _chords(sketch, artist), Channel(1, width=0.9, send=0.4, duck=0.75)),
        Part(
            _lead(artist),
            tune(sketch, lead, generator, octave=2, level=0.6, min_energy=0.9),
            Channel(-3, pan=0.1, width=0.5, send=0.4, echo=0.4, duck=0.3),
        ),
    ]


def _drums(sketch: Sketch) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        at = bar.first_beat
        if bar.section != "bridge":
            notes += strokes(at, "X...X...X..." + ("X.X." if bar.is_last else "X..."), KICK)
        if bar.energy > 0.3:
            notes += strokes(at, "..x...x...x...x.", OPEN_HAT)
        if bar.energy > 0.5:
            notes += strokes(at, "....X.......X...", CLAP)
            notes += strokes(at, "xo.oxo.oxo.oxo.o", HAT, level=0.7)
        if bar.energy > 0.9:
            notes += strokes(at, "ooxoooxoooxoooxo", SHAKER)
    return notes


def _bass_line(sketch: Sketch, artist: Artist) -> list[Note]:
    notes = []
    rhythm = ("..x...x...x...x.", "..xx..xx..xx..xx", "x..x..x.x..x..x.")[artist.variant % 3]
    for bar in sketch.bars:
        if bar.energy > 0.5:
            low = nearest_octave(sketch.chord_of(bar)[0], 36)
            notes += strokes(bar.first_beat, rhythm, low)
    return notes


def _chords(sketch: Sketch, artist: Artist) -> list[Note]:
    notes = []
    rhythm = _STABS[artist.variant % len(_STABS)]
    for bar in sketch.bars:
        pitches = voiced(sketch.chord_of(bar, size=3 + artist.variant % 2), 64)
        if bar.energy < 0.5:
            notes += together(bar.first_beat, 4, pitches, 0.5)
            continue
        for place, mark in enumerate(rhythm):
            if mark == "x":
                notes += together(bar.first_beat + place / 2, 0.375, pitches, 0.7)
    return notes


def _bass(artist: Artist) -> Timbre:
    return Timbre(
        saw_partials(30, tilt=1.7 - 0.5 * artist.brightness),
        dulling=1.0,
        dulling_seconds=0.12,
        decay_seconds=0.4,
        sustain=0.6,
        release_seconds=0.04,
    )


def _saws(artist: Artist) -> Timbre:
    return Timbre(
        saw_partials(50, tilt=1.35 - 0.4 * artist.brightness),
        dulling=0.6,
        dulling_seconds=0.25 * artist.ring,
        attack_seconds=0.01,
        decay_seconds=0.5,
        sustain=0.6,
        release_seconds=0.15 * artist.ring,
        voices=3,
        detune_cents=artist.detune_cents,
    )


def _lead(artist: Artist) -> Timbre:
    return Timbre(
        square_partials(30, duty=0.25 + 0.2 * artist.brightness),
        dulling=0.5,
        dulling_seconds=0.2,
        decay_seconds=0.3,
        sustain=0.5,
        voices=2,
        detune_cents=artist.detune_cents / 2,
    )


STYLE = Style(
    name="dance",
    tempo_bpm=(119, 135),
    scales=("minor", "dorian", "minor"),
    progressions=((0, 5, 2, 6), (0, 0, 5, 6), (0, 3, 5, 4), (5, 6, 0, 0)),
    production=Production(
        reverb_seconds=1.4, reverb_level=0.25, low_db=2, high_db=2, loudness_db=-12
    ),
    arrange=arrange,
    mood="energetic",
    years=(1996, 2024),
    band_words=(
        ("Neon", "Polar", "Mirror", "Velvet", "Turbo", "Solar", "Magnet", "Chrome"),
        ("Circuit", "District", "Motion", "Arcade", "Signal", "Pilots", "Theory", "Avenue"),
    ),
    title_words=(
        ("Midnight", "Electric", "Endless", "Burning", "Golden", "Falling", "Higher", "Concrete"),
        ("Lights", "Heart", "Floor", "Skyline", "Fever", "Pulse", "Summer", "Machine"),
    ),
)
