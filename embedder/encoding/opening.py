"""Open a model with the runtime that suits the device: torch is imported only if it is needed."""

import logging
from pathlib import Path

from embedder.encoding.formats import PRECISIONS, Precision
from embedder.encoding.runtime import Runtime, RuntimeName
from embedder.errors import UnknownChoice

logger = logging.getLogger(__name__)


def open_runtime(
    folder: Path, *, device: str, precision: Precision, only: RuntimeName | None = None
) -> Runtime:
    """A model's runtime on a device: arrays if they can run it there, otherwise torch."""
    if precision not in PRECISIONS:
        raise UnknownChoice("precision", precision, PRECISIONS)
    reason = ""
    if only == "torch" or device != "cpu" or precision not in ("auto", "float32"):
        reason = "the device or the number format asks for it"
    else:
        from embedder.encoding.array_runtime import ArrayRuntime
        from embedder.models.arrays import NoGraph, load_arrays

        try:
            return ArrayRuntime(load_arrays(folder), precision=precision)
        except NoGraph as missing:
            reason = str(missing)
    logger.debug("%s: torch computes the vectors: %s", folder.name, reason)
    from embedder.encoding.torch_runtime import TorchRuntime
    from embedder.models.registry import load_model

    return TorchRuntime(load_model(folder), device=device, precision=precision)
