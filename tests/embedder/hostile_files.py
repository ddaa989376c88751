"""Small files with extreme values: rates, channels, tags, compressed frames."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import mutagen
import numpy as np
from mutagen.apev2 import APEv2
from mutagen.asf import ASFUnicodeAttribute
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TXXX
from mutagen.mp4 import MP4Tags
from numpy.typing import NDArray

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
    return write_float_wav(path, np.full(n_frames, np.nan))


def write_float_wav(path: Path, samples: NDArray[np.floating]) -> Path:
    """A float WAV of any numbers, one channel at 44.1 kHz."""
    data = samples.astype("<f4").tobytes()
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
    """A version 2.3 text frame that unpacks to so many bytes (in whole megabytes)."""
    first, megabyte = b"\x00" + b"a" * (2**20 - 1), b"a" * 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    pieces = [packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for part in (first, megabyte)]
    n_pieces = max(n_bytes >> 20, 1)
    checksum = zlib.adler32(first)
    for _ in range(n_pieces - 1):
        checksum = zlib.adler32(megabyte, checksum)
    packed = (
        b"\x78\xda"
        + pieces[0]
        + pieces[1] * (n_pieces - 1)
        + b"\x03\x00"
        + struct.pack(">I", checksum)
    )
    data = struct.pack(">I", n_pieces << 20) + packed
    return b"TIT2" + struct.pack(">I", len(data)) + b"\x00\x80" + data


TAGGED = {
    ".mp3": ("mp3", "libmp3lame", "fltp"),
    ".flac": ("flac", "flac", "s16"),
    ".oga": ("ogg", "vorbis", "fltp"),
    ".opus": ("ogg", "libopus", "flt"),
    ".m4a": ("ipod", "aac", "fltp"),
    ".wav": ("wav", "pcm_s16le", "s16"),
    ".aiff": ("aiff", "pcm_s16be", "s16"),
    ".wv": ("wv", "wavpack", "fltp"),
    ".wma": ("asf", "wmav2", "fltp"),
    ".mka": ("matroska", "flac", "s16"),
}
"""FFmpeg's container, codec and sample format of formats that have tags."""


def write_noise(path: Path, *, seconds: float = 1.5) -> Path:
    """Noise in the format that the name says. FFmpeg's encoder of Vorbis needs two channels."""
    container_name, codec, sample_format = TAGGED[path.suffix]
    n_channels = 2 if codec == "vorbis" else 1
    noise = 0.1 * np.random.default_rng(0).standard_normal((n_channels, round(seconds * 48000)))
    is_integer = sample_format == "s16"
    samples = (noise * 32767).astype(np.int16) if is_integer else noise.astype(np.float32)
    layout = "stereo" if n_channels == 2 else "mono"
    with av.open(str(path), "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=48000, layout=layout, options={"strict": "-2"})
        stream.bit_rate = 128_000
        step = 64 if codec == "vorbis" else samples.shape[1]
        for start in range(0, samples.shape[1], step):
            block = np.ascontiguousarray(samples[:, start : start + step])
            frame = av.AudioFrame.from_ndarray(block, format=sample_format, layout=layout)
            frame.sample_rate = 48000
            frame.pts, frame.time_base = start, Fraction(1, 48000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def add_tags(path: Path, n_tags: int) -> Path:
    """Put so many different tags into a file, as its format has them, by mutagen."""
    if path.suffix == ".mka":
        return add_matroska_tags(path, [(0, f"F{number}", "v") for number in range(n_tags)])
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    names = [f"F{number}" for number in range(n_tags)]
    if isinstance(file.tags, ID3):
        file.tags.setall("TXXX", [TXXX(desc=name, text="v") for name in names])
    elif isinstance(file.tags, MP4Tags):
        file.tags.update({f"----:com.apple.iTunes:{name}": [b"v"] for name in names})
    elif isinstance(file.tags, APEv2):
        file.tags.update(dict.fromkeys(names, "v"))
    else:
        file.tags.extend(
            (name, ASFUnicodeAttribute("v") if path.suffix == ".wma" else "v") for name in names
        )
    file.save()
    return path


def add_matroska_tags(path: Path, tags: list[tuple[int, str, str]]) -> Path:
    """Put tags (level, name, text) before the audio of a Matroska file that FFmpeg wrote."""
    data = path.read_bytes()
    start = data.index(bytes.fromhex("18538067")) + 4
    segment = data[start + 8 :]
    cluster = segment.index(bytes.fromhex("1f43b675"))
    by_level: dict[int, bytes] = {}
    for level, name, text in tags:
        simple = _element("45a3", name.encode()) + _element("4487", text.encode())
        by_level[level] = by_level.get(level, b"") + _element("67c8", simple)
    lists = b"".join(
        _element("7373", _element("63c0", _element("68ca", bytes([level])) * bool(level)) + simple)
        for level, simple in by_level.items()
    )
    segment = segment[:cluster] + _element("1254c367", lists) + segment[cluster:]
    path.write_bytes(data[: start - 4] + _element("18538067", segment))
    return path


def _element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + (1 << 56 | len(content)).to_bytes(8, "big") + content


def add_chunks(path: Path, n_tags: int) -> Path:
    """Put so many tags of the container's own kind into a WAV or AIFF file."""
    data = path.read_bytes()
    if path.suffix == ".wav":
        names = (
            b"I%c%c%c" % (65 + n % 26, 65 + n // 26 % 26, 65 + n // 676 % 26) for n in range(n_tags)
        )
        tags = b"INFO" + b"".join(name + struct.pack("<I", 2) + b"v\0" for name in names)
        data += b"LIST" + struct.pack("<I", len(tags)) + tags
    else:
        data += (b"ANNO" + struct.pack(">I", 2) + b"v\0") * n_tags
    size = struct.pack("<I" if path.suffix == ".wav" else ">I", len(data) - 8)
    path.write_bytes(data[:4] + size + data[8:])
    return path


def add_id3_chunk(path: Path, body: bytes) -> Path:
    """Put an ID3 tag of version 2.3 into a WAV or AIFF file."""
    data = path.read_bytes()
    tag = id3_header(body, version=3)
    tag += bytes(len(tag) % 2)
    order = "<I" if path.suffix == ".wav" else ">I"
    data += (b"id3 " if path.suffix == ".wav" else b"ID3 ") + struct.pack(order, len(tag)) + tag
    path.write_bytes(data[:4] + struct.pack(order, len(data) - 8) + data[8:])
    return path
