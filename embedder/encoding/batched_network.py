"""Run a network over any number of excerpts, in batches that fit into the device's memory."""

import logging
import threading

import numpy as np
import torch
from torch import Tensor

from embedder.encoding.formats import PRECISIONS, Precision
from embedder.encoding.precision import Forward, fastest_safe_format, with_format
from embedder.errors import UnknownChoice

logger = logging.getLogger(__name__)


class BatchedForward:
    """Runs the network without gradients; halves the batch when a device runs out of memory.

    `precision="auto"` decides once, on the first batch of at least four excerpts
    (`fastest_safe_format`); until then it is float32.
    """

    def __init__(
        self,
        network: Forward,
        *,
        device: torch.device,
        batch_size: int,
        precision: Precision = "auto",
    ) -> None:
        if precision not in PRECISIONS:
            raise UnknownChoice("precision", precision, PRECISIONS)
        if isinstance(network, torch.nn.Module):
            network = network.to(device).eval()
        self.batch_size = batch_size
        self.device = device
        self._exact = network
        self._is_undecided = precision == "auto"
        dtype = None if precision in ("auto", "float32") else getattr(torch, precision)
        self._forward = with_format(network, dtype)
        self._choosing = threading.Lock()

    def __call__(self, spectrograms: Tensor) -> Tensor:
        """[excerpts, rows, columns] → [excerpts, size], on the CPU."""
        with torch.inference_mode():
            outputs: list[Tensor] = []
            n_done = 0
            while n_done < len(spectrograms):
                batch = spectrograms[n_done : n_done + self.batch_size]
                try:
                    outputs.append(self._run(batch.to(self.device)).float().cpu())
                except torch.OutOfMemoryError:
                    self._halve()
                    continue
                n_done += len(batch)
            return torch.cat(outputs)

    def _run(self, batch: Tensor) -> Tensor:
        if self._is_undecided and len(batch) >= min(self.batch_size, 4):
            self._choose(batch)
        return self._forward(batch)

    def _choose(self, batch: Tensor) -> None:
        with self._choosing:
            if self._is_undecided:
                self._forward = with_format(self._exact, fastest_safe_format(self._exact, batch))
                self._is_undecided = False

    def _halve(self) -> None:
        if self.batch_size == 1:
            raise torch.OutOfMemoryError(f"{self.device}: no memory for even one excerpt")
        self.batch_size = int(np.ceil(self.batch_size / 2))
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        logger.warning(
            "%s: out of memory, going on with batches of %d", self.device, self.batch_size
        )
