"""The tags of Matroska and WebM files, which mutagen does not read, by the names of `tags.py`."""

import os
from pathlib import Path

from embedder.audio.matroska import (
    ALBUM_LEVEL,
    EBML_HEADER,
    matroska_info,
    matroska_tag_lists,
    matroska_tags,
)

_NAMES = {
    "part_number": "track",
    "date_released": "date",
    "date_recorded": "date",
    "lead_performer": "artist",
    "initial_key": "key",
}
_ALBUM_NAMES = {"title": "album", "artist": "album artist", "part_number": "", "total_parts": ""}
"""What a tag of the album's level is called among a track's; nothing: left out."""


def read_matroska_tags(path: Path) -> tuple[list[tuple[str, str]], float | None] | None:
    """Names with their texts, and the duration; None if it is another format.

    Programs that state no level, as FFmpeg, write a track's tags.
    """
    with path.open("rb") as file:
        if file.read(len(EBML_HEADER)) != EBML_HEADER:
            return None
        n_bytes = file.seek(0, os.SEEK_END)
        info = matroska_info(file, 0, n_bytes)
        tags = [
            tag
            for tag_list in matroska_tag_lists(file, 0, n_bytes)
            for tag in matroska_tags(file, tag_list)
        ]
    named = []
    for tag in tags:
        name = tag.name.lower()
        if tag.level == ALBUM_LEVEL:
            name = _ALBUM_NAMES.get(name, name)
        if name:
            named.append((_NAMES.get(name, name), tag.text))
    if info.title and not any(name == "title" for name, _ in named):
        named.append(("title", info.title))
    return named, info.duration_seconds
