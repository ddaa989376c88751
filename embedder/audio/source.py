"""Open an audio file, or raise an AudioError that says in one sentence why it cannot be used.

All exceptions of FFmpeg and the operating system become an AudioError here; no other module knows
them. FFmpeg prints nothing: PyAV's log is off by default, and this module does not change that.
"""

import errno
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.packet import Packet
from av.stream import Discard

from embedder.audio.failing_disk import out_of_reach, refuse_failing_disk
from embedder.audio.length_header import has_length_header
from embedder.audio.records import AudioInfo
from embedder.audio.tag_limits import OversizedTags, check_tag_limits
from embedder.audio.without_tags import WithoutTags
from embedder.errors import (
    OUT_OF_REACH,
    AudioError,
    MissingAudio,
    NotAnAudioFile,
    OutOfReach,
    UnreadableAudio,
)

_PLAYLIST_STARTS = (b"#EXTM3U", b"ffconcat", b"[playlist]")
"""FFmpeg would follow these to other files, and to the network."""
_BARE_FRAMES = frozenset({"aac", "ac3", "eac3", "dts", "loas", "mp3"})
"""Containers that are only a row of frames: FFmpeg guesses their length from the bit rate."""
_FAR_AWAY = 2**62
_FULL_INDEX_ENTRIES = 20_000
"""FFmpeg halves an index of 43 000 entries again and again, until its beginning has large gaps
and a seek lands an hour early. Seeking forwards with a new index always lands near.
"""
_CLOCK = re.compile(r"\d+:\d\d:\d\d(\.\d+)?")
_MAX_SAMPLE_RATE = 1_000_000
_MAX_CHANNELS = 64
"""No recording has more. Memory would follow the claim of a damaged header."""
_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})


