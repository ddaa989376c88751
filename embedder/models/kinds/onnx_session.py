"""Run an imported ONNX file in a child process, so that a crash cannot end this process.

`OnnxSession` is the parent's side. Run as a module, this file is the child.
"""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import (
    BadInput,
    CorruptArtefact,
    ForeignCodeCrashed,
    MissingExtra,
    printable_path,
)
from embedder.processes.foreign import ForeignCrash, ForeignProcess, Message, serve
from embedder.processes.limits import limit_memory

MEMORY_BYTES = 4 * 2**30
"""What running a file may take, beside three times its size."""
MOST_NUMBERS = 2**28
"""In one output, 1 GiB: frames of a batch of long excerpts have a tenth of that."""
NO_MEMORY = f"it needs more than {MEMORY_BYTES:,} bytes of memory"


class OnnxRunError(Exception):
    """The file refuses its input; the message is ONNX Runtime's."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, and its shape, in which a word stands for any size."""

    name: str
    shape: tuple[int | str | None, ...]


class OnnxSession:
    """An ONNX file, open to run on the CPU."""

    def __init__(self, path: Path) -> None:
        if find_spec("onnxruntime") is None:
            raise MissingExtra("An ONNX model", "pretrained")
        self.path = path
        # Absolute, so that the child finds it even if this process changes its folder.
        self._process = ForeignProcess("embedder.models.kinds.onnx_session", str(path.absolute()))
        head = self._ask(Message({})).head
        if "error" in head:
            raise CorruptArtefact(
                f"{printable_path(path)}: not an ONNX file that can be run: {head['error']}"
            )
        self.inputs = tuple(Port(name, tuple(shape)) for name, shape in head["inputs"])
        self.outputs = tuple(Port(name, tuple(shape)) for name, shape in head["outputs"])

    def run(self, values: NDArray[np.float32], *, into: str, out_of: str) -> NDArray[np.float32]:
        """The output `out_of` for `values` as the input `into`; raises OnnxRunError.

        Raises BadInput if the file computes more than any audio model.
        """
        answer = self._ask(Message({"input": into, "output": out_of}, (values,)))
        if "error" in answer.head:
            raise OnnxRunError(answer.head["error"])
        return answer.arrays[0]

    def _ask(self, request: Message) -> Message:
        try:
            answer = self._process.ask(request)
        except ForeignCrash as crash:
            where = "on this processor" if crash.is_illegal_instruction else "here"
            raise ForeignCodeCrashed(
                f"{printable_path(self.path)}: ONNX Runtime cannot run it {where}: it crashed "
                f"({crash})"
            ) from crash
        if "too_large" in answer.head:
            raise BadInput(
                f"{printable_path(self.path)}: {answer.head['too_large']}, more than any audio "
                "model. Name another output, or take a smaller model."
            )
        return answer


class _Runner:
    """Answers the requests of an OnnxSession."""

    def __init__(self, path: str) -> None:
        import onnxruntime

        self._path = path
        self._session: Any = None
        self._options = onnxruntime.SessionOptions()
        self._options.log_severity_level = 4  # errors are raised too
        # Each worker uses one core (TrackEncoder.encode_many).
        self._options.intra_op_num_threads = 1

    def answer(self, request: Message) -> Message:
        """Inputs and outputs of the file, for an empty request; otherwise run it once."""
        try:
            if not self._session:
                self._open()
            if not request.arrays:
                return Message(
                    {
                        "inputs": [[port.name, port.shape] for port in self._session.get_inputs()],
                        "outputs": [
                            [port.name, port.shape] for port in self._session.get_outputs()
                        ],
                    }
                )
            (output,) = self._session.run(
                [request.head["output"]], {request.head["input"]: request.arrays[0]}
            )
        except MemoryError:
            return Message({"too_large": NO_MEMORY})
        except _runtime_errors() as error:
            if _is_out_of_memory(error):
                return Message({"too_large": NO_MEMORY})
            return Message({"error": _first_line(error)})
        if output.size > MOST_NUMBERS:
            return Message({"too_large": f"it gives {output.size:,} numbers at once"})
        return Message({}, (np.asarray(output, dtype=np.float32),))

    def _open(self) -> None:
        import onnxruntime

        # A small file can ask for any amount of memory.
        limit_memory(MEMORY_BYTES + 3 * Path(self._path).stat().st_size)
        self._session = onnxruntime.InferenceSession(
            self._path, sess_options=self._options, providers=["CPUExecutionProvider"]
        )


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises; its exceptions have no common parent of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        *("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile"),
        *("NotImplemented", "RuntimeException", "NoModel"),
    )
    return (*(getattr(state, name) for name in names), ValueError, RuntimeError)


def _is_out_of_memory(error: Exception) -> bool:
    texts = ("bad_alloc", "bad allocation", "Failed to allocate memory")
    return any(text in str(error) for text in texts)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


if __name__ == "__main__":
    serve(_Runner(sys.argv[1]).answer)
