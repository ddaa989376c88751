"""The digest of a file's audio without its tags: the same after retagging, renaming and moving.

Reads containers only as far as it takes to leave the tags out, and decodes nothing:

    MP3, AAC, APE, WV, MPC …   [ID3v2][ audio ][Lyrics3][APEv2][ID3v1]    the middle
    FLAC                       fLaC[STREAMINFO][other metadata][frames]   first and last
    Ogg                        [identification][comment][set-up][audio]   all but the comment
    MP4, MOV                   [ftyp][moov: tags][mdat]                   mdat
    WAV, AIFF, ASF             chunks                                     format and samples

What is none of these, or is broken, is digested whole: then retagging costs an analysis, no more.
"""

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from embedder.errors import MissingAudio, NotAnAudioFile, UnreadableAudio

DIGEST_BYTES = 16
BLOCK_BYTES = 1 << 20

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
OGG_HEADER_PACKETS = {b"\x01vorbis": 3, b"OpusHead": 2, b"Speex   ": 2, b"\x80theora": 3}


class _Unfamiliar(Exception):
    """The bytes do not follow the container's rules."""


def audio_digest(path: Path) -> bytes:
    """16 bytes that change when the audio does, and not when its tags do."""
    try:
        if not path.is_file():
            if path.exists():
                raise NotAnAudioFile(path, "not a file")
            raise MissingAudio(path, "no such file")
        with path.open("rb") as file:
            return _digest(file)
    except PermissionError as error:
        raise UnreadableAudio(path, "no permission to read it") from error
    except FileNotFoundError as error:
        raise MissingAudio(path, "it vanished while it was read") from error
    except OSError as error:
        raise UnreadableAudio(path, f"cannot be read ({error.strerror})") from error


def part_digest(digest: bytes, start_seconds: float, end_seconds: float | None) -> bytes:
    """The digest of a stretch of a recording."""
    end = -1.0 if end_seconds is None else end_seconds
    stretch = struct.pack("<dd", start_seconds, end)
    return hashlib.sha256(digest + stretch).digest()[:DIGEST_BYTES]


def _digest(file: BinaryIO) -> bytes:
    n_bytes = file.seek(0, os.SEEK_END)
    start, end = _without_tags(file, n_bytes)
    file.seek(start)
    head = file.read(16)
    try:
        chosen = _reader_for(head)
        hashed = _Hashed(file, start, end)
        chosen(hashed)
    except _Unfamiliar:
        hashed = _Hashed(file, start, end)
        _hash_all(hashed)
    return hashed.sha256.digest()[:DIGEST_BYTES]


class _Hashed:
    """A stretch of a file, and the digest of what has been taken from it."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        # SHA-256 runs in hardware on today's processors, twice as fast as BLAKE2 here.
        self.sha256 = hashlib.sha256()
        self._file = file
        self.position = start
        self.end = end

    def read(self, n_bytes: int) -> bytes:
        """The next bytes, which must be there."""
        if self.position + n_bytes > self.end:
            raise _Unfamiliar
        self._file.seek(self.position)
        data = self._file.read(n_bytes)
        if len(data) < n_bytes:
            raise _Unfamiliar
        self.position += n_bytes
        return data

    def skip(self, n_bytes: int) -> None:
        """Leave bytes out."""
        self.position += n_bytes

    def take(self, n_bytes: int) -> None:
        """Digest the next bytes, or as many as there are."""
        self._file.seek(self.position)
        left = min(n_bytes, self.end - self.position)
        self.position += max(left, 0)
        while left > 0 and (block := self._file.read(min(BLOCK_BYTES, left))):
            self.sha256.update(block)
            left -= len(block)

    def take_rest(self) -> None:
        """Digest all that is left."""
        self.take(self.end - self.position)


def _reader_for(head: bytes) -> Callable[[_Hashed], None]:
    if head.startswith(b"fLaC"):
        return _hash_flac
    if head.startswith(b"OggS"):
        return _hash_ogg
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        return _hash_mp4
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _hash_wav
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _hash_aiff
    if head.startswith(ASF_HEADER):
        return _hash_asf
    return _hash_all


def _hash_all(hashed: _Hashed) -> None:
    hashed.take_rest()


def _hash_flac(hashed: _Hashed) -> None:
    hashed.skip(4)
    is_last = False
    while not is_last:
        header = hashed.read(4)
        is_last, kind = bool(header[0] & 0x80), header[0] & 0x7F
        length = int.from_bytes(header[1:], "big")
        if kind == 0:
            hashed.take(length)
        else:
            hashed.skip(length)
    hashed.take_rest()


def _hash_ogg(hashed: _Hashed) -> None:
    """Page by page: their headers hold numbers and checksums that a longer comment changes."""
    waiting: dict[bytes, list[bytes]] = {}
    n_headers: dict[bytes, int] = {}
    while hashed.position < hashed.end:
        header = hashed.read(27)
        if header[:4] != b"OggS":
            raise _Unfamiliar
        segments = hashed.read(header[26])
        serial = header[14:18]
        if header[5] & 2:
            waiting[serial] = [b""]
        if serial not in waiting:
            hashed.sha256.update(header[6:14])
            hashed.take(sum(segments))
            continue
        packets = waiting[serial]
        page = hashed.read(sum(segments))
        _collect(packets, segments, page)
        if serial not in n_headers and len(packets) > 1:
            n_headers[serial] = _n_ogg_headers(packets[0])
        if len(packets) > n_headers.get(serial, len(packets)):
            # The last of the list is what has come of the packet after the headers.
            for number, packet in enumerate(packets):
                is_set_up = number == 2 and packets[0].startswith(b"\x01vorbis")
                if number == 0 or is_set_up or number >= n_headers[serial]:
                    hashed.sha256.update(packet)
            del waiting[serial], n_headers[serial]


def _collect(packets: list[bytes], segments: bytes, page: bytes) -> None:
    """Add a page's segments to packets; one shorter than 255 bytes ends its packet."""
    start = stop = 0
    for length in segments:
        stop += length
        if length < 255:
            packets[-1] += page[start:stop]
            packets.append(b"")
            start = stop
    packets[-1] += page[start:]


