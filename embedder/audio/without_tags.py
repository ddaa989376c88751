"""A view of a file without its tags, for decoders of files with too many tags.

FFmpeg reads all tags when it opens a file, and searches the list of those before for each one: the
time grows with the square of their number. The view has no tags before and after the audio, and
some bytes between read as others, see `tag_patches`. Nothing is written. A few formats have no such
view.
"""

import io
import os
from bisect import bisect_left
from pathlib import Path

from embedder.audio.containers import TooManyParts
from embedder.audio.outer_tags import without_tags
from embedder.audio.tag_patches import tag_patches

_LONGEST_PATCH = 16


class WithoutTags(io.FileIO):
    """An open file without its beginning and end, and with some bytes replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._start, self._end = 0, super().seek(0, os.SEEK_END)
        n_bytes = self._end
        with path.open("rb") as file:
            self._start, self._end = without_tags(file, n_bytes)
            try:
                patches = tag_patches(file, self._start, self._end)
            except TooManyParts:
                patches = {}
        self.differs = bool(patches) or (self._start, self._end) != (0, n_bytes)
        """Whether anything is left out."""
        self._places = sorted(patches)
        self._patches = patches
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        place = super().tell()
        n_left = max(self._end - place, 0)
        data = super().read(n_left if size is None or size < 0 else min(size, n_left)) or b""
        at = bisect_left(self._places, place - _LONGEST_PATCH)
        if at == len(self._places) or self._places[at] >= place + len(data):
            return data
        patched = bytearray(data)
        for patch_place in self._places[at:]:
            if patch_place >= place + len(data):
                break
            for offset, byte in enumerate(self._patches[patch_place], patch_place - place):
                if 0 <= offset < len(patched):
                    patched[offset] = byte
        return bytes(patched)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, counted from the beginning or the end of the view."""
        if whence == io.SEEK_SET:
            offset += self._start
        elif whence == io.SEEK_END:
            offset, whence = offset + self._end, io.SEEK_SET
        return super().seek(offset, whence) - self._start

    def tell(self) -> int:
        """The current position in the view."""
        return super().tell() - self._start
