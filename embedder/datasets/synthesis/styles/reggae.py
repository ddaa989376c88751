"""Reggae: chords on the off-beat, the kick on three, a heavy bass that leaves gaps, echoes."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.drums import HAT, KICK, OPEN_HAT, RIM, SHAKER, SNARE
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, plucked_partials, saw_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Channel, Note, Part, Sketch, strokes, together

# Eighths of a two-bar bass line, as steps above the chord's root; None is a rest.
_BASS_LINES: tuple[tuple[int | None, ...], ...] = (
    (0, None, 0, 2, None, 4, None, None),
    (None, None, 0, 0, 2, None, 4, 2),
    (0, 0, None, 4, 2, None, 0, None),
)


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """Drums, bass, guitar chop, organ bubble and a melodica or horns."""
    tunes = {name: motif(generator, beats=4, density=0.4) for name in ("verse", "chorus")}
    return [
        Part(artist.kit, _drums(sketch, artist), Channel(-1, width=0.2, send=0.3)),
        Part(_bass(artist), _bass_line(sketch, artist), Channel(3, send=0.0)),
        Part(_guitar(artist), _chops(sketch), Channel(2, pan=0.45, send=0.3, echo=0.2)),
        Part(_organ(artist), _bubble(sketch), Channel(-4, pan=-0.45, width=0.4, tremolo_hz=6.2)),
        Part(
            _melodica(artist),
            tune(sketch, tunes, generator, octave=1, level=0.6),
            Channel(-6, pan=-0.1, send=0.4, echo=0.55),
        ),
    ]


def _drums(sketch: Sketch, artist: Artist) -> list[Note]:
    """One drop (no kick on one), steppers (a kick on each beat) or rockers, by artist."""
    kick = (".....x..", "x.x.x.x.", "x...x...")[artist.variant % 3].replace(".....x", "....X.")
    notes = []
    for bar in sketch.bars:
        at = bar.first_beat
        notes += strokes(at, kick, KICK, step_beats=0.5)
        notes += strokes(at, "x.x.x.xo", HAT, step_beats=0.5)
        notes += strokes(at, "....X...", RIM, step_beats=0.5)
        if bar.energy > 0.6:
            notes += strokes(at, ".o.o.o.o", SHAKER, step_beats=0.5)
        if bar.is_last:
            notes += strokes(at + 3, "x.xX", SNARE)
        if bar.place == 0:
            notes += strokes(at, "x", OPEN_HAT)
    return notes


def _bass_line(sketch: Sketch, artist: Artist) -> list[Note]:
    line = _BASS_LINES[artist.variant % len(_BASS_LINES)]
    notes = []
    for bar in sketch.bars:
        if bar.energy < 0.4:
            continue
        for place, step in enumerate(line):
            if step is not None:
                pitch = nearest_octave(sketch.pitch(bar.degree + step), 36)
                notes.append(Note(bar.first_beat + place / 2, 0.625, pitch, 0.9))
    return notes


def _chops(sketch: Sketch) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        pitches = voiced(sketch.chord_of(bar), 67)
        for beat in (0.5, 1.5, 2.5, 3.5):
            notes += together(bar.first_beat + beat, 0.125, pitches, 0.75)
    return notes


def _bubble(sketch: Sketch) -> list[Note]:
    notes = []
    for bar in sketch.bars:
        pitches = voiced(sketch.chord_of(bar), 60)
        for place in (1, 2, 3, 5, 6, 7):
            notes += together(bar.first_beat + place / 2, 0.25, pitches, 0.5 if place % 2 else 0.3)
    return notes


def _bass(artist: Artist) -> Timbre:
    return Timbre(
        (1.0, 0.45, 0.12 + 0.2 * artist.brightness, 0.04, 0.02),
        dulling=0.8,
        dulling_seconds=0.3,
        attack_seconds=0.012,
        decay_seconds=0.9 * artist.ring,
        sustain=0.2,
        release_seconds=0.06,
    )


def _guitar(artist: Artist) -> Timbre:
    return Timbre(
        plucked_partials(22, place=0.15, tilt=1.0 - 0.5 * artist.brightness),
        dulling=0.6,
        dulling_seconds=0.05,
        attack_seconds=0.002,
        decay_seconds=0.12 * artist.ring,
        release_seconds=0.05,
        noise=0.1,
        noise_seconds=0.01,
    )


def _organ(artist: Artist) -> Timbre:
    return Timbre(
        (1.0, 0.8, 0.6 * artist.brightness, 0.5, 0.02, 0.2, 0.02, 0.3 * artist.brightness),
        decay_seconds=2.0,
        sustain=0.9,
        release_seconds=0.04,
        voices=2,
        detune_cents=artist.detune_cents / 3,
    )


def _melodica(artist: Artist) -> Timbre:
    return Timbre(
        saw_partials(20, tilt=0.9 + 0.4 * (1 - artist.brightness)),
        attack_seconds=0.05,
        decay_seconds=1.0,
        sustain=0.8,
        release_seconds=0.08,
        voices=2,
        detune_cents=artist.detune_cents / 2,
        vibrato_cents=10,
    )


STYLE = Style(
    name="reggae",
    tempo_bpm=(66, 88),
    scales=("minor", "major", "dorian"),
    progressions=((0, 3), (0, 6), (0, 3, 4, 3), (0, 0, 5, 4)),
    production=Production(
        reverb_seconds=1.3, reverb_level=0.35, low_db=4, high_db=-1, loudness_db=-14, hiss_db=-70
    ),
    arrange=arrange,
    mood="happy",
    years=(1969, 2018),
    band_words=(
        ("Kingfisher", "Ras", "Mango", "Island", "Lion", "Sunny", "Hibiscus", "Zion"),
        ("Rockers", "Sound", "Brothers", "Congregation", "Steppers", "Players", "Roots", "Gate"),
    ),
    title_words=(
        ("Sweet", "Rising", "Natural", "Righteous", "Sunday", "Rolling", "Easy", "Mighty"),
        ("River", "Children", "Mountain", "Morning", "Rhythm", "Love", "Gates", "Garden"),
    ),
    swing=0.54,
)
