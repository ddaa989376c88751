"""The files of a model's folder, and copies of them. Other files and links are never copied.

A model may come from a stranger: a link in its folder could lead to any file of this machine, and
an archive may unpack to far more than it weighs.
"""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from embedder.errors import BadInput, CorruptArtefact, printable_path
from embedder.models.card import CARD_NAME

MAX_BYTES = 8 * 2**30
"""More than any audio model has."""
NAMES = frozenset(
    {
        CARD_NAME,
        "weights.safetensors",
        "projection.safetensors",
        "head.safetensors",
        "model.onnx",
        "learnt.bin",
    }
)
BASE_NAME, FILES_NAME = "base", "huggingface"
FILES_SUFFIXES = frozenset({".json", ".safetensors", ".txt"})
"""Of the files that `transformers` saves; code is not among them."""
TOO_LARGE = "it is larger than 8 GiB, more than any audio model has"


def is_model_file(path: PurePosixPath) -> bool:
    """Whether a model's folder has such a file, by its path in the folder."""
    match path.parts:
        case (name,):
            return name in NAMES
        case ("base", *below) if below:
            return is_model_file(PurePosixPath(*below))
        case ("huggingface", name):
            return PurePosixPath(name).suffix in FILES_SUFFIXES
    return False


def model_files(folder: Path) -> list[Path]:
    """The files of a model, sorted; refuses links among them, and more than 8 GiB."""
    files = sorted(_files_below(folder, folder))
    if sum(path.lstat().st_size for path in files) > MAX_BYTES:
        raise BadInput(f"{printable_path(folder)}: {TOO_LARGE}")
    return files


def copy_model(folder: Path, target: Path) -> None:
    """Copy the files of a model into a folder."""
    for path in model_files(folder):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy, follow_symlinks=False)


def unzip_model(archive_path: Path, target: Path) -> None:
    """Unpack the files of a model, which may stand in one folder of the archive."""
    where = printable_path(archive_path)
    try:
        with zipfile.ZipFile(archive_path) as archive:
            entries = _model_entries(archive)
            if sum(entry.file_size for _, entry in entries) > MAX_BYTES:
                raise CorruptArtefact(f"{where}: {TOO_LARGE}")
            for name, entry in entries:
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise CorruptArtefact(f"{where}: {name} is a link, and a model has none")
                copy = target / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                # zipfile reads no more than the entry's declared size.
                with archive.open(entry) as source, copy.open("wb") as file:
                    shutil.copyfileobj(source, file)
    except OSError as error:
        raise BadInput(f"{where}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise CorruptArtefact(f"{where}: not a complete zip file: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # a password, or another compression
        raise CorruptArtefact(f"{where}: cannot be unpacked: {error}") from error


def _files_below(folder: Path, root: Path) -> Iterable[Path]:
    for path in folder.iterdir():
        name = PurePosixPath(path.relative_to(root).as_posix())
        is_folder = name.parts[-1] in (BASE_NAME, FILES_NAME)
        if not is_folder and not is_model_file(name):
            continue
        if path.is_symlink():
            raise BadInput(
                f"{printable_path(path)}: a link. Put the file itself there: links are not copied."
            )
        if path.is_file() and is_model_file(name):
            yield path
        elif is_folder and path.is_dir():
            yield from _files_below(path, root)


def _model_entries(archive: zipfile.ZipFile) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
    entries = [(PurePosixPath(entry.filename), entry) for entry in archive.infolist()]
    if not any(name == PurePosixPath(CARD_NAME) for name, _ in entries):
        # File managers put the folder itself into the archive.
        tops = {name.parts[0] for name, _ in entries if name.parts[1:] == (CARD_NAME,)}
        if len(tops) == 1:
            (top,) = tops
            entries = [
                (name.relative_to(top), entry) for name, entry in entries if name.parts[0] == top
            ]
    return [(name, entry) for name, entry in entries if is_model_file(name)]
