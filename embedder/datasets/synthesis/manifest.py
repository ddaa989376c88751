"""The list of a music folder's files, which also shows whether the folder is finished.

While songs are written, its name is `music.unfinished.json`. The last step renames it to
`music.json`. The next call continues an unfinished folder.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from embedder.errors import CorruptArtefact
from embedder.whole_files import errors_name

FINISHED = "music.json"
UNFINISHED = "music.unfinished.json"


@dataclass(frozen=True, slots=True)
class MusicSettings:
    """The settings that determine every sample and name in a music folder."""

    seed: int
    styles: tuple[str, ...]
    artists_per_style: int
    albums_per_artist: int
    songs_per_album: int
    seconds: float
    formats: tuple[str, ...]
    sample_rate: int
    release: int = 1
    """Incremented when the same settings give other samples."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A folder's settings, and its files relative to the folder."""

    settings: MusicSettings
    files: tuple[str, ...]


def read_manifest(folder: Path, name: str) -> Manifest | None:
    """Return the manifest of that name, or None."""
    path = folder / name
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        settings = dict(document["settings"])
        for key in ("styles", "formats"):
            settings[key] = tuple(settings[key])
        files = tuple(map(str, document["files"]))
        _refuse_files_elsewhere(files)
        return Manifest(MusicSettings(**settings), files)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptArtefact(
            f"{path}: not the list of a music folder ({error}). Remove the folder and try again"
        ) from error


def write_unfinished(folder: Path, manifest: Manifest) -> None:
    """Write the list of files to come; from now on the folder counts as unfinished."""
    text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False)
    temporary = folder / f".{UNFINISHED}-{os.getpid()}"
    with errors_name(folder / UNFINISHED):
        try:
            with temporary.open("w", encoding="utf-8") as target:
                target.write(text + "\n")
                target.flush()
                os.fsync(target.fileno())
            temporary.replace(folder / UNFINISHED)
        finally:
            temporary.unlink(missing_ok=True)
    (folder / FINISHED).unlink(missing_ok=True)


def mark_finished(folder: Path) -> None:
    """Rename the list. If another process has done so, nothing happens."""
    with contextlib.suppress(FileNotFoundError):
        (folder / UNFINISHED).replace(folder / FINISHED)


def _refuse_files_elsewhere(files: tuple[str, ...]) -> None:
    """Refuse paths outside the folder, because files of the list may be removed."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name} is outside the folder")
