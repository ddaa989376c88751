"""Run a network over any number of excerpts, in batches that fit into the device's memory."""

import logging
import threading

import numpy as np
import torch
from torch import Tensor

from embedder.encoding.formats import PRECISIONS, Precision
from embedder.encoding.precision import Forward, fastest_safe_format, with_format
from embedder.encoding.runtime import BATCH_EXCERPTS
from embedder.errors import UnknownChoice

logger = logging.getLogger(__name__)


class BatchedForward:
    """Runs the network without gradients; halves the batch when a device runs out of memory.

    If not even one excerpt fits, the CPU goes on.

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
        self.batch_size = batch_size
        self.device = device
        self._exact = network
        if isinstance(network, torch.nn.Module):
            try:
                self._exact = network.to(device).eval()
            except torch.OutOfMemoryError:
                self._go_on_with_cpu()
        self._is_undecided = precision == "auto"
        dtype = None if precision in ("auto", "float32") else getattr(torch, precision)
        self._forward = with_format(self._exact, dtype)
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
            if self.device.type == "cpu":
                raise torch.OutOfMemoryError("cpu: no memory for even one excerpt")
            self._go_on_with_cpu()
            self._forward, self._is_undecided = with_format(self._exact, None), False
            return
        self.batch_size = int(np.ceil(self.batch_size / 2))
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        logger.warning(
            "%s: out of memory, going on with batches of %d", self.device, self.batch_size
        )

    def _go_on_with_cpu(self) -> None:
        logger.warning("%s: no memory for even one excerpt, going on with the CPU", self.device)
        self.device = torch.device("cpu")
        self.batch_size = BATCH_EXCERPTS["cpu"]
        if isinstance(self._exact, torch.nn.Module):
            self._exact = self._exact.to(self.device).eval()
