"""Whether a file's tags are small enough to parse, counted from its headers alone.

The time of a tag reader can grow with the square of the number of tags, and a compressed frame of
some kilobytes can unpack to gigabytes. So the number and size of tags are looked up first, without
parsing them. Formats without such a list of tags are not checked.
"""

import os
from pathlib import Path
from typing import BinaryIO

from embedder.audio.containers import (
    ASF_HEADER,
    Part,
    TooManyParts,
    asf_objects,
    chunks,
    mp4_boxes,
    ogg_header_packets,
)
from embedder.audio.id3_limits import (
    ID3_HEADER_BYTES,
    MAX_COMPRESSED_BYTES,
    MAX_ENTRY_BYTES,
    MAX_TEXT_BYTES,
    count_frames,
    id3_size,
)
from embedder.audio.matroska import EBML_HEADER, matroska_tag_lists, n_matroska_tags
from embedder.audio.ogg_chains import COMMENT_MARKS, comment_lists, list_bytes
from embedder.audio.outer_tags import ape_tags

MAX_TAGS = 5000
"""Of one kind in one file. Real files have a few dozen."""
MAX_TAG_BYTES = 64 * 2**20
"""Pictures included: the largest scans of covers take 30 MB."""
MAX_ID3_TAGS = 100
"""Some files carry two."""

ASF_TAG_LISTS = tuple(
    bytes.fromhex(guid)
    for guid in (
        "40a4d0d207e3d21197f000a0c95ea850",  # extended content description
        "eacbf8c5af5b77488467aa8c44fa4cca",  # metadata
        "941c23449894d149a1411d134e457054",  # metadata library
    )
)
TEXT_CHUNKS = (b"NAME", b"AUTH", b"(c) ", b"ANNO", b"COMT")
"""Tags of AIFF, a text each."""
_FLAC_IN_OGG = b"\x7fFLAC"


class OversizedTags(Exception):
    """The tags are too many or too large to be read; the message says which."""


def check_tag_limits(path: Path) -> None:
    """Raise OversizedTags if the tags must not be parsed, OSError if the file cannot be read."""
    with path.open("rb") as file:
        try:
            _check(file)
        except TooManyParts as error:
            raise OversizedTags(str(error)) from error


def ogg_comments_start(first: bytes, packet: bytes) -> int:
    """Where in a stream's second packet its list of comments begins."""
    if first.startswith(_FLAC_IN_OGG):
        return 4
    return next((len(mark) for mark in COMMENT_MARKS if packet.startswith(mark)), 0)


def _check(file: BinaryIO) -> None:
    n_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = n_id3_tags = 0
    head = file.read(16)
    while head.startswith(b"ID3") and len(head) >= ID3_HEADER_BYTES:
        n_id3_tags += 1
        if n_id3_tags > MAX_ID3_TAGS:
            raise OversizedTags(f"it has more than {MAX_ID3_TAGS} ID3 tags")
        start = _check_id3(file, start)
        file.seek(start)
        head = file.read(16)
    if head.startswith(b"fLaC"):
        _check_flac(file, start + 4)
    elif head.startswith(b"OggS"):
        _check_ogg(file, start)
    elif head[:4] in (b"RIFF", b"RIFX", b"RF64", b"FORM", b"FRM8"):
        _check_chunks(file, start, n_bytes)
    elif head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        _check_mp4(file, start, n_bytes)
    elif head == ASF_HEADER:
        _check_asf(file, start)
    elif head.startswith(b"DSD "):
        _check_dsf(file, start)
    elif head.startswith(EBML_HEADER):
        _check_matroska(file, start, n_bytes)
    for size, n_tags in ape_tags(file, n_bytes):
        _refuse_large(size, "APE tags")
        _refuse_many(n_tags, "APE tags")


def _refuse_many(n_tags: int, what: str) -> None:
    if n_tags > MAX_TAGS:
        raise OversizedTags(f"it has {n_tags} {what}, more than {MAX_TAGS}")


def _refuse_large(n_bytes: int, what: str) -> None:
    if n_bytes > MAX_TAG_BYTES:
        raise OversizedTags(
            f"its {what} take {n_bytes / 2**20:.0f} MB, more than {MAX_TAG_BYTES >> 20} MB"
        )


def _check_id3(file: BinaryIO, start: int) -> int:
    """Check the ID3v2 tag at a position; returns the position after it."""
    file.seek(start)
    size = id3_size(file.read(ID3_HEADER_BYTES))
    _refuse_large(size, "ID3 tags")
    count = count_frames(file, start, max_frames=MAX_TAGS)
    _refuse_many(count.n_frames, "ID3 frames")
    if count.n_compressed > MAX_COMPRESSED_BYTES:
        raise OversizedTags(
            f"it has {count.n_compressed} bytes of compressed ID3 frames, more than "
            f"{MAX_COMPRESSED_BYTES}"
        )
    if count.n_text_bytes > MAX_TEXT_BYTES or count.longest_entries > MAX_ENTRY_BYTES:
        n_bytes = max(count.n_text_bytes, count.longest_entries)
        raise OversizedTags(f"it has {n_bytes} bytes of text in ID3 frames")
    return start + ID3_HEADER_BYTES + size


