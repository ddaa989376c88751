"""The notes of a song: notes in beats, parts, sections and bars, without any audio."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from embedder.datasets.synthesis.harmony import chord, scale_pitch
from embedder.datasets.synthesis.instruments import Instrument

_STRENGTH = {"X": 1.0, "x": 0.8, "o": 0.45, "-": 0.2}


@dataclass(frozen=True, slots=True)
class Note:
    """One note or stroke."""

    start_beat: float
    length_beats: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Channel:
    """The settings of a part in the mix."""

    gain_db: float = 0.0
    pan: float = 0.0
    """-1 = left, 1 = right."""
    width: float = 0.0
    """0 = mono, 1 = full width."""
    send: float = 0.2
    """The level that goes to the reverb."""
    drive: float = 0.0
    """Distortion with a speaker cabinet; 0 = none."""
    duck: float = 0.0
    """How much each beat lowers the level."""
    echo: float = 0.0
    """Level of an echo three eighths later."""
    tremolo_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """The notes of one instrument in a song."""

    instrument: Instrument
    notes: list[Note] = field(default_factory=list)
    channel: Channel = field(default_factory=Channel)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its start, section, chord and energy."""

    number: int
    first_beat: float
    section: str
    place: int
    """Its number within the section."""
    degree: int
    energy: float
    """0 = almost silent, 1 = all instruments play."""
    is_last: bool
    """Whether it is the last bar of its section, which has a drum fill."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """The plan of a song: key, tempo and bars."""

    bars: tuple[Bar, ...]
    root: int
    """The home note, in the octave from 48 (C3)."""
    scale: str
    tempo_bpm: float
    beats_per_bar: int
    swing: float
    """The share of the beat's first half: 0.5 is straight, 0.67 is triplets."""

    def chord_of(self, bar: Bar, *, size: int = 3) -> tuple[int, ...]:
        """The bar's chord as stacked thirds."""
        return chord(self.root, self.scale, bar.degree, size=size)

    def pitch(self, step: int) -> int:
        """A pitch of the song's scale, `step` steps above the root."""
        return scale_pitch(self.root, self.scale, step)

    def seconds_at(self, beat: float) -> float:
        """The time of a beat, including swing."""
        whole_beats, part = divmod(beat, 1.0)
        first, second = 2 * self.swing, 2 * (1 - self.swing)
        swung = part * first if part < 0.5 else self.swing + (part - 0.5) * second
        return (whole_beats + swung) * 60 / self.tempo_bpm


def strokes(
    first_beat: float, pattern: str, pitch: int, *, step_beats: float = 0.25, level: float = 1.0
) -> list[Note]:
    """Notes from a pattern: `X` accent, `x` normal, `o` soft, `-` ghost, all else a rest."""
    return [
        Note(first_beat + place * step_beats, step_beats, pitch, level * _STRENGTH[mark])
        for place, mark in enumerate(pattern)
        if mark in _STRENGTH
    ]


def together(
    start_beat: float, length_beats: float, pitches: Iterable[int], velocity: float
) -> list[Note]:
    """The notes of a chord at once."""
    return [Note(start_beat, length_beats, pitch, velocity) for pitch in pitches]


def rolled(
    start_beat: float,
    length_beats: float,
    pitches: Iterable[int],
    velocity: float,
    *,
    gap_beats: float = 0.03,
) -> list[Note]:
    """The notes of a chord one after the other, as if strummed."""
    return [
        Note(start_beat + place * gap_beats, length_beats, pitch, velocity)
        for place, pitch in enumerate(pitches)
    ]
