"""The channels of a decoded frame, and their mean."""

from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

_STORED_AS: dict[str, tuple[np.dtype[Any], float, float]] = {
    "u8": (np.dtype("u1"), 1 / 128, -1.0),
    "s16": (np.dtype("i2"), 1 / 32768, 0.0),
    "s32": (np.dtype("i4"), 1 / 2147483648, 0.0),
    "s64": (np.dtype("i8"), 1 / 9223372036854775808, 0.0),
    "flt": (np.dtype("f4"), 1.0, 0.0),
    "dbl": (np.dtype("f8"), 1.0, 0.0),
}
"""FFmpeg's sample formats: type, factor and offset, which lead to ±1."""
_LOW_FREQUENCY = ("LFE", "LFE2")
LOUDEST = 65536.0
"""+96 dB over full scale: a louder value is damage, not sound."""


def channels_of(frame: AudioFrame) -> tuple[list[NDArray[Any]], float, float]:
    """All channels without bass effects, as stored, and the factor and offset that lead to ±1.

    It reads FFmpeg's memory directly; `to_ndarray` would take a sixth of the time of decoding.
    """
    sample_format = frame.format
    dtype, scale, offset = _STORED_AS[sample_format.name.removesuffix("p")]
    n_samples = frame.samples
    channels: list[NDArray[Any]]
    if sample_format.is_planar:
        # mypy knows the buffer protocol in C classes only from Python 3.12 on, hence memoryview
        channels = [np.frombuffer(memoryview(p), dtype, n_samples) for p in frame.planes]
    else:
        n_channels = frame.layout.nb_channels
        packed = np.frombuffer(memoryview(frame.planes[0]), dtype, n_samples * n_channels)
        channels = list(packed.reshape(n_samples, n_channels).T)
    if len(channels) > 2:
        names = [channel.name for channel in frame.layout.channels]
        full_range = [
            channel
            for channel, name in zip(channels, names, strict=True)
            if name not in _LOW_FREQUENCY
        ]
        channels = full_range or channels
    return channels, scale, offset


def mono_of(frame: AudioFrame) -> NDArray[np.float32]:
    """float32 [samples], full scale at ±1: the mean of all channels without bass effects."""
    return mean_of_channels(*channels_of(frame))


def mean_of_channels(
    channels: list[NDArray[Any]], scale: float, offset: float
) -> NDArray[np.float32]:
    """The same of what `channels_of` gives."""
    factor = np.float32(scale / len(channels))
    mono: NDArray[np.float32]
    if len(channels) == 1:
        mono = np.multiply(channels[0], factor, dtype=np.float32)
    else:
        mono = np.add(channels[0], channels[1], dtype=np.float32)
        for channel in channels[2:]:
            mono += channel
        mono *= factor
    if offset:
        mono += np.float32(offset)
    return mono
