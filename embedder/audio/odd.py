"""Recognise files that are so odd that a child process should decode them.

Only the headers of a file that is already open are checked, so ordinary files take no extra time.
"""

from embedder.audio.source import AudioSource

_USUAL_RATE = 192_000
_USUAL_CHANNELS = 8
_LEAST_BYTES_A_SECOND = 50
"""FLAC takes 150 for digital silence."""


class OddAudio(Exception):
    """The file may be sound, but must be decoded in a child process."""


def refuse_odd(source: AudioSource) -> None:
    """Raise OddAudio if the headers state values that hardly any recording has."""
    info = source.info()
    if info.sample_rate > _USUAL_RATE:
        raise OddAudio(f"{info.sample_rate} samples a second")
    if info.n_channels > _USUAL_CHANNELS:
        raise OddAudio(f"{info.n_channels} channels")
    least_bytes = (info.duration_seconds or 0.0) * _LEAST_BYTES_A_SECOND
    if least_bytes > source.path.stat().st_size:
        raise OddAudio(f"{info.duration_seconds:.0f} s in too few bytes")