class AudioSource:
    """An open file and its audio stream; positions are counted in samples of its own rate."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_decoded = 0
        self.n_damaged = 0
        """Numbers of packets, over everything that was read."""
        self._file: WithoutTags | None = None
        self._start()

    def reopen(self) -> None:
        """Open the file again, because no seek to the beginning works for every container."""
        self.close()
        self._start()

    def close(self) -> None:
        """Close the file."""
        self._container.close()
        if self._file is not None:
            self._file.close()

    def _start(self) -> None:
        _refuse_other_files(self.path)
        self._file = _without_oversized_tags(self.path)
        with ExitStack() as on_failure:
            if self._file is not None:
                on_failure.callback(self._file.close)
            self._use(_opened(self._file or self.path))
            on_failure.pop_all()

    def _use(self, container: InputContainer) -> None:
        self._container = container
        self._stream = stream = _audio_stream(self.path, container)
        self.sample_rate: int = stream.codec_context.sample_rate
        self._time_base = stream.time_base or Fraction(1, av.time_base)
        # position = (pts - start) * ticks_up / ticks_down, in whole numbers: fractions are slow
        self._ticks_up = self._time_base.numerator * self.sample_rate
        self._ticks_down = self._time_base.denominator
        self._start_pts = stream.start_time or 0
        self.is_untouched = True
        """Whether nothing was read or sought yet, so that the decoder drops the encoder's delay."""

    @property
    def pts_tolerance(self) -> int:
        """How many samples a time stamp may be off because its unit is coarse (Matroska: 1 ms)."""
        return 2 + 3 * self._ticks_up // (2 * self._ticks_down)

    @property
    def frame_samples(self) -> int:
        """Samples in one coded frame; an estimate if the codec does not say."""
        return self._stream.codec_context.frame_size or 1152

    def info(self) -> AudioInfo:
        """What the headers say."""
        stream, container = self._stream, self._container
        seconds: float | None = None
        if stream.duration is not None:
            seconds = float(stream.duration * self._time_base)
        elif container.duration is not None:
            seconds = min(container.duration / av.time_base, _tagged_seconds(stream))
        bare = container.format.name in _BARE_FRAMES
        return AudioInfo(
            duration_seconds=seconds if seconds and seconds > 0 else None,
            sample_rate=self.sample_rate,
            n_channels=stream.codec_context.channels,
            codec=stream.codec_context.name,
            container=container.format.name,
            is_estimated=bare and not has_length_header(self.path),
        )

    def position_of(self, pts: int) -> int:
        """The sample that a time stamp belongs to; the first of the file is 0."""
        doubled = 2 * (pts - self._start_pts) * self._ticks_up + self._ticks_down
        return doubled // (2 * self._ticks_down)

    def seek(self, position: int) -> None:
        """Go to a packet at or before `position`."""
        self.is_untouched = False
        pts = max(position, 0) * self._ticks_down // self._ticks_up
        self._container.seek(pts + self._start_pts, stream=self._stream, backward=True)

    def packets(self) -> Iterator["Packet[AudioStream]"]:
        """Yield the coded packets from here to the end; the last one is empty."""
        self.is_untouched = False
        return self._container.demux(self._stream)

    def measure_seconds(self) -> float:
        """How long the file is, without decoding it."""
        end_pts = self._end_of_index()
        if end_pts is None:
            self.reopen()
            end_pts = self._end_of_packets()
        seconds = max(0.0, float((end_pts - self._start_pts) * self._time_base))
        if len(self._stream.index_entries) > _FULL_INDEX_ENTRIES:
            self.reopen()
        return seconds

    def _end_of_index(self) -> int | None:
        """FFmpeg makes an index to seek in bare frames: quicker than reading the packets."""
        if self._container.format.name not in _BARE_FRAMES:
            return None
        self.is_untouched = False
        try:
            self._container.seek(_FAR_AWAY, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return None
        entries = self._stream.index_entries
        if not len(entries):
            return None
        frame_pts = self.frame_samples * self._ticks_down // self._ticks_up
        return entries[-1].timestamp + frame_pts

    def _end_of_packets(self) -> int:
        end_pts = self._start_pts
        for packet in self.packets():
            if packet.pts is not None:
                end_pts = max(end_pts, packet.pts + (packet.duration or 0))
        return end_pts


@contextmanager
def open_source(path: Path) -> Iterator[AudioSource]:
    """Open the best audio stream of a file; any failure inside the block is an AudioError."""
    with _named_failures(path), closing(AudioSource(path)) as source:
        yield source


def _opened(source: Path | WithoutTags) -> InputContainer:
    # "file:" makes a name like `http:x.mp3` a path; the list keeps FFmpeg off the network.
    options = {"protocol_whitelist": "file"}
    name_or_file = f"file:{source}" if isinstance(source, Path) else source
    return av.open(name_or_file, "r", options=options, metadata_errors="replace")


def _without_oversized_tags(path: Path) -> WithoutTags | None:
    """A view of a file whose tags FFmpeg must not read; None: it may read them."""
    try:
        check_tag_limits(path)
    except OversizedTags as error:
        view = WithoutTags(path)
        if view.differs:
            return view
        view.close()
        raise UnreadableAudio(path, f"{error}, and FFmpeg cannot leave them out") from error
    return None


def _audio_stream(path: Path, container: InputContainer) -> AudioStream:
    best_stream = container.streams.best("audio")
    if best_stream is None:
        raise NotAnAudioFile(path, "there is no audio in it")
    stream = cast("AudioStream", best_stream)
    if stream.codec_context is None or not stream.codec_context.sample_rate:
        raise UnreadableAudio(path, "FFmpeg has no decoder for its audio")
    _refuse_impossible(path, stream)
    for other_stream in container.streams:
        if other_stream is not stream and other_stream.index != stream.index:
            other_stream.discard = Discard.all
    stream.codec_context.thread_count = 1  # workers are processes; more threads only get in the way
    return stream


def _refuse_impossible(path: Path, stream: AudioStream) -> None:
    rate, n_channels = stream.codec_context.sample_rate, stream.codec_context.channels
    if rate > _MAX_SAMPLE_RATE:
        raise UnreadableAudio(
            path, f"its header claims {rate} samples a second, more than {_MAX_SAMPLE_RATE}"
        )
    if n_channels > _MAX_CHANNELS:
        raise UnreadableAudio(
            path, f"its header claims {n_channels} channels, more than {_MAX_CHANNELS}"
        )


def _tagged_seconds(stream: AudioStream) -> float:
    """The length in the stream's tags: a Matroska file lasts as long as its video."""
    clock = stream.metadata.get("DURATION", "")
    if not _CLOCK.fullmatch(clock):
        return float("inf")
    hours, minutes, seconds = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _refuse_other_files(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise NotAnAudioFile(path, "it is a directory")
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait forever
        raise NotAnAudioFile(path, "it is a pipe, socket or device, not a regular file")
    with path.open("rb") as file:
        first_bytes = file.read(16)
    if not first_bytes:
        raise NotAnAudioFile(path, "the file is empty")
    if first_bytes.startswith(_PLAYLIST_STARTS):
        raise NotAnAudioFile(path, "it is a playlist, not an audio file")


@contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except AudioError:
        raise
    except MemoryError as error:
        raise UnreadableAudio(path, "decoding it takes more memory than there is") from error
    except PermissionError as error:
        raise OutOfReach(path, "no permission to read it") from error
    except av.error.InvalidDataError as error:
        refuse_failing_disk(path)
        raise NotAnAudioFile(path, "not a format that FFmpeg reads, or cut off") from error
    except (OSError, av.error.FFmpegError) as error:
        if error.errno in _VANISHED:
            raise MissingAudio(path, "no such file, or it was removed while it was read") from error
        if isinstance(error, av.error.FFmpegError):
            refuse_failing_disk(path)  # FFmpeg has the same numbers for damage
        elif error.errno in OUT_OF_REACH:
            raise out_of_reach(path, error) from error
        raise UnreadableAudio(path, f"reading failed: {error.strerror}") from error
