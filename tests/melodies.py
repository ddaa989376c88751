"""Seeded melodies: sound that differs from moment to moment, as music does."""

import numpy as np
from numpy.typing import NDArray

RATE = 22050


def melody(seconds: float, *, seed: int, rate: int = RATE) -> NDArray[np.float32]:
    """Two voices of short notes with overtones, and a little noise, float32 [samples]."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros(len(time))
    for _ in range(2):
        start = 0.0
        while start < seconds:
            length = float(rng.uniform(0.15, 0.5))
            pitch_hz = 110.0 * 2 ** (rng.integers(0, 30) / 12)
            of_note = (time >= start) & (time < start + length)
            since = time[of_note] - start
            for overtone in (1, 2, 3):
                tone = np.sin(2 * np.pi * pitch_hz * overtone * since)
                sound[of_note] += tone * np.exp(-4 * since) / overtone
            start += length
    noise = np.random.default_rng(0).normal(0, 0.005, len(time))
    return (0.1 * sound + noise).astype(np.float32)
