"""Tunes: a short motif that is repeated and fitted to each bar's chord."""

import numpy as np

from embedder.datasets.synthesis.score import Note, Sketch

Motif = tuple[tuple[float, float, int], ...]
"""Start and length in beats, and scale steps above the chord's root."""


def motif(
    generator: np.random.Generator, *, beats: int, step_beats: float = 0.5, density: float = 0.6
) -> Motif:
    """A random rhythm, and a random walk over the scale that begins on a note of the chord."""
    starts = [0.0] if generator.random() < 0.8 else [step_beats]
    n_steps = round(beats / step_beats)
    for number in range(1, n_steps):
        on_beat = (number * step_beats) % 1.0 == 0
        if generator.random() < density * (1.15 if on_beat else 0.75):
            starts.append(number * step_beats)
    step = int(generator.choice([0, 2, 4]))
    notes = []
    for start, following in zip(starts, [*starts[1:], float(beats)], strict=True):
        if following <= start:
            continue
        notes.append((start, min(following - start, 2.0), step))
        step += int(generator.choice([-2, -1, -1, 1, 1, 2, 3]))
        step = max(-3, min(8, step))
    return tuple(notes)


def tune(
    sketch: Sketch,
    motifs: dict[str, Motif],
    generator: np.random.Generator,
    *,
    octave: int,
    level: float,
    min_energy: float = 0.5,
) -> list[Note]:
    """Play each section's motif in every bar with enough energy; each fourth bar varies it."""
    notes = []
    for bar in sketch.bars:
        if bar.energy < min_energy or bar.section not in motifs:
            continue
        for start, length, step in motifs[bar.section]:
            free = bar.place % 4 == 3 and generator.random() < 0.4
            played = step + (int(generator.integers(-2, 3)) if free else 0)
            pitch = sketch.pitch(bar.degree % 7 + played) + 12 * octave
            accent = 1.0 if start % 1.0 == 0 else 0.8
            notes.append(Note(bar.first_beat + start, length * 0.95, pitch, level * accent))
    return notes
