"""Distorted rock: power chords left and right, hard drums, driven bass, little reverb, loud."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.drums import HAT, KICK, OPEN_HAT, RIDE, SNARE, TOM
from embedder.datasets.synthesis.harmony import nearest_octave
from embedder.datasets.synthesis.instruments import Timbre, plucked_partials, saw_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Channel, Note, Part, Sketch, strokes, together

_RIFFS = ("X-x-x-x-", "X--xx--x", "X.xxX.xx", "X--x--x-")


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """Drums, bass, two guitars that are not quite in tune, and a solo."""
    riff = _power_chords(sketch, _RIFFS[artist.variant % len(_RIFFS)])
    solo = {name: motif(generator, beats=4, density=0.6) for name in ("chorus", "bridge")}
    drive = 0.35 + 0.6 * artist.brightness
    guitar = _guitar(artist)
    return [
        Part(artist.kit, _drums(sketch, artist), Channel(3, width=0.2, send=0.12)),
        Part(_bass(artist), _bass_line(sketch), Channel(1, send=0.02, drive=0.08)),
        Part(guitar, riff, Channel(3, pan=-0.8, send=0.1, drive=drive)),
        Part(guitar, riff, Channel(3, pan=0.8, send=0.1, drive=drive * 0.8)),
        Part(
            guitar,
            tune(sketch, solo, generator, octave=1, level=0.7, min_energy=0.4),
            Channel(0, pan=0.15, send=0.3, drive=drive, echo=0.25),
        ),
    ]


def _drums(sketch: Sketch, artist: Artist) -> list[Note]:
    kicks = ("X.....x.X.......", "X.......X.x.....", "X..x..x.X.x.....")[artist.variant % 3]
    notes = []
    for bar in sketch.bars:
        at = bar.first_beat
        if bar.energy < 0.38:
            notes += strokes(at, "x...x...x...x...", HAT)
            continue
        notes += strokes(at, kicks, KICK)
        if bar.is_last:
            notes += strokes(at, "....X...X.x.", SNARE)
            notes += strokes(at + 3, "xxXX", TOM)
        else:
            notes += strokes(at, "....X.......X...", SNARE)
        cymbal = RIDE if bar.energy > 0.9 else HAT
        notes += strokes(at, "x.o.x.o.x.o.x.o.", cymbal, level=1.3)
        if bar.place == 0:
            notes += strokes(at, "X", OPEN_HAT, level=1.5)
    return notes


def _power_chords(sketch: Sketch, rhythm: str) -> list[Note]:
    """Root, fifth and octave: through distortion a third would only be noise."""
    notes = []
    for bar in sketch.bars:
        low = nearest_octave(sketch.chord_of(bar)[0], 45)
        pitches = (low, low + 7, low + 12)
        if bar.section == "bridge":
            notes += together(bar.first_beat, 3.8, pitches, 0.5)
            continue
        for place, mark in enumerate(rhythm):
            length = 0.5 if bar.energy > 0.9 else 0.25  # palm-muted in the verse
            if mark in "Xx":
                notes += together(bar.first_beat + place / 2, length, pitches, 0.5)
            elif mark == "-":
                notes += together(bar.first_beat + place / 2, 0.125, pitches[:1], 0.4)
    return notes


def _bass_line(sketch: Sketch) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        low = nearest_octave(sketch.chord_of(bar)[0], 33)
        rhythm = "XxxxXxxx" if bar.energy > 0.5 else "X...X..."
        notes += strokes(bar.first_beat, rhythm, low, step_beats=0.5)
    return notes


def _guitar(artist: Artist) -> Timbre:
    return Timbre(
        saw_partials(32, tilt=1.3 - 0.3 * artist.brightness),
        dulling=0.4,
        dulling_seconds=0.5,
        attack_seconds=0.003,
        decay_seconds=1.5 * artist.ring,
        sustain=0.2,
        release_seconds=0.05,
        voices=2,
        detune_cents=2 + artist.detune_cents / 3,
        vibrato_cents=5,
        noise=0.1,
        noise_seconds=0.01,
    )


def _bass(artist: Artist) -> Timbre:
    return Timbre(
        plucked_partials(26, place=0.1, tilt=1.3 - 0.3 * artist.brightness),
        dulling=0.7,
        dulling_seconds=0.3,
        decay_seconds=1.0,
        release_seconds=0.04,
        noise=0.04,
    )


STYLE = Style(
    name="rock",
    tempo_bpm=(118, 172),
    scales=("minor", "mixolydian", "dorian"),
    progressions=((0, 6, 5, 6), (0, 3, 6, 0), (0, 0, 3, 4), (5, 6, 0, 0)),
    production=Production(
        reverb_seconds=0.8, reverb_level=0.3, low_db=1, high_db=1, loudness_db=-12, hiss_db=-72
    ),
    arrange=arrange,
    mood="angry",
    years=(1974, 2022),
    band_words=(
        ("Iron", "Broken", "Savage", "Rusted", "Black", "Howling", "Feral", "Burnt"),
        ("Anvils", "Hounds", "Kingdom", "Saints", "Thunder", "Wolves", "Engine", "Matador"),
    ),
    title_words=(
        ("Dead", "Wild", "Bleeding", "Loaded", "Reckless", "Hollow", "Nailed", "Gasoline"),
        ("Road", "Teeth", "Crown", "Revolver", "Sunday", "Storm", "Blood", "Prayer"),
    ),
)
