"""The features of bliss-audio, an analyser written in Rust, as a baseline.

Its wheels from 0.2.0 on need a processor with AVX-512 and crash on any other, so it runs in a
process of its own.
"""

import threading
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoders import Decoders
from embedder.audio.decoding import probe
from embedder.errors import AudioError, ForeignCodeCrashed, UsageError
from embedder.processes.foreign import ForeignCrash, ForeignProcess, Message

OLD_PROCESSORS = "0.1.11"
"""The last version with wheels that run without AVX-512."""


class Bliss:
    """Reads audio files and describes each by about twenty numbers."""

    def __init__(self) -> None:
        check_installed()
        self._decoders = Decoders()
        self._processes: list[ForeignProcess] = []
        self._of_thread = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._decoders.close()
        for process in self._processes:
            process.close()

    def describe(self, path: Path) -> NDArray[np.float32]:
        """The features of a file; raises AudioError for a file that it cannot analyse."""
        self._decoders.run(path, probe, path)  # gives a clearer reason than bliss-audio's panic
        try:
            answer = self._process().ask(Message({"path": str(path.absolute())}))
        except ForeignCrash as crash:
            if crash.is_illegal_instruction:
                raise ForeignCodeCrashed(_cannot_run()) from crash
            raise AudioError(path, f"bliss-audio crashed on it ({crash})") from crash
        if "panic" in answer.head:
            raise AudioError(path, f"bliss-audio cannot analyse it: {answer.head['panic']}")
        return answer.arrays[0]

    def _process(self) -> ForeignProcess:
        """One child process per thread, so that threads do not wait for each other."""
        if not hasattr(self._of_thread, "process"):
            self._of_thread.process = ForeignProcess("index.evaluate.bliss_child")
            self._processes.append(self._of_thread.process)
        process: ForeignProcess = self._of_thread.process
        return process


def check_installed() -> None:
    """Raise UsageError if the package is missing."""
    if find_spec("bliss_audio") is None:
        raise UsageError("the baseline bliss needs a package: pip install bliss-audio")


def _cannot_run() -> str:
    installed = version("bliss-audio")
    advice = f"; {OLD_PROCESSORS} can: pip install bliss-audio=={OLD_PROCESSORS}"
    return (
        f"bliss-audio {installed} cannot run on this processor (illegal instruction)"
        f"{advice if installed != OLD_PROCESSORS else ''}"
    )
