"""The child process in which bliss-audio runs; `bliss` is the parent."""

import numpy as np
from bliss_audio import Song

from embedder.processes.foreign import Message, serve


def answer(request: Message) -> Message:
    """The features of the file at `path`, or why its analysis panicked."""
    try:
        features = Song(request.head["path"]).analysis
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's exception has no importable class
            raise
        return Message({"panic": str(error).splitlines()[0] if str(error) else "no reason given"})
    return Message({}, (np.asarray(features, dtype=np.float32),))


if __name__ == "__main__":
    serve(answer)
