"""The parts of a track that its aspects are computed from. It needs no torch, for a quick child."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoding import read_stretches
from index.catalogue.records import TrackRecord

SAMPLE_RATE = 22_050
STRETCH_SECONDS = 6.0
PLACES = (0.15, 0.5, 0.85)


def read_sound(track: TrackRecord) -> NDArray[np.float32]:
    """Three stretches, one after another [samples]; raises AudioError if it cannot be decoded."""
    begins = track.start_seconds or 0.0

    def plan(file_seconds: float) -> list[float]:
        room = max((track.end_seconds or file_seconds) - begins - STRETCH_SECONDS, 0.0)
        return sorted({begins + place * room for place in PLACES})

    read = read_stretches(Path(track.path), plan, seconds=STRETCH_SECONDS, sample_rate=SAMPLE_RATE)
    return read.samples.ravel()
