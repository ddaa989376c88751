"""Which store keeps the vectors: a file of FAISS in the library's folder, or a table of LanceDB.

FAISS is loaded with the first store: much of a library needs no vectors.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.vectors.distances import Space
from index.vectors.kinds import StoreSettings, check_kind
from index.vectors.store import IdArray, VectorStore

if TYPE_CHECKING:
    from index.vectors.building import Read

FAISS_NAME = "vectors.faiss"
LANCE_NAME = "vectors.lance.json"


def with_store(settings: StoreSettings, text: str) -> StoreSettings:
    """The settings with another kind: `hnsw`, `lance:FOLDER`, `lance:s3://BUCKET/FOLDER`.

    Raises UsageError for another text, and MissingExtra if LanceDB is needed and not installed.
    """
    name, _, address = text.partition(":")
    kind = check_kind(name if name.startswith("lance") else text)
    if not kind.startswith("lance"):
        return replace(settings, kind=kind, address="")
    from index.vectors.lance_files import checked_address
    from index.vectors.lance_part import load_lancedb

    address = checked_address(address)
    load_lancedb()
    return replace(settings, kind=kind, address=address)


def store_path(folder: Path, settings: StoreSettings) -> Path:
    """The file in a library's folder that the store is opened by."""
    return folder / (LANCE_NAME if settings.is_lance else FAISS_NAME)


def other_path(folder: Path, settings: StoreSettings) -> Path:
    """The file of the other store, which is not needed any more."""
    return folder / (FAISS_NAME if settings.is_lance else LANCE_NAME)


def open_store(path: Path, space: Space, settings: StoreSettings) -> VectorStore:
    """The store that a file holds, or points to."""
    if not settings.is_lance:
        from index.vectors.faiss_store import FaissStore

        return FaissStore.open(path, space, search_effort=settings.search_effort)
    from index.vectors.lance_store import LanceStore

    return LanceStore.open(path, space, settings=settings)


def store_of(
    space: Space, ids: IdArray, *, size: int, read: "Read", settings: StoreSettings
) -> VectorStore:
    """A store of the vectors that `read` reads in blocks, in memory until it is saved."""
    from index.vectors.building import build_in_blocks

    if not settings.is_lance:
        return build_in_blocks(space, ids, size=size, read=read, settings=settings)
    from index.vectors.lance_store import EXACT, LanceStore

    recent = build_in_blocks(space, ids, size=size, read=read, settings=EXACT)
    return LanceStore(space, settings, recent)
