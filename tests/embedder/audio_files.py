"""Synthesised audio files of the odd kinds in music collections."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from mutagen.id3 import APIC, ID3
from numpy.typing import NDArray

from embedder.audio.writing import encode_audio, write_audio

RATE = 44100
Samples = NDArray[np.float32]


def tune(seconds: float, *, rate: int = RATE, n_channels: int = 2, seed: int = 0) -> Samples:
    """Noise and gliding tones, nowhere the same, so that a shifted stretch is noticed.

    Returns float32 [n_channels, samples]; the channels differ.
    """
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    glides = [np.sin(2 * np.pi * (200 + 60 * c + 40 * time) * time) for c in range(n_channels)]
    noise = generator.normal(size=(n_channels, len(time))) * (0.05 + 0.05 * np.sin(7 * time))
    return (0.3 * np.stack(glides) + noise).astype(np.float32)


def tone(hertz: float, seconds: float, *, rate: int = RATE) -> Samples:
    """A sine, float32 [samples]."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def bare_mp3(samples: Samples, rate: int, *, bit_rate_kbps: int) -> bytes:
    """The frames of an MP3 without ID3 tag and without length header."""
    content = encode_audio(samples, rate, suffix=".mp3", bit_rate_kbps=bit_rate_kbps)
    with av.open(
        io.BytesIO(content), "r"
    ) as container:  # FFmpeg does not hand the header frame out
        return b"".join(bytes(packet) for packet in container.demux(container.streams.audio[0]))


def mp3_without_length(path: Path, *, quiet_seconds: float, loud_seconds: float) -> None:
    """Two bit rates and no header, so that an estimate from the first frames is wrong."""
    path.write_bytes(
        bare_mp3(tune(quiet_seconds), RATE, bit_rate_kbps=64)
        + bare_mp3(tune(loud_seconds, seed=1), RATE, bit_rate_kbps=256)
    )


def truncated(path: Path, *, keep: float) -> None:
    """Cut a file off, as in an interrupted download."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def mp3_with_giant_picture(path: Path, samples: Samples, *, megabytes: int) -> None:
    """An MP3 with an ID3 tag that is far longer than the audio."""
    write_audio(path, samples, RATE)
    tag = ID3()
    picture = np.random.default_rng(3).bytes(megabytes * 1_000_000)
    tag.add(APIC(mime="image/jpeg", type=3, desc="front", data=b"\xff\xd8\xff\xe0" + picture))
    tag.save(path)


def flac_with_broken_frame(path: Path, samples: Samples) -> None:
    """Overwrite some bytes in the middle."""
    write_audio(path, samples, RATE)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = bytes(600)
    path.write_bytes(content)


def ogg_vorbis(path: Path, samples: Samples) -> None:
    """Write `samples: float32 [samples]` to both channels (FFmpeg's encoder spoils stereo)."""
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        options = {"strict": "experimental"}
        stream = container.add_stream("vorbis", rate=RATE, layout="stereo", options=options)
        stream.codec_context.format = "fltp"
        frame = AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.sample_rate = RATE
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def m4a_with_chapters(path: Path, samples: Samples) -> None:
    """AAC with two chapters, as audio books and podcasts have."""
    half = samples.shape[1] * 500 // RATE
    names = ("first", "second")
    with av.open(str(path), "w", format="mp4") as container:
        container.set_chapters(
            [
                {
                    "id": i,
                    "start": i * half,
                    "end": (i + 1) * half,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": name},
                }
                for i, name in enumerate(names)
            ]
        )
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        container.mux(stream.encode(_float_frame(samples)))
        container.mux(stream.encode(None))


def video(path: Path, samples: Samples | None, *, seconds: float) -> None:
    """A small video with the given audio or none; the suffix decides the container."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        sound = None
        if samples is not None:
            sound = container.add_stream("aac", rate=RATE, layout="stereo")
        for tenth in range(round(seconds * 10)):
            still = np.full((64, 64, 3), tenth % 255, dtype=np.uint8)
            container.mux(pictures.encode(VideoFrame.from_ndarray(still, format="rgb24")))
            if sound is not None and samples is not None:
                first = tenth * RATE // 10
                part = samples[:, first : first + RATE // 10]
                container.mux(sound.encode(_float_frame(part, first)))
        container.mux(pictures.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))


def aac_without_container(path: Path, samples: Samples) -> None:
    """Bare ADTS frames: no length, no index."""
    with av.open(str(path), "w", format="adts") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        container.mux(stream.encode(_float_frame(samples)))
        container.mux(stream.encode(None))


def hours_of_mp3(path: Path, *, hours: float) -> None:
    """A long file of repeated frames: 8 kHz mono at 8 kbit/s, without a header."""
    minute = bare_mp3(tune(60, rate=8000, n_channels=1), 8000, bit_rate_kbps=8)
    with path.open("wb") as file:
        for _ in range(round(hours * 60)):
            file.write(minute)


def _float_frame(samples: Samples, first: int = 0) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "stereo")
    frame.sample_rate = RATE
    frame.pts = first
    return frame
