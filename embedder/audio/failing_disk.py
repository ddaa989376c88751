"""Whether a disk or a network folder fails. FFmpeg takes some failures for the end of a file."""

import os
from pathlib import Path

from embedder.errors import OUT_OF_REACH, MissingAudio, OutOfReach

BLOCK_BYTES = 1 << 20


def refuse_failing_disk(path: Path) -> None:
    """Read the whole file once: raises OutOfReach if the disk or the network fails, and
    MissingAudio if the file was removed. For files that seem damaged or cut off, which are few.
    """
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(BLOCK_BYTES):
                pass
    except FileNotFoundError as error:
        raise MissingAudio(path, "it was removed while it was read") from error
    except OSError as error:
        if error.errno in OUT_OF_REACH:
            raise out_of_reach(path, error) from error


def out_of_reach(path: Path, error: OSError) -> OutOfReach:
    """The error for a file that cannot be read now."""
    reason = error.strerror or os.strerror(error.errno or 0)
    return OutOfReach(path, f"reading failed: {reason}")
