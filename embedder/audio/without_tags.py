"""A view of a file without its tags, for decoders of files with too many tags.

FFmpeg reads all tags when it opens a file, and searches the list of those before for each one: the
time grows with the square of their number. The view begins after ID3 tags, and shows the comments
of a FLAC file as padding. Nothing is written, and other formats have no such view.
"""

import io
from pathlib import Path

from embedder.audio.outer_tags import ID3_HEADER_BYTES, id3_tag_bytes

_MAX_TAGS = 8
_MAX_BLOCKS = 1000
_PADDING, _COMMENTS = 1, 4


class WithoutTags(io.FileIO):
    """An open file without its beginning and with some bytes replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._start = self._patched_end = 0
        self._patches: dict[int, int] = {}
        self._start = _end_of_id3(self)
        self._patches = _flac_patches(self)
        self._patched_end = max(self._patches, default=-1) + 1
        self.seek(0)

    @property
    def differs(self) -> bool:
        """Whether anything is left out."""
        return self._start > 0 or bool(self._patches)

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        position = self.tell()
        data = super().read(-1 if size is None else size) or b""
        if position >= self._patched_end:
            return data
        patched = bytearray(data)
        for place, byte in self._patches.items():
            if position <= place < position + len(data):
                patched[place - position] = byte
        return bytes(patched)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, counted from the beginning of the view."""
        start = self._start if whence == io.SEEK_SET else 0
        return super().seek(offset + start, whence) - self._start

    def tell(self) -> int:
        """The current position in the view."""
        return super().tell() - self._start


def _end_of_id3(file: WithoutTags) -> int:
    end = 0
    for _ in range(_MAX_TAGS):
        file.seek(end)
        n_bytes = id3_tag_bytes(file.read(ID3_HEADER_BYTES))
        if not n_bytes:
            break
        end += n_bytes
    return end


def _flac_patches(file: WithoutTags) -> dict[int, int]:
    """The places of the comment blocks' types, as padding."""
    file.seek(0)
    patches: dict[int, int] = {}
    if file.read(4) != b"fLaC":
        return patches
    place = 4
    for _ in range(_MAX_BLOCKS):
        file.seek(place)
        header = file.read(4)
        if len(header) < 4:
            break
        if header[0] & 0x7F == _COMMENTS:
            patches[place] = header[0] & 0x80 | _PADDING
        if header[0] & 0x80:
            break
        place += 4 + int.from_bytes(header[1:], "big")
    return patches
