"""Synthesised songs for the tests of encoding."""

import numpy as np

RATE = 22050


def tune(seconds: float, *, pitch_hz: float = 220.0, seed: int = 0) -> np.ndarray:
    """A tone with overtones over a little noise, float32 [1, samples]."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    tones = sum(np.sin(2 * np.pi * pitch_hz * n * time) / n for n in range(1, 6))
    return (0.1 * tones + noise).astype(np.float32)[None]
