"""A song, or a part of one, in another format and bit rate, written while it is decoded.

    file ─▶ decoder ─▶ resampler ─▶ encoder ─▶ a stream that cannot seek

Each of the formats can be played before it has arrived as a whole. Surround sound becomes stereo.
Run it in a child process (`transcoder_child`): a file may crash FFmpeg or never end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from embedder.audio.frames import placed_frames
from embedder.audio.source import AudioSource, open_source
from embedder.audio.stream_formats import StreamFormat, Transcoding
from embedder.errors import UnreadableAudio


class Target(Protocol):
    """Where the bytes go; it need not be able to seek."""

    def write(self, data: bytes, /) -> int:
        """Write all of the bytes."""
        ...


def transcode(path: Path, target: Target, wish: Transcoding) -> None:
    """Write a file as `wish` says; raises AudioError for a file that cannot be decoded."""
    kind = wish.stream_format
    with open_source(path) as source:
        rate = _rate_for(source.sample_rate, kind)
        layout = "mono" if source.info().n_channels == 1 else "stereo"
        resampler = AudioResampler(format=kind.frame_format, layout=layout, rate=rate)
        with av.open(target, "w", format=kind.container) as container:
            stream = cast("AudioStream", container.add_stream(kind.codec, rate=rate))
            stream.codec_context.layout = layout
            stream.codec_context.format = kind.frame_format
            if kind.is_lossy:
                stream.codec_context.bit_rate = (wish.kbps or kind.usual_kbps) * 1000
            n_frames = 0
            for frame in _frames_of(source, wish):
                n_frames += 1
                frame.pts = None  # the stream begins at 0, and lost sound does not stop it
                for converted in resampler.resample(frame):
                    container.mux(stream.encode(converted))
            if not n_frames:
                raise UnreadableAudio(path, "nothing could be decoded there")
            for converted in resampler.resample(None):
                container.mux(stream.encode(converted))
            container.mux(stream.encode(None))


def _frames_of(source: AudioSource, wish: Transcoding) -> Iterator[AudioFrame]:
    """The frames between the bounds, to within a frame."""
    first = round(wish.start_seconds * source.sample_rate)
    last = None if wish.end_seconds is None else round(wish.end_seconds * source.sample_rate)
    if first > 0:
        try:
            source.seek(first)
        except (av.error.FFmpegError, OSError):
            source.reopen()  # it cannot seek: what comes before is decoded and left out
    end = 0
    for position, frame in placed_frames(source):
        start = end if position is None else position
        end = start + frame.samples
        if last is not None and start >= last:
            return
        if end > first:
            yield frame


def _rate_for(rate: int, kind: StreamFormat) -> int:
    """The rate of the file if the format has it, otherwise the lowest one above it, or the last."""
    if not kind.sample_rates or rate in kind.sample_rates:
        return rate
    return next((higher for higher in kind.sample_rates if higher > rate), kind.sample_rates[-1])
