"""The folder of takes: a folder for each label, as `train` reads it.

    my-sounds/
      kettle/  kettle-001.flac  kettle-002.flac
      door/    door-001.flac

The tag `date` of a take is when its session began, so that sessions can be told apart. (An album
would make all of a session one group, which no split may divide.)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedder.audio.writing import write_audio
from embedder.errors import UsageError, printable_path
from index.catalogue.records import Json
from soundalike.live.recording.takes import TakeLevels, levels_of
from soundalike.live.ring import Floats

SUFFIX = ".flac"
_RESERVED = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
_MAX_LABEL = 100


@dataclass(frozen=True, slots=True)
class Take:
    """A take that was saved."""

    path: Path
    label: str
    seconds: float
    levels: TakeLevels
    silence_db: float
    """Below this level its room counted as silent."""

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "path": str(self.path),
            "label": self.label,
            "seconds": round(self.seconds, 3),
            "peak_db": round(self.levels.peak_db, 1),
            "level_db": round(self.levels.level_db, 1),
            "is_clipped": self.levels.is_clipped,
            "is_low": self.levels.is_low,
            "silence_db": round(self.silence_db, 1),
        }


class TakesFolder:
    """Saves the takes of one label and one session. No file is ever replaced."""

    def __init__(self, folder: Path, label: str, *, session: str) -> None:
        self.folder, self.label, self.session = folder, checked_label(label), session
        self._place = folder / self.label

    def save(self, samples: Floats, sample_rate: int, *, silence_db: float) -> Take:
        """Write a take under the next free number: float32 [samples]."""
        self._place.mkdir(parents=True, exist_ok=True)
        number = self._next_number()
        path = self._place / f"{self.label}-{number:03}{SUFFIX}"
        tags = {"title": f"{self.label} {number}", "date": self.session, "genre": self.label}
        write_audio(path, samples[None], sample_rate, tags=tags, overwrite=False)
        return Take(path, self.label, len(samples) / sample_rate, levels_of(samples), silence_db)

    def counts(self) -> Mapping[str, int]:
        """How many takes each label has."""
        return count_takes(self.folder)

    def _next_number(self) -> int:
        pattern = re.compile(re.escape(self.label) + r"-(\d+)$")
        numbers = [
            int(match[1]) for path in self._place.iterdir() if (match := pattern.match(path.stem))
        ]
        return max(numbers, default=0) + 1


def count_takes(folder: Path) -> Mapping[str, int]:
    """How many sounds each label's folder has, by label."""
    counts: dict[str, int] = {}
    for place in sorted(folder.iterdir()) if folder.exists() else ():
        if place.is_dir() and not place.name.startswith("."):
            counts[place.name] = sum(
                path.is_file() and not path.name.startswith(".") for path in place.iterdir()
            )
    return counts


def checked_label(label: str) -> str:
    """A label that can name a folder everywhere."""
    text = label.strip()
    if not text or _RESERVED.search(text) or text[0] == "." or text[-1] == ".":
        raise UsageError(
            f"{printable_path(label)!r} cannot be the name of a folder: give a label of letters "
            "and numbers"
        )
    if len(text.encode()) > _MAX_LABEL:
        raise UsageError(f"the label is longer than {_MAX_LABEL} bytes")
    return text
