"""The files of a model's folder, and copies of them. Other files and links are never copied.

A model may come from a stranger: a link in its folder could lead to any file of this machine, and
an archive may unpack to far more than it weighs.
"""

import json
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from embedder.errors import BadInput, CorruptArtefact, printable_path
from embedder.models.card import CARD_NAME
from embedder.whole_files import errors_name

MAX_BYTES = 8 * 2**30
"""More than any audio model has."""
NAMES = frozenset(
    {
        CARD_NAME,
        "weights.safetensors",
        "projection.safetensors",
        "head.safetensors",
        "label_head.safetensors",
        "model.onnx",
        "learnt.bin",
        "combined.safetensors",
    }
)
BASE_NAME, FILES_NAME, MEMBERS_NAME = "base", "huggingface", "members"
FILES_SUFFIXES = frozenset({".json", ".safetensors", ".txt"})
"""Of the files that `transformers` saves; code is not among them."""
_BLOCK_BYTES = 2**20
SHARDS_SUFFIX = ".safetensors.index.json"
MOST_UNPACKED = 100
"""How many times the archive's size its files may have; trained weights hardly shrink."""
SMALL_BYTES = 64 * 2**20
"""Below this no ratio is too high."""
A_LINK = "a link. Put the file itself there: links are not copied."
TOO_LARGE = "it is larger than 8 GiB, more than any audio model has"


def is_model_file(path: PurePosixPath) -> bool:
    """Whether a model's folder has such a file, by its path in the folder."""
    match path.parts:
        case (name,):
            return name in NAMES
        case ("base", *below) if below:
            return is_model_file(PurePosixPath(*below))
        case ("members", number, *below) if below and number.isdigit():
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
        copy_file(path, copy)


def check_foreign_files(folder: Path) -> None:
    """Refuse a Hugging Face folder whose files are links or no files, or are too large.

    The links of a Hugging Face cache pass: they lead to the `blobs` beside its snapshots.
    """
    blobs = folder.resolve().parent.parent / "blobs"
    n_bytes = 0
    for path in sorted(folder.iterdir()):
        if path.suffix not in FILES_SUFFIXES or path.is_dir():
            continue
        if path.is_symlink() and path.resolve().parent != blobs:
            raise BadInput(f"{printable_path(path)}: {A_LINK}")
        if not path.is_file():
            raise BadInput(f"{printable_path(path)}: not a regular file")
        n_bytes += path.stat().st_size
        if path.name.endswith(SHARDS_SUFFIX):
            _check_shards(path)
    if n_bytes > MAX_BYTES:
        raise BadInput(f"{printable_path(folder)}: {TOO_LARGE}")


def copy_file(path: Path, copy: Path) -> None:
    """Copy a file's content; an error of writing names the copy, one of reading the file."""
    with path.open("rb") as source:
        _write_from(source, copy)


def unzip_model(archive_path: Path, target: Path) -> None:
    """Unpack the files of a model, which may stand in one folder of the archive."""
    where = printable_path(archive_path)
    try:
        with zipfile.ZipFile(archive_path) as archive:
            entries = _model_entries(archive)
            _check_sizes(archive_path, [entry.file_size for _, entry in entries])
            for name, entry in entries:
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise CorruptArtefact(f"{where}: {name} is a link, and a model has none")
                copy = target / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                # zipfile reads no more than the entry's declared size.
                with archive.open(entry) as source:
                    _write_from(source, copy)
    except OSError as error:
        if error.filename is not None:  # the copy, or the archive itself
            raise
        raise BadInput(f"{where}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise CorruptArtefact(f"{where}: not a complete zip file: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # a password, or another compression
        raise CorruptArtefact(f"{where}: cannot be unpacked: {error}") from error


def _check_sizes(archive_path: Path, sizes: list[int]) -> None:
    """Refuse an archive that unpacks to more than a model has."""
    if sum(sizes) > MAX_BYTES:
        raise CorruptArtefact(f"{printable_path(archive_path)}: {TOO_LARGE}")
    times = sum(sizes) / archive_path.stat().st_size
    if sum(sizes) > SMALL_BYTES and times > MOST_UNPACKED:
        raise CorruptArtefact(
            f"{printable_path(archive_path)}: its files are {times:.0f} times as large as the "
            f"archive, and those of a model at most {MOST_UNPACKED} times"
        )


def _check_shards(path: Path) -> None:
    """Refuse a list of weights files that names files elsewhere."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()
        is_here = all(PurePosixPath(name).parts == (name,) and name != ".." for name in names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptArtefact(f"{printable_path(path)}: not a list of weights files") from error
    if not is_here:
        raise CorruptArtefact(f"{printable_path(path)}: it names files outside the folder")


def _write_from(source: IO[bytes], copy: Path) -> None:
    with copy.open("wb", buffering=0) as file:
        while block := source.read(_BLOCK_BYTES):
            with errors_name(copy):
                while block:
                    block = block[file.write(block) :]


def _files_below(folder: Path, root: Path) -> Iterable[Path]:
    for path in folder.iterdir():
        name = PurePosixPath(path.relative_to(root).as_posix())
        is_member = name.parts[-1].isdigit() and name.parts[-2:-1] == (MEMBERS_NAME,)
        is_folder = is_member or name.parts[-1] in (BASE_NAME, FILES_NAME, MEMBERS_NAME)
        if not is_folder and not is_model_file(name):
            continue
        if path.is_symlink():
            raise BadInput(f"{printable_path(path)}: {A_LINK}")
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
