"""Write samples as WAV, FLAC, MP3, Ogg (Opus inside) or AAC; the ending of the name says which.

The same samples give the same bytes every time (`bitexact`: no dates, no random stream numbers).
A file gets its name only when it is complete. A rate or a number of channels that a format cannot
hold is refused and not converted. The one exception: Opus always runs at 48 kHz, so other rates
are converted, as every Opus encoder does. Ogg files hold Opus, because FFmpeg's own Vorbis encoder
damages the second channel, and the wheel has no other.
"""

import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from embedder.errors import OutputExists, UnknownChoice, UsageError
from embedder.whole_files import errors_name

SampleFormat = Literal["int16", "int24", "float32"]

_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_OPUS_RATE = 48000
_MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_BLOCK_SAMPLES = 65536


@dataclass(frozen=True, slots=True)
class _Format:
    """FFmpeg's names for a kind of file, and what it can hold."""

    container: str
    codec: str
    frame_format: str
    lossy: bool = False
    max_channels: int = 8
    sample_rates: tuple[int, ...] = ()
    """Empty: any."""


_LOSSY = {
    ".mp3": _Format("mp3", "libmp3lame", "fltp", True, 2, _MPEG_RATES),
    ".ogg": _Format("ogg", "libopus", "flt", True),
    ".opus": _Format("opus", "libopus", "flt", True),
    ".m4a": _Format("ipod", "aac", "fltp", True, 8, (*_MPEG_RATES, 64000, 88200, 96000)),
}
_LOSSLESS = {
    (".wav", "int16"): _Format("wav", "pcm_s16le", "s16"),
    (".wav", "int24"): _Format("wav", "pcm_s24le", "s32"),
    (".wav", "float32"): _Format("wav", "pcm_f32le", "flt"),
    (".flac", "int16"): _Format("flac", "flac", "s16"),
    (".flac", "int24"): _Format("flac", "flac", "s32"),
}
WRITABLE_SUFFIXES = (".wav", ".flac", *_LOSSY)


def write_audio(
    path: Path,
    samples: NDArray[np.float32],
    sample_rate: int,
    *,
    bit_rate_kbps: int = 128,
    sample_format: SampleFormat = "int16",
    tags: Mapping[str, str] | None = None,
    overwrite: bool = True,
) -> None:
    """Write `samples: float32 [channels, samples]` (or `[samples]`), full scale at ±1.

    `bit_rate_kbps` is for lossy formats, `sample_format` for WAV and FLAC. The keys of `tags` are
    `title`, `artist`, `album`, `genre`, `track`, `date`. Louder samples are clipped, except in
    float32 WAV, which keeps them (and values that are not numbers) unchanged.
    """
    if not overwrite and path.exists():
        raise OutputExists(path)
    kind = _format_of(path.suffix.lower(), sample_format)
    with errors_name(path):
        handle, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w+b") as target:
                _encode(target, kind, samples, sample_rate, bit_rate_kbps, tags or {})
                target.flush()
                os.fsync(target.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def encode_audio(
    samples: NDArray[np.float32],
    sample_rate: int,
    *,
    suffix: str,
    bit_rate_kbps: int = 128,
    sample_format: SampleFormat = "int16",
) -> bytes:
    """The bytes that `write_audio` writes to a file whose name ends in `suffix`."""
    target = io.BytesIO()
    kind = _format_of(suffix, sample_format)
    _encode(target, kind, samples, sample_rate, bit_rate_kbps, {})
    return target.getvalue()


def _format_of(suffix: str, sample_format: SampleFormat) -> _Format:
    if suffix not in WRITABLE_SUFFIXES:
        raise UnknownChoice("audio file ending", suffix, WRITABLE_SUFFIXES)
    if suffix in _LOSSY:
        return _LOSSY[suffix]
    if (suffix, sample_format) not in _LOSSLESS:
        valid = [name for ending, name in _LOSSLESS if ending == suffix]
        raise UnknownChoice(f"sample format of {suffix} files", sample_format, valid)
    return _LOSSLESS[suffix, sample_format]


def _encode(
    target: BinaryIO,
    kind: _Format,
    samples: NDArray[np.float32],
    sample_rate: int,
    bit_rate_kbps: int,
    tags: Mapping[str, str],
) -> None:
    channels = np.atleast_2d(np.asarray(samples, dtype=np.float32))
    _refuse_what_does_not_fit(channels, sample_rate, kind)
    is_opus = kind.codec == "libopus"
    rate = _OPUS_RATE if is_opus else sample_rate
    options = {"fflags": "+bitexact"}
    with av.open(target, "w", format=kind.container, options=options) as container:
        new_stream = container.add_stream(kind.codec, rate=rate, options={"flags": "+bitexact"})
        stream = cast("AudioStream", new_stream)  # av types it by the codec's name, known only here
        stream.codec_context.layout = _LAYOUTS[len(channels)]
        stream.codec_context.format = kind.frame_format
        if kind.lossy:
            stream.codec_context.bit_rate = bit_rate_kbps * 1000
        # Ogg stores tags with the stream, other formats with the file.
        (stream if is_opus else container).metadata.update(tags)
        frames = _frames(channels, sample_rate, kind)
        if rate != sample_rate:
            frames = _converted(frames, kind, n_channels=len(channels))
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _refuse_what_does_not_fit(
    channels: NDArray[np.float32], sample_rate: int, kind: _Format
) -> None:
    if not 1 <= len(channels) <= kind.max_channels:
        raise UsageError(
            f"{kind.codec} holds 1 to {kind.max_channels} channels, not {len(channels)}"
        )
    if kind.sample_rates and sample_rate not in kind.sample_rates:
        rates = ", ".join(map(str, kind.sample_rates))
        raise UsageError(f"{kind.codec} cannot hold {sample_rate} Hz: use one of {rates}")


def _frames(channels: NDArray[np.float32], sample_rate: int, kind: _Format) -> Iterator[AudioFrame]:
    """Cut `channels: float32 [channels, samples]` into frames of the codec's sample type."""
    planar = kind.frame_format.endswith("p")
    for first in range(0, channels.shape[1], _BLOCK_SAMPLES):
        block = channels[:, first : first + _BLOCK_SAMPLES]
        stored = _stored(block if planar else block.T.reshape(1, -1), kind)
        frame = AudioFrame.from_ndarray(
            stored, format=kind.frame_format, layout=_LAYOUTS[len(channels)]
        )
        frame.sample_rate = sample_rate
        frame.pts = first
        yield frame


def _stored(
    block: NDArray[np.float32], kind: _Format
) -> NDArray[np.float32] | NDArray[np.int16] | NDArray[np.int32]:
    """The samples in the codec's own type, in contiguous memory."""
    if kind.frame_format == "flt" and not kind.lossy:
        return np.ascontiguousarray(block)
    clipped = np.clip(block, -1, 1)
    if kind.frame_format == "s16":
        return np.ascontiguousarray(np.rint(clipped * np.float32(32767)), dtype=np.int16)
    if kind.frame_format == "s32":  # 24 bits, in the upper three bytes
        return np.ascontiguousarray(np.rint(clipped.astype(np.float64) * 8388607) * 256, np.int32)
    return np.ascontiguousarray(clipped)


def _converted(
    frames: Iterator[AudioFrame], kind: _Format, *, n_channels: int
) -> Iterator[AudioFrame]:
    resampler = AudioResampler(
        format=kind.frame_format, layout=_LAYOUTS[n_channels], rate=_OPUS_RATE
    )
    for frame in frames:
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
