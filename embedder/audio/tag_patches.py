"""Which bytes of a file must read otherwise, so that a decoder meets no tags in it.

Tags become parts that every decoder skips: padding, unknown chunks, a list of no comments. Only
names, counts and checksums change, so nothing moves.
"""

import zlib
from collections.abc import Callable
from typing import BinaryIO

from embedder.audio.containers import (
    ASF_HEADER,
    OggPage,
    asf_objects,
    chunks,
    mp4_boxes,
    ogg_header_packets,
)
from embedder.audio.matroska import EBML_HEADER, matroska_tag_lists
from embedder.audio.ogg_chains import comment_lists, page_around
from embedder.audio.tag_limits import (
    ASF_TAG_LISTS,
    MAX_TAG_BYTES,
    TEXT_CHUNKS,
    ogg_comments_start,
)

Patches = dict[int, bytes]
"""Places in the file, and the bytes that stand there instead."""

_ASF_PADDING = bytes.fromhex("74d40618dfca0945a4ba9aabcb96aae8")
_FLAC_PADDING, _FLAC_TAGS = 1, (4, 6)
_MAX_FLAC_BLOCKS = 1000
_OGG_CHECKSUM_PLACE = 22
_NO_COMMENTS = bytes(8)
"""The lengths of a vendor's name and of a list."""
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_UNKNOWN_CHUNK = b"JUNK"
_SKIPPED_BOX = b"skip"
_MATROSKA_VOID = b"\xec"
_VOID_HEADER_BYTES = 9


def tag_patches(file: BinaryIO, start: int, end: int) -> Patches:
    """What hides the tags of the container that begins at a place; nothing for an unknown one."""
    file.seek(start)
    head = file.read(16)
    return _reader_for(head)(file, start, end)


def _reader_for(head: bytes) -> Callable[[BinaryIO, int, int], Patches]:
    if head.startswith(b"fLaC"):
        return _in_flac
    if head.startswith(b"OggS"):
        return _in_ogg
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"FORM", b"FRM8"):
        return _in_chunks
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return _in_mp4
    if head == ASF_HEADER:
        return _in_asf
    if head.startswith(b"DSD "):
        return _in_dsf
    if head.startswith(EBML_HEADER):
        return _in_matroska
    return lambda *_: {}


def _in_flac(file: BinaryIO, start: int, _: int) -> Patches:
    """Comments and pictures become padding."""
    patches: Patches = {}
    place = start + 4
    for _ in range(_MAX_FLAC_BLOCKS):
        file.seek(place)
        header = file.read(4)
        if len(header) < 4:
            break
        if header[0] & 0x7F in _FLAC_TAGS:
            patches[place] = bytes([header[0] & 0x80 | _FLAC_PADDING])
        if header[0] & 0x80:
            break
        place += 4 + int.from_bytes(header[1:], "big")
    return patches


def _in_ogg(file: BinaryIO, start: int, _: int) -> Patches:
    """Each list of comments gets an empty vendor and no comments; checksums of pages follow."""
    patches: Patches = {}
    for packets in ogg_header_packets(file, start, max_bytes=MAX_TAG_BYTES):
        if len(packets) < 2:
            continue
        place = ogg_comments_start(packets[0].read(file)[:8], packets[1].read(file))
        for offset in range(place, place + len(_NO_COMMENTS)):
            in_file = packets[1].place_of(offset)
            if in_file is not None:
                patches[in_file] = b"\0"
    for comments in comment_lists(file, start):
        patches[comments.place] = _NO_COMMENTS
    return patches | _ogg_checksums(file, patches)


def _ogg_checksums(file: BinaryIO, patches: Patches) -> Patches:
    """The checksums of the pages that the patches change."""
    checksums: Patches = {}
    page: OggPage | None = None
    content = bytearray()
    for place, patch in sorted(patches.items()):
        if page is None or not page.start <= place < page.end:
            page = page_around(file, place)
            if page is None:
                continue
            file.seek(page.place)
            content = bytearray(file.read(page.end - page.place))
            content[_OGG_CHECKSUM_PLACE : _OGG_CHECKSUM_PLACE + 4] = bytes(4)
        content[place - page.place : place - page.place + len(patch)] = patch
        checksum = ogg_checksum(bytes(content)).to_bytes(4, "little")
        checksums[page.place + _OGG_CHECKSUM_PLACE] = checksum
    return checksums


def ogg_checksum(page: bytes) -> int:
    """The checksum of a page whose own field is 0 (RFC 3533).

    It is the CRC-32 of zlib with all bits in the other order, and without the inversions.
    """
    checksum = ~zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) & 0xFFFFFFFF
    return int.from_bytes(checksum.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def _in_chunks(file: BinaryIO, start: int, end: int) -> Patches:
    return {
        chunk.name_place: _UNKNOWN_CHUNK
        for chunk in chunks(file, start, end)
        if chunk.name.lower() == b"id3 " or chunk.name == b"LIST" or chunk.name in TEXT_CHUNKS
    }


def _in_mp4(file: BinaryIO, start: int, end: int) -> Patches:
    return {
        box.part.name_place: _SKIPPED_BOX
        for box in mp4_boxes(file, start, end, into_tags=False)
        if box.part.name in (b"udta", b"meta")
    }


def _in_asf(file: BinaryIO, start: int, _: int) -> Patches:
    file.seek(start + 16)
    size = int.from_bytes(file.read(8), "little")
    file.seek(start)
    header = file.read(min(size, MAX_TAG_BYTES))
    return {
        start + part.name_place: _ASF_PADDING
        for part in asf_objects(header)
        if part.name in ASF_TAG_LISTS
    }


def _in_dsf(_: BinaryIO, start: int, __: int) -> Patches:
    return {start + 20: bytes(8)}  # no place of an ID3 tag


def _in_matroska(file: BinaryIO, start: int, end: int) -> Patches:
    """Each list of tags becomes an empty element of the same size."""
    patches: Patches = {}
    for tags in matroska_tag_lists(file, start, end):
        n_bytes = tags.end - tags.name_place - _VOID_HEADER_BYTES
        if n_bytes >= 0:
            size = (1 << 56 | n_bytes).to_bytes(8, "big")
            patches[tags.name_place] = _MATROSKA_VOID + size
    return patches
