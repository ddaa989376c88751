"""Run one of our own graphs in ONNX Runtime, in this process and on one core.

Imported ONNX files run in a process of their own (`kinds.onnx_session`); these graphs are ours.

A graph is opened as it is, which takes a third of the time of opening it with all optimisations.
These make most networks a fifth faster, so after a number of excerpts it is opened again.
"""

import threading
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.models.graphs.layers import NoGraph

OPTIMISED_AFTER = 100
"""Inputs. Opening the bundled network with all optimisations takes as long as 50 of its inputs."""

Floats = NDArray[np.float32]


class GraphSession:
    """A graph, ready to run. Threads may share it."""

    def __init__(
        self, data: bytes, *, input_name: str, optimised_after: int = OPTIMISED_AFTER
    ) -> None:
        """optimised_after: so many inputs; 0: never."""
        self._input_name = input_name
        self._optimised_after = optimised_after
        self._session = _opened(data, is_optimised=False)
        self._data = data if optimised_after else None
        """What is opened again later; None: nothing is."""
        self._n_inputs = 0
        self._counting = threading.Lock()

    def run(self, values: Floats) -> Floats:
        """The output for an input; raises MemoryError if there is not enough."""
        self._count(len(values))
        try:
            (output,) = self._session.run(None, {self._input_name: values})
        except Exception as error:
            if any(text in str(error) for text in ("bad_alloc", "Failed to allocate memory")):
                raise MemoryError(str(error)) from error
            raise RuntimeError(f"ONNX Runtime: {error}") from error
        vectors: Floats = output
        return vectors

    def _count(self, n_inputs: int) -> None:
        with self._counting:
            self._n_inputs += n_inputs
            if self._data is not None and self._n_inputs > self._optimised_after:
                self._session = _opened(self._data, is_optimised=True)
                self._data = None


def _opened(data: bytes, *, is_optimised: bool) -> Any:
    if find_spec("onnxruntime") is None:
        raise NoGraph("onnxruntime is not installed")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised too
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # each worker uses one core
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if is_optimised else levels.ORT_DISABLE_ALL
    )
    try:
        return onnxruntime.InferenceSession(
            data, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise NoGraph(f"ONNX Runtime refuses the network: {error}") from error
