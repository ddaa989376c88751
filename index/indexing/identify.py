"""The digest of a track's audio, and its tags, read before the track is analysed."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from embedder.audio.digest import audio_digest, part_digest
from embedder.errors import AudioError
from index.catalogue.ledger import FileFacts
from index.indexing.changes import Sighting
from index.indexing.cue import CueTrack
from index.indexing.tags import FileTags, as_file_tags, read_tags


@dataclass(frozen=True, slots=True)
class Identified:
    """A sighting with its facts, or with the reason if it could not be read."""

    sighting: Sighting
    facts: FileFacts | None
    reason: str = ""
    note: str = ""
    """What was left out of the facts."""
    is_passing: bool = False
    """The file may be readable later."""


T = TypeVar("T")


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items; the last one may be shorter."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch


def identify_many(sightings: Iterable[Sighting], *, workers: int) -> Iterator[Identified]:
    """Identify tracks, in their order, a bounded number ahead.

    Threads are enough: hashing and reading both let others run meanwhile.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for batch in in_batches(sightings, 64 * workers):
            yield from pool.map(identified, batch)


def identify(sighting: Sighting) -> FileFacts:
    """Read a track's digest and tags; raises AudioError if the file cannot be read."""
    return _read(sighting)[0]


def identified(sighting: Sighting) -> Identified:
    """A track with its facts, or with the reason if its file cannot be read."""
    try:
        facts, note = _read(sighting)
    except AudioError as error:
        return Identified(sighting, None, error.reason, is_passing=error.is_passing)
    return Identified(sighting, facts, note=note)


def _read(sighting: Sighting) -> tuple[FileFacts, str]:
    """What a track's file says, and what was left out of it."""
    path = Path(os.fsdecode(sighting.path))
    digest = audio_digest(path)
    tags = read_tags(path)
    cue = sighting.cue
    if cue is not None:
        digest = part_digest(digest, cue.start_seconds, cue.end_seconds)
        tags = _tags_of_part(tags, cue)
    facts = FileFacts(
        path=sighting.path,
        part=sighting.part,
        size_bytes=sighting.size_bytes,
        modified_ns=sighting.modified_ns,
        start_seconds=cue.start_seconds if cue else None,
        end_seconds=cue.end_seconds if cue else None,
        audio_digest=digest,
        title=tags.title,
        artist=tags.artist,
        album=tags.album,
        genre=tags.genre,
        year=tags.year,
        track_number=tags.track_number,
        duration_seconds=tags.duration_seconds,
        tags=tags.fields,
    )
    return facts, tags.problem


def _tags_of_part(whole: FileTags, cue: CueTrack) -> FileTags:
    """The file's tags, with what the sheet says about the part in their place."""
    named: dict[str, list[str]] = {}
    for field, value in whole.fields:
        if field not in ("title", "tracknumber", "year"):
            named.setdefault(field, []).append(value)
    said = {"title": cue.title, "artist": cue.artist, "album": cue.album, "genre": cue.genre}
    named |= {field: [value] for field, value in said.items() if value}
    named["tracknumber"] = [str(cue.number)]
    if cue.year is not None or whole.year is not None:
        named["date"] = [str(cue.year or whole.year)]
    end = cue.end_seconds if cue.end_seconds is not None else whole.duration_seconds
    return as_file_tags(named, None if end is None else max(end - cue.start_seconds, 0.0))