def _n_ogg_headers(first_packet: bytes) -> int:
    for mark, count in OGG_HEADER_PACKETS.items():
        if first_packet.startswith(mark):
            return count
    if first_packet.startswith(b"\x7fFLAC") and any(first_packet[7:9]):
        return 1 + int.from_bytes(first_packet[7:9], "big")
    raise _Unfamiliar


def _hash_mp4(hashed: _Hashed) -> None:
    has_media = False
    while hashed.position + 8 <= hashed.end:
        length, kind = struct.unpack(">I4s", hashed.read(8))
        n_header = 8
        if length == 1:
            length, n_header = int.from_bytes(hashed.read(8), "big"), 16
        elif length == 0:
            length = hashed.end - hashed.position + n_header
        if length < n_header:
            raise _Unfamiliar
        if kind == b"mdat":
            has_media = True
            hashed.take(length - n_header)
        else:
            hashed.skip(length - n_header)
    if not has_media:
        raise _Unfamiliar


def _hash_wav(hashed: _Hashed) -> None:
    _hash_chunks(hashed, (b"fmt ", b"data"), byte_order="little")


def _hash_aiff(hashed: _Hashed) -> None:
    _hash_chunks(hashed, (b"COMM", b"SSND"), byte_order="big")


def _hash_chunks(hashed: _Hashed, kinds: tuple[bytes, ...], *, byte_order: str) -> None:
    hashed.skip(12)
    has_samples = False
    while hashed.position + 8 <= hashed.end:
        header = hashed.read(8)
        kind = header[:4]
        length = struct.unpack("<I" if byte_order == "little" else ">I", header[4:])[0]
        if kind in kinds:
            # A streamed or very long WAV says 0xFFFFFFFF: then the samples run to the end.
            hashed.take(length)
            has_samples = has_samples or kind == kinds[1]
        else:
            hashed.skip(length)
        hashed.skip(length & 1)
    if not has_samples:
        raise _Unfamiliar


def _hash_asf(hashed: _Hashed) -> None:
    has_media = False
    while hashed.position + 24 <= hashed.end:
        header = hashed.read(24)
        length = int.from_bytes(header[16:], "little")
        if length < 24:
            raise _Unfamiliar
        if header[:16] == ASF_DATA:
            has_media = True
            hashed.take(length - 24)
        else:
            hashed.skip(length - 24)
    if not has_media:
        raise _Unfamiliar


def _without_tags(file: BinaryIO, n_bytes: int) -> tuple[int, int]:
    """Where the file begins and ends without tags before and after it."""
    start, end = 0, n_bytes
    while (length := _leading_tag(file, start)) and start + length <= end:
        start += length
    while (length := _trailing_tag(file, start, end)) and end - length >= start:
        end -= length
    return start, end


def _leading_tag(file: BinaryIO, start: int) -> int:
    file.seek(start)
    head = file.read(32)
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 128:
        a, b, c, d = head[6:10]
        length = 10 + (a << 21 | b << 14 | c << 7 | d)
        return length + 10 if head[5] & 0x10 else length
    if head[:8] == b"APETAGEX" and len(head) == 32:
        return int(struct.unpack("<I", head[12:16])[0]) + 32
    return 0


def _trailing_tag(file: BinaryIO, start: int, end: int) -> int:
    file.seek(max(end - 128, start))
    tail = file.read(min(128, end - start))
    if tail[:3] == b"TAG" and len(tail) == 128:
        return 128
    if tail[-32:-24] == b"APETAGEX":
        length, _, flags = struct.unpack("<III", tail[-20:-8])
        return int(length) + (32 if flags & 0x80000000 else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0
