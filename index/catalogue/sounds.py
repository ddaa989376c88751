"""What a model's tags say of a track, as fields of the library: `sounds.jazz`, `sounds.hip-hop`.

They are measured values, apart from the file's own tags: a probability with three digits. A field
has at most 1,001 different values, so a filter compares few of them.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

PREFIX = "sounds."


def sound_field(tag: str) -> str:
    """The field of a tag: lower case, and - for spaces."""
    return PREFIX + "-".join(tag.casefold().split())


def sound_values(tags: Iterable[str], probabilities: NDArray[np.float32]) -> list[tuple[str, str]]:
    """Fields and values of a track's tags."""
    return [
        (sound_field(tag), f"{probability:.3f}")
        for tag, probability in zip(tags, probabilities.tolist(), strict=True)
    ]


def is_sound_field(field: str) -> bool:
    """Whether a field holds what a model's tags say."""
    return field.startswith(PREFIX)
