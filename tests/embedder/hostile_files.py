"""Small files with extreme values: rates, channels, tags, compressed frames."""

import struct
import zlib
from pathlib import Path

import av
import numpy as np
from mutagen.flac import FLAC

SAMPLING_FREQUENCY = b"\xb5"
"""Matroska's element with the sample rate, a big-endian float of 4 or 8 bytes."""


def write_matroska(path: Path, *, claimed_rate: float, seconds: float = 0.5) -> Path:
    """Write 48 kHz audio whose header states another sample rate."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        samples = np.zeros((1, round(seconds * 48000)), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    data = path.read_bytes()
    for width, kind in ((8, ">d"), (4, ">f")):
        element = SAMPLING_FREQUENCY + bytes([0x80 | width]) + struct.pack(kind, 48000.0)
        claimed = SAMPLING_FREQUENCY + bytes([0x80 | width]) + struct.pack(kind, claimed_rate)
        data = data.replace(element, claimed)
    path.write_bytes(data)
    return path


def write_wav(
    path: Path, *, sample_rate: int = 44100, n_channels: int = 1, n_frames: int = 4410
) -> Path:
    """Write a WAV file with any sample rate and number of channels in its header."""
    samples = np.random.default_rng(0).integers(-9000, 9000, n_frames * n_channels, dtype=np.int16)
    data = samples.astype("<i2").tobytes()
    block = 2 * n_channels
    header = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
    header += struct.pack(
        "<IHHIIHH", 16, 1, n_channels, sample_rate, sample_rate * block & 0xFFFFFFFF, block, 16
    )
    path.write_bytes(header + b"data" + struct.pack("<I", len(data)) + data)
    return path


def write_nan_wav(path: Path, *, n_frames: int = 88200) -> Path:
    """Write a float WAV that contains only NaN."""
    data = np.full(n_frames, np.nan, dtype="<f4").tobytes()
    header = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 3, 1, 44100, 44100 * 4, 4, 32)
    path.write_bytes(header + b"data" + struct.pack("<I", len(data)) + data)
    return path


def add_flac_comments(path: Path, n_comments: int) -> Path:
    """Add the given number of different comments to a FLAC file."""
    comments = b"".join(
        struct.pack("<I", len(text)) + text
        for text in (b"FIELD%d=value" % number for number in range(n_comments))
    )
    block = struct.pack("<I", 0) + struct.pack("<I", n_comments) + comments
    data = path.read_bytes()
    streaminfo = data[4 : 4 + 4 + 34]
    audio = data[_end_of_flac_blocks(data) :]
    head = bytes([streaminfo[0] & 0x7F]) + streaminfo[1:]
    path.write_bytes(b"fLaC" + head + b"\x84" + len(block).to_bytes(3, "big") + block + audio)
    assert FLAC  # mutagen reads the file in the tests
    return path


def _end_of_flac_blocks(data: bytes) -> int:
    position = 4
    while True:
        is_last = data[position] & 0x80
        position += 4 + int.from_bytes(data[position + 1 : position + 4], "big")
        if is_last:
            return position


def id3_header(body: bytes, *, version: int = 4) -> bytes:
    """An ID3v2 tag of these frames."""
    size = len(body)
    synchsafe = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return b"ID3" + bytes([version, 0, 0]) + synchsafe + body


def txxx_frames(n_frames: int) -> bytes:
    """So many user-defined text frames with different names, as a version 2.3 tag's body."""
    frames = []
    for number in range(n_frames):
        text = b"\x00F%d\x00v" % number
        frames.append(b"TXXX" + struct.pack(">I", len(text)) + b"\x00\x00" + text)
    return b"".join(frames)


def compressed_frame(n_bytes: int) -> bytes:
    """A version 2.3 text frame that unpacks to the given size."""
    packed = zlib.compress(b"\x00" + b"a" * n_bytes, 9)
    data = struct.pack(">I", n_bytes + 1) + packed
    return b"TIT2" + struct.pack(">I", len(data)) + b"\x00\x80" + data
