"""`vectors.lance.json`: which version of which table holds the vectors of a library.

It is replaced in one rename after the version is written, so a reader sees the old version or the
new one. It has a digest of the version's rows, and a mark of each file: LanceDB itself does
not notice a wrong byte.
"""

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedder.errors import CorruptArtefact, UnsupportedFormat
from embedder.whole_files import write_whole
from index.vectors.kinds import LanceKind
from index.vectors.lance_files import FileMarks
from index.vectors.lance_rows import TableRows
from index.vectors.store_file import StoreSource

FORMAT = 1


@dataclass(frozen=True, slots=True)
class LancePointer:
    """A version of a table, what it must hold, and the catalogue's state that it was made from."""

    format: int
    fingerprint: str
    catalogue_id: str
    revision: int
    token: str
    address: str
    table: str
    version: int
    kind: LanceKind
    embedding_size: int
    n_rows: int
    rows_digest: str
    n_placed: int
    """The number of rows when the lists of the index were placed."""
    n_appends: int
    """Since the rows were last put into few files."""
    files: FileMarks

    @property
    def source(self) -> StoreSource:
        """What the store was made from."""
        return StoreSource(self.fingerprint, self.revision, self.token, self.catalogue_id)


def digest_of(rows: TableRows) -> str:
    """The digest of the ids and checksums of all rows."""
    return hashlib.sha256(rows.ids.tobytes() + rows.checksums.tobytes()).hexdigest()


def write_pointer(path: Path, pointer: LancePointer) -> None:
    """Put it in the old one's place."""
    values = asdict(pointer)
    write_whole(path, json.dumps(values | {"checksum": _checksum(values)}, indent=2).encode())


def read_pointer(path: Path) -> LancePointer:
    """The pointer in a file; raises CorruptArtefact if it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorruptArtefact(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CorruptArtefact(f"{path}: damaged") from error
    if not isinstance(values, dict) or values.pop("checksum", None) != _checksum(values):
        raise CorruptArtefact(f"{path}: its checksum is wrong, so it is damaged")
    if values.get("format") != FORMAT:
        raise UnsupportedFormat(
            f"{path}: format {values.get('format')}, this version reads {FORMAT}"
        )
    try:
        marks = {name: (size, checksum) for name, (size, checksum) in values["files"].items()}
        return LancePointer(**values | {"files": marks})
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise CorruptArtefact(f"{path}: incomplete") from error


def _checksum(values: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(values, sort_keys=True).encode())
