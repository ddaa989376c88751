"""Random generators that depend on names alone, so that a song is the same in every folder."""

import hashlib

import numpy as np


def generator_for(*names: str | int) -> np.random.Generator:
    """Return the random generator that belongs to these names, always in the same state."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
