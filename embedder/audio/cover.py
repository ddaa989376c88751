"""The picture in a file's tags: the front cover, or the first one, if browsers can show it."""

import base64
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4

from embedder.audio.tag_limits import OversizedTags, check_tag_limits

logger = logging.getLogger(__name__)

FRONT_COVER = 3
MAX_BYTES = 16 << 20
HEADS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
}


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture, with its type told by its own bytes."""

    data: bytes
    media_type: str


def read_cover(path: Path) -> Cover | None:
    """The picture in the tags of a file; None if there is none that can be shown."""
    try:
        check_tag_limits(path)
        file = mutagen.File(path)
    except OversizedTags:
        return None
    except Exception:  # noqa: BLE001 - mutagen raises anything on a damaged file
        logger.debug("%s: its tags cannot be read", path)
        return None
    pictures = [] if file is None else sorted(_pictures(file), key=lambda p: p[0] != FRONT_COVER)
    for _, data in pictures:
        media_type = _media_type(data)
        if media_type is not None:
            return Cover(data, media_type)
    return None


def _pictures(file: Any) -> Iterator[tuple[int, bytes]]:
    """The kind and the bytes of each picture."""
    tags = file.tags
    if isinstance(file, FLAC):
        yield from ((picture.type, picture.data) for picture in file.pictures)
    elif isinstance(tags, ID3):
        frames: list[Any] = tags.getall("APIC")  # type: ignore[no-untyped-call]  # mutagen
        yield from ((int(frame.type), frame.data) for frame in frames)
    elif isinstance(file, MP4):
        yield from ((FRONT_COVER, bytes(data)) for data in (tags or {}).get("covr", []))
    elif tags is not None:
        for text in tags.get("metadata_block_picture", []):
            try:
                picture = Picture(base64.b64decode(str(text)))  # type: ignore[no-untyped-call]  # mutagen
            except Exception:  # noqa: BLE001, S112 - mutagen raises anything on damaged data
                continue
            yield picture.type, picture.data


def _media_type(data: bytes) -> str | None:
    if len(data) > MAX_BYTES:
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for head, kind in HEADS.items() if data.startswith(head)), None)


def small_cover(path: Path, size: int) -> Cover | None:
    """The same picture, no wider and no higher than `size` pixels.

    A picture that is small already, or that cannot be decoded, is returned as it is. Run it in a
    child process, as a picture may take much memory.
    """
    from PIL import Image, ImageOps

    cover = read_cover(path)
    if cover is None:
        return None
    try:
        with Image.open(io.BytesIO(cover.data)) as picture:
            if max(picture.size) <= size:
                return cover
            picture.draft("RGB", (size, size))  # a JPEG is decoded at a lower size
            scaled = ImageOps.exif_transpose(picture).convert("RGB")
            scaled.thumbnail((size, size))
            target = io.BytesIO()
            scaled.save(target, "JPEG", quality=85)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises anything on a damaged picture
        logger.debug("%s: its picture cannot be decoded", path)
        return cover
    return Cover(target.getvalue(), "image/jpeg")
