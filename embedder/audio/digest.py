"""The digest of a file's audio without its tags: the same after retagging, renaming and moving.

It reads containers only as far as it must to leave the tags out, and decodes nothing:

    MP3, AAC, APE, WV, MPC …   [ID3v2][ audio ][Lyrics3][APEv2][ID3v1]    the middle
    FLAC                       fLaC[STREAMINFO][other metadata][frames]   first and last
    Ogg                        [identification][comment][set-up][audio]   all but the comment
    MP4, MOV                   [ftyp][moov: tags][mdat]                   mdat
    WAV, AIFF, ASF             chunks                                     format and samples

Any other file, and a broken one, is digested whole: after retagging it counts as new audio.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from embedder.audio.ogg_headers import OggHeaders, UnfamiliarOgg
from embedder.audio.outer_tags import without_tags
from embedder.errors import OUT_OF_REACH, MissingAudio, NotAnAudioFile, OutOfReach, UnreadableAudio

DIGEST_BYTES = 16
BLOCK_BYTES = 1 << 20

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


class _Unfamiliar(Exception):
    """The bytes do not have the structure of the container."""


def audio_digest(path: Path) -> bytes:
    """16 bytes that change if the audio does, but not if the tags do."""
    with _opened(path) as file:
        return _hashed(file, is_counting=False).sha256.digest()[:DIGEST_BYTES]


def audio_size(path: Path) -> int:
    """How many bytes `audio_digest` covers. It is much faster; equal digests have equal sizes."""
    with _opened(path) as file:
        return _hashed(file, is_counting=True).n_taken


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not path.is_file():
            if path.exists():
                raise NotAnAudioFile(path, "not a file")
            raise MissingAudio(path, "no such file")
        with path.open("rb") as file:
            yield file
    except PermissionError as error:
        raise OutOfReach(path, "no permission to read it") from error
    except FileNotFoundError as error:
        raise MissingAudio(path, "it was removed while it was read") from error
    except OSError as error:
        kind = OutOfReach if error.errno in OUT_OF_REACH else UnreadableAudio
        raise kind(path, f"cannot be read ({error.strerror})") from error


def part_digest(digest: bytes, start_seconds: float, end_seconds: float | None) -> bytes:
    """The digest of a part of a recording."""
    end = -1.0 if end_seconds is None else end_seconds
    bounds = struct.pack("<dd", start_seconds, end)
    return hashlib.sha256(digest + bounds).digest()[:DIGEST_BYTES]


def _hashed(file: BinaryIO, *, is_counting: bool) -> "_Hashed":
    n_bytes = file.seek(0, os.SEEK_END)
    start, end = without_tags(file, n_bytes)
    file.seek(start)
    hash_container = _reader_for(file.read(16))
    try:
        hashed = _Hashed(file, start, end, is_counting=is_counting)
        hash_container(hashed)
    except (_Unfamiliar, UnfamiliarOgg):
        hashed = _Hashed(file, start, end, is_counting=is_counting)
        _hash_all(hashed)
    return hashed


class _Hashed:
    """A part of a file, and the digest (or only the number) of the bytes taken from it."""

    def __init__(self, file: BinaryIO, start: int, end: int, *, is_counting: bool) -> None:
        # SHA-256 runs in hardware on today's processors, twice as fast as BLAKE2 here.
        self.sha256 = hashlib.sha256()
        self.n_taken = 0
        self.position = start
        self.end = end
        self._file = file
        self._is_counting = is_counting

    def read(self, n_bytes: int) -> bytes:
        """The next bytes; raises _Unfamiliar if there are fewer."""
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
        n_left = max(min(n_bytes, self.end - self.position), 0)
        self.n_taken += n_left
        self._file.seek(self.position)
        self.position += n_left
        while n_left and not self._is_counting and (block := self._read_block(n_left)):
            self.sha256.update(block)
            n_left -= len(block)

    def take_bytes(self, data: bytes) -> None:
        """Digest bytes that have been read already."""
        self.n_taken += len(data)
        self.sha256.update(data)

    def take_rest(self) -> None:
        """Digest all that is left."""
        self.take(self.end - self.position)

    def _read_block(self, n_left: int) -> bytes:
        return self._file.read(min(BLOCK_BYTES, n_left))


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
    """Page by page: a longer comment changes the numbers and checksums of their headers."""
    waiting: dict[bytes, OggHeaders] = {}
    while hashed.position < hashed.end:
        header = hashed.read(27)
        if header[:4] != b"OggS":
            raise _Unfamiliar
        segments = hashed.read(header[26])
        serial = header[14:18]
        if header[5] & 2:
            waiting[serial] = OggHeaders()
        if serial not in waiting:
            hashed.take_bytes(header[6:14])
            hashed.take(sum(segments))
            continue
        headers = waiting[serial]
        headers.add(segments, hashed.read(sum(segments)))
        if headers.are_complete:
            for packet in headers.counting():
                hashed.take_bytes(bytes(packet))
            del waiting[serial]


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
            # 0xFFFFFFFF in a streamed or very long WAV: the samples run to the end.
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
