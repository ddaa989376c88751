"""Short synthesised songs for the tests of the command line."""

from pathlib import Path

import numpy as np

from embedder.audio.writing import write_audio

RATE = 22_050
BROKEN = "broken.mp3"
ODD = "🎸 señor.wav"
NAMES = ("a.wav", "b.wav", "c.flac", "d.ogg", "e.wav", ODD)
ROOT = Path(__file__).parents[2]


def write_song(path: Path, seed: int, *, seconds: float = 4.0) -> None:
    """A few notes with overtones, drawn by a seed."""
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    samples = 0.02 * generator.standard_normal(len(times))
    for step in generator.integers(0, 24, size=4):
        pitch = 110 * 2 ** (step / 12)
        beat = np.sin(np.pi * times * generator.integers(1, 5)) ** 2
        for overtone in range(1, 5):
            samples += 0.1 / overtone * beat * np.sin(2 * np.pi * pitch * overtone * times)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, samples[None].astype(np.float32), RATE)
