"""Samples as bytes: the formats of raw PCM and of WAV, and their headers.

A WAV from a pipe states no length, or a wrong one, because its writer does not know the end.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.errors import BadInput, UsageError

Floats = NDArray[np.float32]
ENCODINGS = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}
"""FFmpeg's names, and bytes a sample."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_OF_WAV = {
    (_PCM, 8): "u8",
    (_PCM, 16): "s16le",
    (_PCM, 24): "s24le",
    (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le",
    (_FLOAT, 64): "f64le",
}
_UNKNOWN_LENGTHS = (0, 0x7FFFFFFF, 0xFFFFFFFF)
_MAX_CHUNK_BYTES = 1 << 20
"""Chunks before the samples hold a format and a few tags."""
MAX_RATE = 1_000_000
MAX_CHANNELS = 64
LOUDEST = 65536.0
"""Louder values are damage, not sound."""
ADVICE = (
    "Give WAV, for example from 'ffmpeg -i URL -f wav -', or name the format of raw samples: "
    "--raw s16le:44100:2"
)

ReadExactly = Callable[[int], bytes]
"""Reads a number of bytes, fewer only at the end of the stream."""


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """How samples are stored, interleaved."""

    encoding: str
    sample_rate: int
    n_channels: int

    def __post_init__(self) -> None:
        if not 1 <= self.sample_rate <= MAX_RATE or not 1 <= self.n_channels <= MAX_CHANNELS:
            raise BadInput(
                f"{self.sample_rate} samples a second in {self.n_channels} channels: not sound"
            )

    @property
    def frame_bytes(self) -> int:
        """The bytes of one sample of all channels."""
        return ENCODINGS[self.encoding] * self.n_channels

    def mono(self, data: bytes) -> Floats:
        """Whole frames to float32 [samples], the mean of the channels; damage becomes silence."""
        return mono_of(_values(data, self.encoding).reshape(-1, self.n_channels))


def mono_of(channels: Floats) -> Floats:
    """float32 [samples, channels] to their mean [samples]; damage becomes silence."""
    with np.errstate(invalid="ignore", over="ignore"):
        mono = channels.mean(axis=1, dtype=np.float32)
    return np.where(np.abs(mono) <= LOUDEST, mono, np.float32(0))


def parse_raw_format(text: str) -> PcmFormat:
    """A format as a person writes it: s16le:44100:2; the channels may be left out."""
    encoding, *numbers = text.split(":")
    if encoding not in ENCODINGS or not 1 <= len(numbers) <= 2 or not all(map(_is_count, numbers)):
        raise UsageError(
            f"{text!r}: give encoding:rate:channels, such as s16le:44100:2. Encodings: "
            f"{', '.join(ENCODINGS)}"
        )
    rate, n_channels = int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 1
    return PcmFormat(encoding, rate, n_channels)


def read_wav_header(name: str, read: ReadExactly) -> tuple[PcmFormat, int | None]:
    """The format of the samples that follow, and how many bytes they are; None: to the end."""
    start = read(12)
    if start[:4] != b"RIFF" or start[8:12] != b"WAVE":
        what = "it is empty" if not start else "not a WAV"
        raise BadInput(f"{name}: {what}. {ADVICE}")
    pcm_format: PcmFormat | None = None
    while True:
        head = read(8)
        if len(head) < 8:
            raise BadInput(f"{name}: it ends within the header of a WAV. {ADVICE}")
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"data":
            if pcm_format is None:
                raise BadInput(f"{name}: a WAV without a format before its samples. {ADVICE}")
            return pcm_format, None if size in _UNKNOWN_LENGTHS else size
        if size > _MAX_CHUNK_BYTES:
            raise BadInput(f"{name}: not a WAV that can be read from a pipe. {ADVICE}")
        content = read(size + size % 2)
        if kind == b"fmt ":
            pcm_format = _format_in(name, content)


def _format_in(name: str, content: bytes) -> PcmFormat:
    if len(content) < 16:
        raise BadInput(f"{name}: a WAV with a damaged format. {ADVICE}")
    code, n_channels, rate, _, _, n_bits = struct.unpack_from("<HHIIHH", content)
    if code == _EXTENSIBLE and len(content) >= 26:
        (code,) = struct.unpack_from("<H", content, 24)
    encoding = _OF_WAV.get((code, n_bits))
    if encoding is None:
        raise BadInput(f"{name}: a WAV with compressed samples (format {code}). {ADVICE}")
    return PcmFormat(encoding, rate, n_channels)


def _values(data: bytes, encoding: str) -> Floats:
    """The samples at full scale ±1; a float64 that float32 cannot hold becomes infinite."""
    kinds = {"s16le": "<i2", "s32le": "<i4", "f32le": "<f4", "f64le": "<f8"}
    if encoding == "u8":
        return _scaled(np.frombuffer(data, np.uint8).astype(np.float32) - 128, 128)
    if encoding == "s24le":
        packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(packed), 4), np.uint8)
        wide[:, 1:] = packed
        return _scaled(wide.view("<i4").reshape(-1), 2**31)
    with np.errstate(over="ignore"):
        values = np.frombuffer(data, kinds[encoding])
        return _scaled(values, {"s16le": 2**15, "s32le": 2**31}.get(encoding, 1))


def _scaled(values: NDArray[Any], full_scale: int) -> Floats:
    scaled: Floats = np.multiply(
        values, np.float32(1 / full_scale), dtype=np.float32, casting="unsafe"
    )
    return scaled


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
