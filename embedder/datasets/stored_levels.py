"""How levels are stored: 8 bits for 0…1 (steps of 0.3 dB of 80), otherwise 16-bit floats."""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

StoredAs = Literal["uint8", "float16"]


def pack_levels(levels: NDArray[np.float32], stored_as: StoredAs) -> NDArray[Any]:
    """Levels as stored; uint8 holds every 255th of 0…1 exactly."""
    if stored_as == "float16":
        return levels.astype(np.float16)
    packed: NDArray[np.uint8] = np.rint(np.clip(levels, 0.0, 1.0) * 255.0).astype(np.uint8)
    return packed


def unpack_levels(stored: Tensor) -> Tensor:
    """Back to float32 levels."""
    levels = stored.to(torch.float32)
    return levels.mul_(1.0 / 255.0) if stored.dtype == torch.uint8 else levels
