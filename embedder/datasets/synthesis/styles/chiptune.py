"""Chiptune: pulse waves, arpeggios instead of chords, drums of coarse noise, almost no reverb."""

from dataclasses import replace

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.drums import HAT, KICK, SNARE
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, square_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Channel, Note, Part, Sketch, strokes

_DUTIES = (0.5, 0.25, 0.125)


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """Noise drums, triangle bass, a pulse arpeggio and a pulse lead."""
    tunes = {
        name: motif(generator, beats=4, step_beats=0.25, density=0.55)
        for name in ("verse", "chorus", "bridge")
    }
    return [
        Part(replace(artist.kit, crushed=True), _drums(sketch), Channel(-6, send=0)),
        Part(_triangle(), _bass_line(sketch), Channel(3, send=0)),
        Part(_pulse(artist, 1), _arpeggios(sketch, artist), Channel(-5, pan=-0.5, send=0.1)),
        Part(
            _pulse(artist, 0),
            tune(sketch, tunes, generator, octave=2, level=0.8, min_energy=0.4),
            Channel(-2, pan=0.4, send=0.1, echo=0.3),
        ),
    ]


def _drums(sketch: Sketch) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        at = bar.first_beat
        if bar.energy < 0.4:
            continue
        notes += strokes(at, "X.....x.X..x....", KICK)
        notes += strokes(at, "....X.......X.xx" if bar.is_last else "....X.......X...", SNARE)
        notes += strokes(at, "x.o.x.o.x.o.x.o.", HAT)
    return notes


def _bass_line(sketch: Sketch) -> list[Note]:
    """Eighths that jump between the octaves."""
    notes = []
    for bar in sketch.bars:
        low = nearest_octave(sketch.chord_of(bar)[0], 40)
        for place in range(8):
            pitch = low + 12 * (place % 2)
            notes.append(Note(bar.first_beat + place / 2, 0.375, pitch, 0.8))
    return notes


def _arpeggios(sketch: Sketch, artist: Artist) -> list[Note]:
    """Fast chord notes that blend, because old sound chips had too few voices for chords."""
    notes = []
    step = (0.125, 0.25)[artist.variant % 2]
    for bar in sketch.bars:
        pitches = voiced(sketch.chord_of(bar), 69)
        for place in range(round(4 / step)):
            pitch = pitches[place % len(pitches)]
            notes.append(Note(bar.first_beat + place * step, step, pitch, 0.5))
    return notes


def _pulse(artist: Artist, offset: int) -> Timbre:
    return Timbre(
        square_partials(
            60, duty=_DUTIES[(artist.variant + offset) % 3], tilt=1.15 - 0.25 * artist.brightness
        ),
        attack_seconds=0.001,
        decay_seconds=0.25 * artist.ring,
        sustain=0.5,
        release_seconds=0.01,
        vibrato_hz=6.5,
        vibrato_cents=0 if offset else artist.detune_cents,
    )


def _triangle() -> Timbre:
    return Timbre(
        tuple(k**-2.0 if k % 2 else 1e-4 for k in range(1, 24)),
        attack_seconds=0.001,
        decay_seconds=5.0,
        sustain=1.0,
        release_seconds=0.01,
    )


STYLE = Style(
    name="chiptune",
    tempo_bpm=(132, 180),
    scales=("major", "minor", "mixolydian"),
    progressions=((0, 5, 3, 4), (5, 3, 0, 4), (0, 6, 5, 6), (3, 4, 0, 0)),
    production=Production(
        reverb_seconds=0.3, reverb_level=0.1, low_db=-1, high_db=0, loudness_db=-15
    ),
    arrange=arrange,
    mood="playful",
    years=(1987, 2024),
    band_words=(
        ("Pixel", "Byte", "Cartridge", "Sprite", "Joystick", "Turbo", "Glitch", "Nibble"),
        ("Knight", "Wizard", "Runner", "Cavern", "Galaxy", "Duck", "Bandit", "Dungeon"),
    ),
    title_words=(
        ("Level", "Castle", "Boss", "Secret", "Bonus", "Lava", "Moon", "Final"),
        ("Theme", "Escape", "Stage", "Chase", "Quest", "Tunnel", "Ending", "Battle"),
    ),
)
