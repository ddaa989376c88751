"""Choose the device: the CPU, CUDA or Apple's MPS. A missing device is an error.

torch is imported only if the machine may have a GPU, because importing it takes seconds.
"""

import os
import platform
import sys
from pathlib import Path

from embedder.errors import UnknownChoice, UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")
GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
"""Of the drivers of NVIDIA, AMD, and Linux under Windows."""
WINDOWS_DRIVER = "System32/nvcuda.dll"


def choose_device(name: str) -> str:
    """The named device; `auto` takes CUDA, then MPS, then the CPU."""
    if name not in DEVICES:
        raise UnknownChoice("device", name, DEVICES)
    if name == "cpu" or (name == "auto" and not may_have_gpu()):
        return "cpu"
    import torch

    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return next(kind for kind, is_available in available.items() if is_available)
    if not available[name]:
        usable = ", ".join(kind for kind, is_available in available.items() if is_available)
        raise UsageError(f"device {name}: this machine has none. It has: {usable}.")
    return name


def may_have_gpu() -> bool:
    """Whether the system has the driver of a GPU that torch could use."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":  # hidden on purpose
        return False
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / WINDOWS_DRIVER).exists()
    return any(Path(file).exists() for file in GPU_FILES)
