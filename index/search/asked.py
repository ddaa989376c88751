"""The tracks of a request: ids, and files inside or outside the library.

A request is answered in two steps, so that all files go to the model in one batch:

    texts ─▶ resolve_tracks ─▶ records, some without a vector ─▶ encode_missing ─▶ vectors

A file outside the library needs the model only if its recording is unknown: a copied, moved or
retagged file has the stored vector of its recording.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import AudioError, NotFound, UsageError, printable_path
from embedder.features.measuring import fingerprint
from index.catalogue.catalogue import ModelRow
from index.catalogue.recordings import names_other_version
from index.catalogue.records import TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.copies import copies_of_sound
from index.library_folder.finding.naming import is_id
from index.library_folder.open_library import OpenLibrary
from index.library_folder.places import places_of, tracks_at
from index.vectors.distances import FloatMatrix

if TYPE_CHECKING:
    from index.library_folder.encoder import Encoder


@dataclass(frozen=True, slots=True, eq=False)
class QueryTrack:
    """A query track. vector: float32 [size]"""

    record: TrackRecord
    vector: FloatMatrix
    excerpts: TrackExcerpts | None


@dataclass(frozen=True, slots=True, eq=False)
class UnencodedTrack:
    """A query track that the model has to encode first."""

    record: TrackRecord
    request: TrackRequest


ResolvedTrack = QueryTrack | UnencodedTrack


def query_tracks(
    library: OpenLibrary,
    texts: Sequence[str],
    *,
    start_seconds: float | None = None,
    seconds: float | None = None,
) -> list[QueryTrack]:
    """The tracks of ids and paths, with vectors; raises AudioError if a file cannot be encoded."""
    resolved = resolve_tracks(library, texts, start_seconds=start_seconds, seconds=seconds)
    return encoded_tracks(library, resolved)


def encoded_tracks(library: OpenLibrary, resolved: Sequence[ResolvedTrack]) -> list[QueryTrack]:
    """Each resolved track once, with its vector; raises AudioError if one cannot be encoded."""
    tracks: list[QueryTrack] = []
    for track in encode_missing(library, _each_once(resolved)):
        if isinstance(track, EncodingFailure):
            raise AudioError(track.path, track.reason)
        tracks.append(track)
    return tracks


def resolve_tracks(
    library: OpenLibrary,
    texts: Sequence[str],
    *,
    start_seconds: float | None = None,
    seconds: float | None = None,
) -> list[ResolvedTrack]:
    """The tracks of ids, paths and words, each once; a file of parts gives all of them.

    A stretch (from `start_seconds`, `seconds` long) always has to be encoded.
    """
    is_stretch = start_seconds is not None or seconds is not None
    resolved: list[ResolvedTrack] = []
    for text in texts:
        records = _tracks_in_library(library, text)
        if records is None:
            path, *_ = places_of(text)
            resolved.append(_outside_library(library, path, start_seconds, seconds))
        elif is_stretch:
            resolved += [_stretch(record, start_seconds, seconds) for record in records]
        else:
            resolved += [_with_vector(library, record) for record in records]
    return _each_once(resolved)


def resolve_records(library: OpenLibrary, records: Iterable[TrackRecord]) -> list[ResolvedTrack]:
    """Tracks of the library, each once, with their vectors but without excerpts."""
    model = library.model
    by_id = {record.id: record for record in records}
    return [
        QueryTrack(record, _vector_of(library, model, record), None) for record in by_id.values()
    ]


def encode_missing(
    library: OpenLibrary, tracks: Sequence[ResolvedTrack], encoder: "Encoder | None" = None
) -> Iterator[QueryTrack | EncodingFailure]:
    """Each track with its vector, in order; those without one go to the model in one batch.

    `encoder` None: the library's own model, loaded only if it is needed.
    """
    requests = [track.request for track in tracks if isinstance(track, UnencodedTrack)]
    if requests and encoder is None:
        from embedder.audio.decoders import start_early

        start_early()  # while the model is loaded
    if requests:
        more = "" if len(requests) == 1 else f" and {len(requests) - 1} more"
        library.on_step(f"Analysing {printable_path(requests[0].path.name)}{more}")
    results = (encoder or library.encoder).encode_many(requests) if requests else iter(())
    for track in tracks:
        if isinstance(track, QueryTrack):
            yield track
            continue
        result = next(results)
        yield (
            _encoded(library, track.record, result) if isinstance(result, TrackEncoding) else result
        )


def _each_once(tracks: Sequence[ResolvedTrack]) -> list[ResolvedTrack]:
    return list({(track.record.id, track.record.path): track for track in tracks}.values())


def _tracks_in_library(library: OpenLibrary, text: str) -> list[TrackRecord] | None:
    """The tracks with this path, id or words; None for a file outside the library."""
    tracks = tracks_at(library.catalogue, text)
    if tracks:
        return tracks
    path = Path(text)
    if path.is_dir():
        raise UsageError(
            f"{printable_path(text)}: a folder. Name files, or give - as the track "
            "and pipe the output of 'find FOLDER -type f' to the command."
        )
    return None if path.exists() and not is_id(text) else library.tracks_named(text)


def _with_vector(library: OpenLibrary, record: TrackRecord) -> QueryTrack:
    vector = _vector_of(library, library.model, record)
    return QueryTrack(record, vector, library.excerpts(record.id))


def _vector_of(library: OpenLibrary, model: ModelRow, record: TrackRecord) -> FloatMatrix:
    try:
        return library.catalogue.vectors.vector(model.id, record.id, size=model.embedding_size)
    except KeyError as error:
        raise NotFound(
            f"{printable_path(record.path)}: no vector yet. Run 'soundalike index' to its end."
        ) from error


def _stretch(
    record: TrackRecord, start_seconds: float | None, seconds: float | None
) -> UnencodedTrack:
    start = (record.start_seconds or 0.0) + (start_seconds or 0.0)
    if seconds is None and record.end_seconds is not None:
        seconds = record.end_seconds - start
    return UnencodedTrack(record, TrackRequest(Path(record.path), start, seconds))


def _outside_library(
    library: OpenLibrary, path: Path, start_seconds: float | None, seconds: float | None
) -> ResolvedTrack:
    from embedder.audio.digest import audio_digest
    from index.indexing.tags import read_tags

    library.model  # noqa: B018 - raises for an empty library, before anything is analysed
    try:
        digest = audio_digest(path).hex()
    except (OSError, AudioError):
        digest = ""  # reported when the file is decoded
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
        recording=library.catalogue.recordings.key_of(digest),
    )
    copies = library.catalogue.tracks_with_digest(digest) if digest else []
    for copy in copies:
        is_whole = start_seconds is None and seconds is None
        if is_whole and library.catalogue.vectors.has(library.model.id, copy.id):
            stored = _with_vector(library, copy)
            return QueryTrack(record, stored.vector, stored.excerpts)
    request = TrackRequest(path, start_seconds, seconds, (fingerprint.NAME,))
    return UnencodedTrack(record, request)


def _encoded(library: OpenLibrary, record: TrackRecord, encoding: TrackEncoding) -> QueryTrack:
    copies = copies_of_sound(
        library.catalogue,
        library.store,
        vector=encoding.vector,
        fingerprint=b"".join(measured.values.data for measured in encoding.measured),
        seconds=encoding.duration_seconds,
    )
    if copies:
        copy = library.track(copies[0])
        if not names_other_version(record.title, copy.title):
            record = replace(record, recording=copy.recording)
    starts = np.asarray(encoding.starts_seconds, dtype=np.float32)
    excerpts = TrackExcerpts(encoding.excerpt_vectors, starts, encoding.excerpt_seconds)
    return QueryTrack(record, encoding.vector, excerpts)
