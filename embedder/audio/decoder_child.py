"""The child process that decodes and does nothing else, started by `audio.decoders`.

Each request is a pickled function with its arguments, on standard input; each answer is what the
function returned or raised, on standard output. The bytes of arrays are written to a file that both
processes share. It ends when its input ends, and ignores Ctrl-C: its parent handles that. It does
not import torch, so it starts quickly.
"""

import logging
import os
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from embedder.audio import decoding, excerpts, inspecting
from embedder.errors import AudioError, UnreadableAudio, UsageError
from embedder.processes.limits import die_before_parent, limit_cpu_time, limit_memory

IMPORTED_EARLY = (decoding, excerpts, inspecting)
"""While the parent imports other things. Other modules are imported when a function needs them."""
MEMORY_BYTES = 4 * 2**30
"""Beyond what the process takes to start. `audio.decoding` holds at most 1 GiB of samples."""


def serve(requests: BinaryIO, answers: BinaryIO, shared: BinaryIO) -> None:
    """Say that this process is ready, and answer requests until there are no more."""
    send(None, answers)
    while True:
        try:
            path, folder, patience_seconds, request = pickle.load(requests)  # noqa: S301 - ours
        except EOFError:
            return
        if folder is not None:
            with suppress(OSError):  # removed meanwhile: a relative path does not exist then
                os.chdir(folder)
        limit_cpu_time(patience_seconds)
        has_failed, value = answer(path, request)
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        shared.seek(0)
        raw = [buffer.raw() for buffer in buffers]
        shared.writelines(raw)
        shared.flush()
        send((has_failed, head, [part.nbytes for part in raw]), answers)


def send(message: object, answers: BinaryIO) -> None:
    """Write a message to the parent."""
    pickle.dump(message, answers)
    answers.flush()


def answer(path: str, request: bytes) -> tuple[bool, Any]:
    """Call the function: (whether it raised an error, what it returned or raised)."""
    try:
        function, arguments, settings = pickle.loads(request)  # noqa: S301 - from the parent
        return False, function(*arguments, **settings)
    except MemoryError:
        return True, UnreadableAudio(Path(path), "decoding it takes more memory than there is")
    except (AudioError, OSError) as error:
        return True, error
    except UsageError as error:
        return True, UsageError(str(error))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_before_parent()
    limit_memory(MEMORY_BYTES)
    if "--debug" in sys.argv:
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    with (
        open(0, "rb") as incoming,
        open(1, "wb") as outgoing,
        Path(sys.argv[1]).open("r+b") as file,
    ):
        try:
            with suppress(BrokenPipeError):  # a parent that was killed reads no answer
                serve(incoming, outgoing, file)
        finally:  # the parent may have been killed
            Path(sys.argv[1]).unlink(missing_ok=True)
