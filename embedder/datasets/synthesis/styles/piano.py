"""Solo piano: broken chords in the left hand, a tune in the right, a hall, wide dynamics."""

import numpy as np

from embedder.datasets.synthesis.artists import Artist, Production, Style
from embedder.datasets.synthesis.harmony import nearest_octave, voiced
from embedder.datasets.synthesis.instruments import Timbre, plucked_partials
from embedder.datasets.synthesis.melody import motif, tune
from embedder.datasets.synthesis.score import Bar, Channel, Note, Part, Sketch, together

_FIGURES = ((0, 1, 2, 1, 3, 1, 2, 1), (0, 2, 1, 2, 0, 2, 1, 2), (0, 1, 2, 3, 4, 3, 2, 1))


def arrange(sketch: Sketch, artist: Artist, generator: np.random.Generator) -> list[Part]:
    """Two hands on one instrument, the low notes to the left of the high ones."""
    tunes = {
        name: motif(generator, beats=sketch.beats_per_bar, density=0.45)
        for name in ("intro", "verse", "chorus", "bridge", "outro")
    }
    in_octaves = artist.variant % 2
    octave = 2 if in_octaves else 1
    right = tune(sketch, tunes, generator, octave=octave, level=0.95, min_energy=0.0)
    if in_octaves:
        right += [Note(n.start_beat, n.length_beats, n.pitch - 12, n.velocity * 0.5) for n in right]
    left = [note for bar in sketch.bars for note in _left_hand(sketch, bar, artist)]
    return [
        Part(_piano(artist), left, Channel(-2, pan=-0.3, width=0.4, send=0.5)),
        Part(_piano(artist), right, Channel(0, pan=0.3, width=0.4, send=0.5)),
    ]


def _left_hand(sketch: Sketch, bar: Bar, artist: Artist) -> list[Note]:
    low = nearest_octave(sketch.chord_of(bar)[0], 43)
    tones = (low, *(pitch for pitch in voiced(sketch.chord_of(bar, size=4), 54) if pitch > low))
    level = 0.35 + 0.35 * bar.energy
    if bar.energy < 0.4:
        return together(bar.first_beat, sketch.beats_per_bar, tones[:3], level)
    figure = _FIGURES[artist.variant % len(_FIGURES)]
    step = sketch.beats_per_bar / len(figure)
    notes = [
        # The pedal holds each note longer than the finger does.
        Note(bar.first_beat + place * step, 1.5, tones[tone % len(tones)], level)
        for place, tone in enumerate(figure)
    ]
    if bar.energy > 0.9:
        notes.append(Note(bar.first_beat, sketch.beats_per_bar, low - 12, level))
    return notes


def _piano(artist: Artist) -> Timbre:
    return Timbre(
        plucked_partials(30, place=0.12, tilt=2.1 - 0.9 * artist.brightness),
        dulling=1.4,
        dulling_seconds=0.35,
        attack_seconds=0.002 + 0.006 * (1 - artist.brightness),
        decay_seconds=1.3 * artist.ring,
        release_seconds=0.4,
        voices=2,
        detune_cents=0.5 + artist.detune_cents / 5,
        noise=0.03 + 0.03 * artist.brightness,
        noise_seconds=0.015,
    )


STYLE = Style(
    name="piano",
    tempo_bpm=(58, 104),
    scales=("major", "minor", "harmonic minor", "lydian"),
    progressions=((0, 5, 3, 4), (0, 4, 5, 2), (3, 0, 4, 5), (0, 2, 3, 4)),
    production=Production(
        reverb_seconds=2.0, reverb_level=0.35, low_db=0, high_db=-1, loudness_db=-18, hiss_db=-78
    ),
    arrange=arrange,
    mood="sad",
    years=(1962, 2023),
    band_words=(
        ("Elena", "Tomas", "Ingrid", "Hugo", "Amalia", "Viktor", "Noor", "Sofia"),
        ("Lindqvist", "Moreau", "Petrenko", "Hartwig", "Okafor", "Castellan", "Brandt", "Ishida"),
    ),
    title_words=(
        ("Nocturne for", "Letter to", "Waltz of", "Prelude to", "Study in", "Song without"),
        ("Snow", "the Harbour", "October", "Glass", "My Brother", "Silver", "Morning", "Words"),
    ),
    artist_spread=0.8,
)
