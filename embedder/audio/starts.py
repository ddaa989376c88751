"""Where the excerpts of a track start: on a fixed grid, or at random for training."""

import math

import numpy as np

from embedder.config.model import ExcerptConfig
from embedder.errors import UnknownChoice


def grid_starts(duration_seconds: float, config: ExcerptConfig) -> tuple[float, ...]:
    """Where the excerpts of a track start, in order; a short track has one, at 0."""
    length = config.excerpt_seconds
    room = duration_seconds - length
    if room <= 0:
        return (0.0,)
    n_covering = math.ceil(duration_seconds / length - 1e-9)
    n_excerpts = min(config.n_excerpts, n_covering)
    if n_excerpts == 1:
        return (0.0 if config.placement == "start" else room / 2,)
    block = n_excerpts * length
    if block >= duration_seconds:  # they overlap evenly and cover all samples
        return tuple(room * i / (n_excerpts - 1) for i in range(n_excerpts))
    gap = duration_seconds - block
    match config.placement:
        case "spread":
            gap /= n_excerpts + 1
            return tuple(gap + i * (length + gap) for i in range(n_excerpts))
        case "centre":
            return tuple(gap / 2 + i * length for i in range(n_excerpts))
        case "start":
            return tuple(i * length for i in range(n_excerpts))
        case _:
            raise UnknownChoice("placement", config.placement, ("spread", "centre", "start"))


def random_starts(
    duration_seconds: float, config: ExcerptConfig, *, generator: np.random.Generator
) -> tuple[float, ...]:
    """`n_excerpts` random starts, anywhere an excerpt fits, in order."""
    room = max(0.0, duration_seconds - config.excerpt_seconds)
    return tuple(float(start) for start in np.sort(generator.uniform(0, room, config.n_excerpts)))
