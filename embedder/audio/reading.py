"""Reading a whole file for a Python program, decoded in a child process.

A file that crashes FFmpeg or takes all memory raises an error and does not end the program.
"""

from pathlib import Path

from embedder.audio import decoding
from embedder.audio.decoders import shared_decoders
from embedder.audio.records import Waveform


def read_whole(path: Path | str, *, sample_rate: int = 0, max_seconds: float = 1800.0) -> Waveform:
    """Decode a whole file, at its own rate or at `sample_rate`; refuses longer files."""
    path = Path(path)
    return shared_decoders().run(
        path, decoding.read_whole, path, sample_rate=sample_rate, max_seconds=max_seconds
    )
