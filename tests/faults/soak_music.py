"""The music folder of the soak: small files that are changed at random, and what is in them."""

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mutagen.wave import WAVE

from embedder.encoding.requests import TrackEncoding
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

MOST_FILES = 60
GENRES = ("jazz", "dub", "folk", "hip hop")


@dataclass(frozen=True, slots=True)
class Sung:
    """What the model knows of an indexed file."""

    vector: np.ndarray
    genre: str


class SoakMusic:
    """Files that are added, changed, moved, copied, retagged and deleted."""

    def __init__(self, folder: Path, generator: random.Random) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self._random = generator
        self._clock = 10**18

    def files(self) -> list[Path]:
        """All of them, in order."""
        return sorted(self.folder.rglob("*.wav"))

    def sung(self, path: Path) -> Sung:
        """What the library must know of a file."""
        (encoding,) = ToyEncoder().encode_many([path])
        assert isinstance(encoding, TrackEncoding)
        tags = WAVE(path).tags
        genre = str(tags["TCON"].text[0]) if tags is not None and "TCON" in tags else ""
        return Sung(encoding.vector, genre)

    def add(self) -> None:
        """A new file, now and then with the sound of another one."""
        if len(self.files()) < MOST_FILES:
            number = self._random.randrange(10**6)
            place = self.folder / f"{number % 5}" / f"{number}.wav"
            write_wav(place, self._random.randrange(200))
            tag_wav(place, genre=self._random.choice(GENRES), title=f"song {number}")
            self._touch(place)

    def change(self) -> None:
        """Another recording in place of a file."""
        if path := self._any_file():
            self._touch(write_wav(path, self._random.randrange(200)))

    def retag(self) -> None:
        """Another genre."""
        if path := self._any_file():
            tag_wav(path, genre=self._random.choice(GENRES))
            self._touch(path)

    def move(self) -> None:
        """Another name."""
        if path := self._any_file():
            path.rename(path.with_name(f"moved {self._random.randrange(10**6)}.wav"))

    def copy(self) -> None:
        """A second file of the same sound."""
        path = self._any_file()
        if path and len(self.files()) < MOST_FILES:
            copy = path.with_name(f"copy {self._random.randrange(10**6)}.wav")
            self._touch(Path(shutil.copy(path, copy)))

    def delete(self) -> None:
        """One file less."""
        if path := self._any_file():
            path.unlink()

    def _any_file(self) -> Path | None:
        files = self.files()
        return self._random.choice(files) if files else None

    def _touch(self, path: Path) -> None:
        self._clock += 10**9  # as if time passed between any two changes
        os.utime(path, ns=(self._clock, self._clock))
