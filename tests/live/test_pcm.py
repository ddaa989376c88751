"""Bytes from a pipe become sound: WAV and raw PCM, in every format, and broken ones."""

import io
import os
import struct

import numpy as np
import pytest

from embedder.audio.writing import encode_audio
from embedder.errors import BadInput, UsageError
from soundalike.live.sources.pcm import PcmFormat, parse_raw_format
from soundalike.live.sources.pipe import PipeSource
from tests.live.sounds import RATE, noise

STEREO = np.stack([noise(0.5), noise(0.5, seed=1)])
KINDS = {
    "u8": lambda x: (x * 128 + 128).astype(np.uint8),
    "s16le": lambda x: (x * 2**15).astype("<i2"),
    "s24le": lambda x: (x * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3],
    "s32le": lambda x: (x.astype(np.float64) * 2**31).astype("<i4"),
    "f32le": lambda x: x.astype("<f4"),
    "f64le": lambda x: x.astype("<f8"),
}


def sound_of(source: PipeSource) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.concatenate(list(source.blocks()))


@pytest.mark.parametrize("encoding", KINDS)
def test_raw_samples_become_the_mean_of_their_channels(encoding: str) -> None:
    """Every encoding gives the same sound, up to its own steps."""
    data = KINDS[encoding](np.ascontiguousarray(STEREO.T).reshape(-1)).tobytes()
    source = PipeSource(io.BytesIO(data), raw=PcmFormat(encoding, RATE, 2), speed=0)
    step = 1 / 100 if encoding == "u8" else 1e-4
    np.testing.assert_allclose(sound_of(source), STEREO.mean(axis=0), atol=step)


@pytest.mark.parametrize("sample_format", ["int16", "int24", "float32"])
def test_a_wav_states_its_own_format(sample_format: str) -> None:
    """The header says rate, channels and encoding, also an extensible one."""
    data = encode_audio(STEREO, 44100, suffix=".wav", sample_format=sample_format)  # type: ignore[arg-type]  # one of the formats
    source = PipeSource(io.BytesIO(data + b"LISTjunk"), speed=0)
    assert source.sample_rate == 44100
    np.testing.assert_allclose(sound_of(source), STEREO.mean(axis=0), atol=1e-4)


def test_a_wav_from_a_pipe_has_no_length() -> None:
    """FFmpeg writes the greatest number as the length: everything to the end is sound."""
    samples = KINDS["s16le"](noise(0.3))
    form = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00" + form
    data = head + b"LIST\x03\x00\x00\x00abc\x00" + b"data\xff\xff\xff\xff" + samples.tobytes()
    np.testing.assert_allclose(
        sound_of(PipeSource(io.BytesIO(data), speed=0)), noise(0.3), atol=1e-4
    )


def test_samples_that_are_cut_off_are_left_out() -> None:
    """A frame whose last byte is missing is no sample, wherever reads cut the stream."""

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 3, 3))

    data = KINDS["s16le"](noise(0.05)).tobytes() + b"\x01"
    source = PipeSource(Dripping(data), raw=PcmFormat("s16le", RATE, 1), speed=0)
    np.testing.assert_allclose(sound_of(source), noise(0.05), atol=1e-4)


def test_damaged_samples_become_silence() -> None:
    """Values that are not numbers do not reach the model."""
    data = np.array([0.5, np.nan, np.inf, 1e30], "<f4").tobytes()
    source = PipeSource(io.BytesIO(data), raw=PcmFormat("f32le", RATE, 1), speed=0)
    assert sound_of(source).tolist() == [0.5, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"ID3 an MP3 and no WAV", "not a WAV.*ffmpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "within the header"),
        (b"RIFF\0\0\0\0WAVEdata\x08\0\0\0", "without a format"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", "damaged format"),
        (
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 85, 1, RATE, 1, 1, 0),
            "compressed",
        ),
    ],
)
def test_what_is_no_wav_is_refused(data: bytes, reason: str) -> None:
    """The message says what to do."""
    with pytest.raises(BadInput, match=reason):
        PipeSource(io.BytesIO(data))


def test_a_pipe_without_samples_is_an_error() -> None:
    """A writer that failed at once leaves an empty pipe."""
    source = PipeSource(io.BytesIO(b""), raw=PcmFormat("s16le", RATE, 1), speed=0)
    with pytest.raises(BadInput, match="there is no sound in it"):
        list(source.blocks())


@pytest.mark.parametrize("text", ["s16", "s16le", "mp3:44100", "s16le:x", "s16le:1:2:3", ""])
def test_a_raw_format_is_explained(text: str) -> None:
    """A format that cannot be read is a usage error with an example."""
    with pytest.raises(UsageError, match="s16le:44100:2"):
        parse_raw_format(text)
    assert parse_raw_format("s24le:48000") == PcmFormat("s24le", 48000, 1)


@pytest.mark.parametrize("speed", [0, 1])
@pytest.mark.parametrize("head", [b"", b"RIFF", None])
def test_a_pipe_that_stalls_is_an_error_and_no_hang(speed: int, head: bytes | None) -> None:
    """Before the header, within it or after some sound, in real time or at full speed."""
    reader, writer = os.pipe()
    data = encode_audio(noise(0.2)[None], RATE, suffix=".wav") if head is None else head
    os.write(writer, data[:-200] if head is None else data)
    with os.fdopen(reader, "rb", buffering=0) as stream:
        with pytest.raises(BadInput, match=r"no sound for 0\.2 seconds"):
            list(PipeSource(stream, speed=speed, patience_seconds=0.2).blocks())
        os.close(writer)
