"""Choose the device: the CPU, CUDA or Apple's MPS. A missing device is an error."""

import torch

from embedder.errors import UnknownChoice, UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str) -> torch.device:
    """The named device; `auto` takes CUDA, then MPS, then the CPU."""
    if name not in DEVICES:
        raise UnknownChoice("device", name, DEVICES)
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, is_available in available.items() if is_available))
    if not available[name]:
        usable = ", ".join(kind for kind, is_available in available.items() if is_available)
        raise UsageError(f"device {name}: this machine has none. It has: {usable}.")
    return torch.device(name)
