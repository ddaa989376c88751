"""A device that runs out of memory during training, as an error that says what to change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from embedder.config.training import TrainingConfig
from embedder.errors import BadInput


@contextmanager
def memory_explained(config: TrainingConfig, device: str) -> Iterator[None]:
    """Raise BadInput in place of torch's error; the advice names the setting of the batch."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        sampler = config.sampler
        name = "batch_size" if sampler.kind == "plain" else "groups_per_batch"
        size = getattr(sampler, name)
        smaller = max(size // 2, 1)
        raise BadInput(
            f"{device}: out of memory. Use a smaller batch (--set sampler.{name}={smaller}, it was "
            f"{size}) or a smaller preset, or close other programs that use the device."
        ) from error
