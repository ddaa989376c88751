"""Synthesised recordings of a kettle and a door, at 16 kHz in a quiet room."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
ROOM_LEVEL = 2e-4
"""About -74 dB: below what counts as silence."""
Floats = NDArray[np.float32]


def quiet(seconds: float, generator: np.random.Generator) -> Floats:
    """The room alone."""
    return (ROOM_LEVEL * generator.standard_normal(round(seconds * RATE))).astype(np.float32)


def kettle(seconds: float, generator: np.random.Generator) -> Floats:
    """Hiss under a whistle that wavers."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = generator.uniform(2200, 2600) + 60 * np.sin(2 * np.pi * 6 * time)
    whistle = 0.1 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    return (whistle + 0.05 * generator.standard_normal(len(time))).astype(np.float32)


def door(generator: np.random.Generator) -> Floats:
    """A latch, then a thud; less than a second."""
    time = np.arange(round(0.8 * RATE)) / RATE
    sound = quiet(0.8, generator).astype(np.float64)
    for start, decay, level in ((0.05, 60, 0.2), (generator.uniform(0.2, 0.3), 12, 0.5)):
        after = np.clip(time - start, 0, None)
        thud = np.sin(2 * np.pi * generator.uniform(70, 130) * after) * np.exp(-decay * after)
        click = 0.3 * generator.standard_normal(len(time)) * np.exp(-90 * after)
        sound += level * (time >= start) * (thud + click)
    return sound.astype(np.float32)


def recording_of_doors(n_takes: int, *, seed: int) -> Floats:
    """Doors with a second of quiet between: [samples]."""
    generator = np.random.default_rng(seed)
    parts = [quiet(1.0, generator)]
    for _ in range(n_takes):
        parts += [door(generator), quiet(1.0, generator)]
    return np.concatenate(parts)


def recording_of_kettle(n_takes: int, *, seed: int) -> Floats:
    """A kettle for two seconds a take, its whistle now lower, now higher: [samples]."""
    generator = np.random.default_rng(seed)
    return np.concatenate([kettle(2.0, generator) for _ in range(n_takes)])


def kitchen(*, seed: int) -> Floats:
    """3 s of quiet, a kettle from 3 to 7 s, quiet, three doors from 10 s on, quiet to the end."""
    generator = np.random.default_rng(seed)
    doors = np.concatenate([door(generator) for _ in range(3)])
    parts = [quiet(3, generator), kettle(4, generator), quiet(3, generator), doors]
    return np.concatenate([*parts, quiet(3, generator)])
