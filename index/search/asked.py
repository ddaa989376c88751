"""What a search is asked, and the tracks that it is asked with: ids, files known and unknown.

A file that is not in the library is compared all the same. Where its recording is known (it was
copied, moved or retagged) its vector is too; only else is the model loaded.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedder.encoding.requests import TrackEncoding
from embedder.errors import AudioError, NotFound, UsageError, printable_path
from index.catalogue.records import TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.open_library import OpenLibrary
from index.library_folder.places import tracks_at
from index.vectors.distances import FloatMatrix

EncodeFile = Callable[[Path, float | None, float | None], TrackEncoding]
"""From a path, a start and a length in seconds (none: all of it) to vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryTrack:
    """A track that is asked with. vector: float32 [size]"""

    record: TrackRecord
    vector: FloatMatrix
    excerpts: TrackExcerpts | None


def resolve(
    library: OpenLibrary,
    texts: Sequence[str],
    *,
    encode: EncodeFile,
    start_seconds: float | None = None,
    seconds: float | None = None,
) -> list[QueryTrack]:
    """The tracks that a person named, each once; a file of several parts gives all of them."""
    is_stretch = start_seconds is not None or seconds is not None
    found: list[QueryTrack] = []
    for text in texts:
        records = _known(library, text)
        if records is None:
            path = Path(os.path.abspath(text))  # noqa: PTH100 - links stay, as when indexing
            found.append(_unknown(library, path, encode, (start_seconds, seconds)))
        elif is_stretch:
            found += [_stretch(record, encode, start_seconds, seconds) for record in records]
        else:
            found += [_with_vectors(library, record) for record in records]
    return list({(one.record.id, one.record.path): one for one in found}.values())


def _known(library: OpenLibrary, text: str) -> list[TrackRecord] | None:
    """Its tracks in the library; None for a file that stands outside of it."""
    at_path = tracks_at(library.catalogue, text)
    if at_path:
        return at_path
    path = Path(text)
    if path.is_dir():
        raise UsageError(
            f"{printable_path(text)}: a folder. Name files, or give them by "
            "find FOLDER -type f | soundalike query -"
        )
    return None if path.exists() and not _is_id(text) else library.find(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _with_vectors(library: OpenLibrary, record: TrackRecord) -> QueryTrack:
    model = library.model
    try:
        vector = library.catalogue.vectors.vector(model.id, record.id)
    except KeyError as error:
        raise NotFound(
            f"{printable_path(record.path)}: no vector yet. Run 'soundalike index' to its end."
        ) from error
    return QueryTrack(record, vector, library.excerpts(record.id))


def _stretch(
    record: TrackRecord, encode: EncodeFile, start_seconds: float | None, seconds: float | None
) -> QueryTrack:
    begins = (record.start_seconds or 0.0) + (start_seconds or 0.0)
    if seconds is None and record.end_seconds is not None:
        seconds = record.end_seconds - begins
    return _heard(record, encode(Path(record.path), begins, seconds))


def _unknown(
    library: OpenLibrary,
    path: Path,
    encode: EncodeFile,
    stretch: tuple[float | None, float | None],
) -> QueryTrack:
    from embedder.audio.digest import audio_digest
    from index.indexing.tags import read_tags

    library.model  # noqa: B018 - an empty library says so before anything is analysed
    try:
        digest = audio_digest(path).hex()
    except (OSError, AudioError):
        digest = ""  # whoever decodes it will say what is wrong with it
    tags = read_tags(path)
    record = TrackRecord(
        id=0,
        path=str(path),
        title=tags.title,
        artist=tags.artist,
        album=tags.album,
        genre=tags.genre,
        duration_seconds=tags.duration_seconds,
        year=tags.year,
        track_number=tags.track_number,
        audio_digest=digest,
    )
    copies = library.catalogue.tracks_with_digest(digest) if digest else []
    for copy in copies:
        if stretch == (None, None) and library.catalogue.vectors.has(library.model.id, copy.id):
            known = _with_vectors(library, copy)
            return QueryTrack(record, known.vector, known.excerpts)
    return _heard(record, encode(path, *stretch))


def _heard(record: TrackRecord, encoding: TrackEncoding) -> QueryTrack:
    starts = np.asarray(encoding.starts_seconds, dtype=np.float32)
    excerpts = TrackExcerpts(encoding.excerpt_vectors, starts, encoding.excerpt_seconds)
    return QueryTrack(record, encoding.vector, excerpts)
