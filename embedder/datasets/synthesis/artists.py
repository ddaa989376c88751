"""Styles and artists: the traits that all songs of an artist share."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from embedder.datasets.synthesis.drums import DrumKit
from embedder.datasets.synthesis.randomness import generator_for
from embedder.datasets.synthesis.score import Part, Sketch

SONGS_PER_ALBUM_AT_MOST = 100

_GOLDEN = 0.6180339887


@dataclass(frozen=True, slots=True)
class Production:
    """Reverb, equaliser, loudness and noise of the mix."""

    reverb_seconds: float = 1.2
    reverb_level: float = 0.3
    low_db: float = 0.0
    high_db: float = 0.0
    loudness_db: float = -14.0
    hiss_db: float = -90.0


@dataclass(frozen=True, slots=True)
class Artist:
    """The sound of one artist."""

    style: str
    number: int
    tempo_bpm: float
    roots: tuple[int, ...]
    scales: tuple[str, ...]
    brightness: float
    """0 = dark instruments, 1 = bright ones."""
    detune_cents: float
    ring: float
    """Factor on the decay of notes."""
    variant: int
    """Which of a style's instruments and patterns are used."""
    kit: DrumKit
    production: Production


@dataclass(frozen=True, slots=True)
class Style:
    """A style of music: its range of traits, and how its artists arrange a song."""

    name: str
    tempo_bpm: tuple[float, float]
    scales: tuple[str, ...]
    progressions: tuple[tuple[int, ...], ...]
    production: Production
    arrange: Callable[[Sketch, Artist, np.random.Generator], list[Part]]
    mood: str
    years: tuple[int, int]
    band_words: tuple[tuple[str, ...], tuple[str, ...]]
    """First and second words of artists' names."""
    title_words: tuple[tuple[str, ...], tuple[str, ...]]
    beats_per_bar: int = 4
    swing: float = 0.5
    artist_spread: float = 1.0
    """How much its artists' productions differ."""


def artist_of(style: Style, *, seed: int, number: int) -> Artist:
    """Return artist `number` of a style.

    Traits step by the golden ratio from a random start, so that even the first few artists differ
    clearly. With independent random traits, two of them could sound alike.
    """
    offsets = generator_for("traits", seed, style.name).random(8)
    steps = np.array([1, 2, 3, 5, 7, 4, 6, 9]) * _GOLDEN * number
    tempo, bright, detune, ring, low, high, wet, tune = map(float, (offsets + steps) % 1.0)
    chance = generator_for("artist", seed, style.name, number)
    slowest, fastest = style.tempo_bpm
    base = style.production
    spread = style.artist_spread
    production = replace(
        base,
        reverb_seconds=round(base.reverb_seconds * (0.6 + 0.9 * wet), 2),
        reverb_level=base.reverb_level * (0.5 + 1.1 * wet),
        low_db=base.low_db + spread * 5 * (low - 0.5),
        high_db=base.high_db + spread * 7 * (high - 0.5),
        loudness_db=base.loudness_db + 2 * (tune - 0.5),
        hiss_db=base.hiss_db + 12 * ring,
    )
    kit = DrumKit(
        tune=0.8 + 0.45 * tune,
        ring=0.65 + 0.8 * ring,
        brightness=0.15 + 0.8 * bright,
        punch=0.2 + 0.7 * tempo,
    )
    home = int(chance.integers(12))
    return Artist(
        style=style.name,
        number=number,
        tempo_bpm=slowest + (fastest - slowest) * tempo,
        roots=tuple(48 + (home + away) % 12 for away in (0, 5, 7, 2)),
        scales=tuple(str(name) for name in chance.permutation(style.scales)[:2]),
        brightness=bright,
        detune_cents=3 + 14 * detune,
        ring=0.6 + 0.9 * ring,
        variant=number + int(offsets[0] * 4),
        kit=kit,
        production=production,
    )
