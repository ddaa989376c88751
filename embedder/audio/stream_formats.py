"""The formats in which songs are streamed, and what one is to become; no codec is loaded for it."""

from dataclasses import dataclass

from embedder.errors import UnknownChoice, UsageError

MAX_KBPS = 320
MIN_KBPS = 16
_MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """FFmpeg's names for a format, and what a player is told of it."""

    container: str
    codec: str
    frame_format: str
    media_type: str
    usual_kbps: int
    sample_rates: tuple[int, ...] = ()
    """Empty: that of the file."""

    @property
    def is_lossy(self) -> bool:
        """Whether a bit rate has a meaning."""
        return self.codec != "flac"


_OPUS = StreamFormat("ogg", "libopus", "flt", "audio/ogg", 128, (48000,))
STREAM_FORMATS = {
    "mp3": StreamFormat("mp3", "libmp3lame", "fltp", "audio/mpeg", 192, _MPEG_RATES),
    "opus": _OPUS,
    "ogg": _OPUS,
    "aac": StreamFormat("adts", "aac", "fltp", "audio/aac", 160, _MPEG_RATES),
    "flac": StreamFormat("flac", "flac", "s16", "audio/flac", 0),
}


@dataclass(frozen=True, slots=True)
class Transcoding:
    """What a song is to become."""

    format: str
    kbps: int | None = None
    """None: the usual bit rate of the format."""
    start_seconds: float = 0.0
    end_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.format not in STREAM_FORMATS:
            raise UnknownChoice("format of a stream", self.format, tuple(STREAM_FORMATS))
        if self.kbps is not None and not MIN_KBPS <= self.kbps <= MAX_KBPS:
            raise UsageError(f"{self.kbps} kbit/s: give {MIN_KBPS} to {MAX_KBPS}")

    @property
    def stream_format(self) -> StreamFormat:
        """What FFmpeg and players call the format."""
        return STREAM_FORMATS[self.format]
