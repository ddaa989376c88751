"""Run one of our own graphs in ONNX Runtime, in this process and on one core.

Imported ONNX files run in a process of their own (`kinds.onnx_session`); these graphs are ours.
"""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.models.graphs.layers import NoGraph

Floats = NDArray[np.float32]


class GraphSession:
    """A graph, ready to run. Threads may share it."""

    def __init__(self, data: bytes, *, input_name: str) -> None:
        self._input_name = input_name
        self._session = _opened(data)

    def run(self, values: Floats) -> Floats:
        """The output for an input; raises MemoryError if there is not enough."""
        try:
            (output,) = self._session.run(None, {self._input_name: values})
        except Exception as error:
            if any(text in str(error) for text in ("bad_alloc", "Failed to allocate memory")):
                raise MemoryError(str(error)) from error
            raise RuntimeError(f"ONNX Runtime: {error}") from error
        vectors: Floats = output
        return vectors


def _opened(data: bytes) -> Any:
    if find_spec("onnxruntime") is None:
        raise NoGraph("onnxruntime is not installed")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised too
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # each worker uses one core
    # The higher levels take longer to open than they save in a hundred tracks.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return onnxruntime.InferenceSession(
            data, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise NoGraph(f"ONNX Runtime refuses the network: {error}") from error
