"""GTZAN: `genres/blues/blues.00000.wav` (or .au), with its fault-filtered split.

The data set contains copies, several tracks of some artists, and damaged files. The fault-filtered
split keeps artists apart and leaves out the faults. `gtzan_split.json` has the side of 792 of the
1000 tracks; the others are on no side. If the published lists (`train_filtered.txt`,
`valid_filtered.txt`, `test_filtered.txt`) are in the folder, they are used instead.
"""

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from embedder.datasets.files import audio_files_below, reason_unusable
from embedder.datasets.layouts.contents import Contents, ReadingOptions
from embedder.datasets.layouts.folders import with_file_tags
from embedder.datasets.records import LeftOut, Side, TrackRow
from embedder.errors import DatasetError, printable_path

GENRES = (
    "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock",
)  # fmt: skip
LOOKS_FOR = "files named as in GTZAN: blues/blues.00000.wav"
_NAME = re.compile(rf"({'|'.join(GENRES)})\.(\d{{5}})$")
_LISTS: tuple[tuple[str, Side], ...] = (
    ("train_filtered.txt", "train"),
    ("valid_filtered.txt", "validation"),
    ("test_filtered.txt", "test"),
)


def evidence(path: Path) -> str | None:
    """The first audio file has a name as in GTZAN."""
    if not path.is_dir():
        return None
    first = next(audio_files_below(path), None)
    return f"{first.name}" if first is not None and _NAME.match(first.stem) else None


def read(path: Path, options: ReadingOptions) -> Contents:
    """A row for each track of GTZAN; other files are left out."""
    sides, origin = _listed_sides(path)
    rows: list[TrackRow] = []
    left_out: list[LeftOut] = []
    for file in audio_files_below(path):
        named = _NAME.match(file.stem)
        reason = reason_unusable(file) if named else "not named like a track of GTZAN"
        if reason is not None or named is None:
            left_out.append(LeftOut(file, reason or ""))
            continue
        row = TrackRow(
            key=file.stem,
            path=file,
            labels={"genre": (named[1],)},
            split=sides.get(file.stem, ""),
        )
        rows.append(with_file_tags(row, file) if options.read_tags else row)
    return Contents(rows, left_out, split_origin=origin)


def _listed_sides(path: Path) -> tuple[dict[str, Side], str]:
    candidates = [(next(path.rglob(name), None), side) for name, side in _LISTS]
    lists = [(file, side) for file, side in candidates if file is not None]
    if not lists:
        return known_sides(), "fault-filtered split of 792 tracks"
    if len(lists) != len(_LISTS):
        raise DatasetError(
            f"{printable_path(path)}: only {len(lists)} of the lists "
            f"{', '.join(name for name, _ in _LISTS)}. Add the others, or remove all."
        )
    return {
        Path(line.strip()).stem: side
        for file, side in lists
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }, "fault-filtered split of the lists in the folder"


@cache
def known_sides() -> dict[str, Side]:
    """The stored side of each track; tracks that were filtered out are on no side."""
    resource = files("embedder.datasets.layouts") / "gtzan_split.json"
    listed = json.loads(resource.read_text(encoding="utf-8"))["sides"]
    sides: dict[str, Side] = {}
    for genre, ranges_of in listed.items():
        for side, ranges in ranges_of.items():
            for numbers in ranges.split():
                first, _, last = numbers.partition("-")
                for number in range(int(first), int(last or first) + 1):
                    sides[f"{genre}.{number:05d}"] = "" if side == "none" else side
    return sides
