"""Scales, chords and octaves. Pitches are MIDI numbers (60 = middle C)."""

from collections.abc import Sequence

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
}


def scale_pitch(root: int, scale: str, step: int) -> int:
    """The pitch `step` scale steps above `root`; a negative step is below it."""
    steps = SCALES[scale]
    octave, place = divmod(step, len(steps))
    return root + 12 * octave + steps[place]


def chord(root: int, scale: str, degree: int, *, size: int = 3) -> tuple[int, ...]:
    """Stacked thirds on a degree of the scale (0 = the home chord), from the root upwards."""
    return tuple(scale_pitch(root, scale, degree + 2 * third) for third in range(size))


def nearest_octave(pitch: int, centre: int) -> int:
    """The same note in the octave around `centre`."""
    return centre - 6 + (pitch - centre + 6) % 12


def voiced(pitches: Sequence[int], centre: int) -> tuple[int, ...]:
    """The notes of a chord near `centre`, so that consecutive chords have small steps."""
    return tuple(sorted({nearest_octave(pitch, centre) for pitch in pitches}))


def frequency_hz(pitch: float) -> float:
    """The frequency of a MIDI pitch in equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