def _check_flac(file: BinaryIO, start: int) -> None:
    total = n_blocks = 0
    while True:
        file.seek(start)
        header = file.read(4)
        if len(header) < 4:
            return
        size = int.from_bytes(header[1:4], "big")
        total += size
        n_blocks += 1
        _refuse_large(total, "FLAC metadata")
        _refuse_many(n_blocks, "FLAC metadata blocks")
        if header[0] & 0x7F == 4:
            vendor_bytes = int.from_bytes(file.read(4), "little")
            file.seek(start + 8 + vendor_bytes)
            _refuse_many(int.from_bytes(file.read(4), "little"), "comments")
        start += 4 + size
        if header[0] & 0x80:
            return


def _check_ogg(file: BinaryIO, start: int) -> None:
    for packets in ogg_header_packets(file, start, max_bytes=MAX_TAG_BYTES):
        if len(packets) < 2:
            continue
        _refuse_large(packets[1].n_bytes, "Ogg comments")
        if not packets[1].has_ended and packets[1].n_bytes > MAX_TAG_BYTES // 2:
            raise OversizedTags(f"its Ogg comments take more than {MAX_TAG_BYTES >> 21} MB")
        packet = packets[1].read(file)
        place = ogg_comments_start(packets[0].read(file)[:8], packet)
        vendor_bytes = int.from_bytes(packet[place : place + 4], "little")
        place += 4 + vendor_bytes
        _refuse_many(int.from_bytes(packet[place : place + 4], "little"), "comments")
    _check_ogg_chain(file, start)


def _check_ogg_chain(file: BinaryIO, start: int) -> None:
    """The lists of a chain may have more comments together, because each is parsed by itself."""
    n_comments = n_squared = n_bytes = 0
    for n_lists, comments in enumerate(comment_lists(file, start), start=1):
        if comments.n_comments is None:
            raise OversizedTags("it has Ogg comments that cannot be counted")
        n_comments += comments.n_comments
        n_squared += comments.n_comments**2
        if n_squared > MAX_TAGS**2:
            raise OversizedTags(f"its first {n_lists} lists of comments have {n_comments} comments")
        n_bytes += list_bytes(file, comments.place, limit=MAX_TAG_BYTES)
        _refuse_large(n_bytes, "Ogg comments")


def _check_chunks(file: BinaryIO, start: int, n_bytes: int) -> None:
    """RIFF has lists of short tags, AIFF texts, and both may have ID3 tags."""
    n_tags = n_tag_bytes = 0
    for chunk in chunks(file, start, n_bytes):
        if chunk.name.lower() == b"id3 ":
            _check_id3_chunk(file, chunk)
        elif chunk.name == b"LIST":
            n_tags += _n_listed(file, chunk)
        elif chunk.name in TEXT_CHUNKS:
            n_tags += 1
        else:
            continue
        n_tag_bytes += chunk.n_bytes
        _refuse_many(n_tags, "tags in chunks")
        _refuse_large(n_tag_bytes, "tags in chunks")


def _check_id3_chunk(file: BinaryIO, chunk: Part) -> None:
    file.seek(chunk.start)
    if file.read(3) == b"ID3":
        _check_id3(file, chunk.start)


def _n_listed(file: BinaryIO, chunk: Part) -> int:
    """How many tags a LIST chunk of the kind INFO has."""
    file.seek(chunk.start)
    if file.read(4) != b"INFO":
        return 0
    place, n_tags = chunk.start + 4, 0
    while place + 8 <= chunk.end and n_tags <= MAX_TAGS:
        file.seek(place + 4)
        size = int.from_bytes(file.read(4), "little")
        place += 8 + size + size % 2
        n_tags += 1
    return n_tags


def _check_mp4(file: BinaryIO, start: int, n_bytes: int) -> None:
    n_tags = n_tag_bytes = 0
    for box in mp4_boxes(file, start, n_bytes):
        if box.is_tag:
            n_tags += 1
        elif box.part.name in (b"udta", b"meta"):
            n_tag_bytes += box.part.n_bytes
        _refuse_large(n_tag_bytes, "MP4 tags")
        _refuse_many(n_tags, "MP4 tags")


def _check_asf(file: BinaryIO, start: int) -> None:
    file.seek(start + 16)
    size = int.from_bytes(file.read(8), "little")
    _refuse_large(size, "ASF headers")
    file.seek(start)
    header = file.read(size)
    n_tags = 0
    for part in asf_objects(header):
        if part.name in ASF_TAG_LISTS:
            n_tags += int.from_bytes(header[part.start : part.start + 2], "little")
    _refuse_many(n_tags, "ASF tags")


def _check_matroska(file: BinaryIO, start: int, n_bytes: int) -> None:
    n_tags = n_tag_bytes = 0
    for tags in matroska_tag_lists(file, start, n_bytes):
        n_tag_bytes += tags.n_bytes
        _refuse_large(n_tag_bytes, "Matroska tags")
        n_tags += n_matroska_tags(file, tags, enough=MAX_TAGS)
        _refuse_many(n_tags, "Matroska tags")


def _check_dsf(file: BinaryIO, start: int) -> None:
    """A DSF file's header says where its ID3 tag is."""
    file.seek(start + 20)
    place = start + int.from_bytes(file.read(8), "little")
    if place > start and file.seek(0, os.SEEK_END) > place:
        file.seek(place)
        if file.read(3) == b"ID3":
            _check_id3(file, place)
