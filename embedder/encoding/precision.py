"""Number formats of the network: float32, or a shorter one if it is faster and still accurate.

`auto` tries a shorter format on the first real batch. It is used only if it is faster there and
every vector keeps a cosine of at least 0.999 with its float32 form.
"""

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

SMALLEST_COSINE = 0.999
SMALLEST_GAIN = 1.1
"""A format that is faster by less than this factor is not worth its rounding errors."""

Forward = Callable[[Tensor], Tensor]


def candidate_format(device: torch.device) -> torch.dtype | None:
    """The shorter format that this device computes in hardware, if any."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else None


def with_format(network: Forward, dtype: torch.dtype | None) -> Forward:
    """The network computing in `dtype`; its output is float32."""
    if dtype is None:
        return network

    def forward(batch: Tensor) -> Tensor:
        with torch.autocast(batch.device.type, dtype=dtype):
            return network(batch).float()

    return forward


def fastest_safe_format(network: Forward, batch: Tensor) -> torch.dtype | None:
    """The shorter format if it is fast and accurate on this batch; None: stay with float32."""
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
    network(batch)  # not timed: the first call also selects kernels
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
