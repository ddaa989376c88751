"""Devices and number formats: what is there, what is faster, and what is still right.

A shorter format is used only after it was tried on the first real batch: it must be faster there
and leave every vector within a cosine of 0.999 of float32.
"""

import logging
import time
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from embedder.errors import UnknownChoice, UsageError

logger = logging.getLogger(__name__)

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda", "mps")
SMALLEST_COSINE = 0.999
SMALLEST_GAIN = 1.1
"""A format that saves less time than this is not worth its rounding."""

Forward = Callable[[Tensor], Tensor]


def choose_device(name: str) -> torch.device:
    """`auto` takes CUDA, then Apple's MPS, then the CPU; a device that is not there is refused."""
    if name not in DEVICES:
        raise UnknownChoice("device", name, DEVICES)
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, is_there in available.items() if is_there))
    if not available[name]:
        there = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise UsageError(f"device {name}: there is none on this machine. There is: {there}.")
    return torch.device(name)


def candidate_format(device: torch.device) -> torch.dtype | None:
    """The shorter format that this device computes in hardware, if any."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else None


def with_format(network: Forward, dtype: torch.dtype | None) -> Forward:
    """The network computing in `dtype`, its output in float32 all the same."""
    if dtype is None:
        return network

    def forward(batch: Tensor) -> Tensor:
        with torch.autocast(batch.device.type, dtype=dtype):
            return network(batch).float()

    return forward


def fastest_safe_format(network: Forward, batch: Tensor) -> torch.dtype | None:
    """None for float32, else the shorter format that proved itself on this batch."""
    dtype = candidate_format(batch.device)
    if dtype is None:
        return None
    exact, exact_seconds = _timed(network, batch)
    short, short_seconds = _timed(with_format(network, dtype), batch)
    cosine = float(torch.cosine_similarity(exact, short, dim=1).min())
    gain = exact_seconds / short_seconds
    is_better = gain >= SMALLEST_GAIN and cosine >= SMALLEST_COSINE
    verdict = "used" if is_better else "not used"
    logger.debug("%s: %.2f times as fast, cosine %.5f, %s", dtype, gain, cosine, verdict)
    return dtype if is_better else None


def _timed(network: Forward, batch: Tensor) -> tuple[Tensor, float]:
    network(batch)  # the first call chooses kernels
    _finish(batch.device)
    start = time.perf_counter()
    output = network(batch)
    _finish(batch.device)
    return output.float(), time.perf_counter() - start


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
