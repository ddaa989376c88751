"""One batch of files to one shard. A process of a cluster runs it; it writes nothing else."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Self

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, EncodingResult, TrackRequest
from embedder.errors import BadInput, StorageError
from embedder.features.measuring.measurers import measurer_names
from index.catalogue.ledger import FileFacts, KnownFile
from index.indexing.analyse import CHANGED, duration_of
from index.indexing.changes import Sighting
from index.indexing.files import has_changed, request_of
from index.indexing.identify import Identified, identified
from index.indexing.shards.places import Place, is_remote
from index.indexing.shards.records import ShardHead, ShardTrack, shard_bytes, vectors_of
from index.library_folder.encoder import Encoder


class ShardMaker:
    """A model that is ready to run, and the place where shards go."""

    def __init__(self, encoder: Encoder, place: str, *, tags: tuple[str, ...] = ()) -> None:
        self._encoder = encoder
        self._tags = tags
        self._place = Place(place)

    @classmethod
    def with_model(cls, files: Mapping[str, bytes], place: str) -> Self:
        """With a model that came as the files of its folder."""
        with tempfile.TemporaryDirectory(prefix="soundalike-") as folder:
            for name, content in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            encoder = TrackEncoder.load(folder)
        return cls(encoder, place, tags=encoder.model.tags)

    @property
    def fingerprint(self) -> str:
        """The model's."""
        return self._encoder.fingerprint

    def make(self, sightings: Sequence[Sighting]) -> list[tuple[str, str]]:
        """Write the shard of a batch; returns the paths that failed, with the reasons."""
        name = shard_name(self.fingerprint, sightings)
        with _here(sightings) as places:
            tracks = list(self._tracks(sightings, places))
        head = ShardHead(self.fingerprint, self._encoder.embedding_size, self._tags)
        self._place.write(name, shard_bytes(head, tracks))
        return [(os.fsdecode(track.facts.path), track.reason) for track in tracks if track.reason]

    def give_up(self, sighting: Sighting, reason: str) -> list[tuple[str, str]]:
        """Write the shard of a file that cannot be analysed; returns its path and the reason."""
        head = ShardHead(self.fingerprint, self._encoder.embedding_size, self._tags)
        name = shard_name(self.fingerprint, [sighting])
        row = ShardTrack(no_facts(sighting), None, reason)
        self._place.write(name, shard_bytes(head, [row]))
        return [(os.fsdecode(sighting.path), reason)]

    def _tracks(
        self, sightings: Sequence[Sighting], places: Mapping[bytes, Path | str]
    ) -> Iterator[ShardTrack]:
        """A row for each sighting, in their order."""
        sought: list[Identified] = []
        for sighting in sightings:
            place = places[sighting.path]
            if isinstance(place, str):
                sought.append(Identified(sighting, None, place, is_passing=True))
            else:
                local = replace(sighting, path=os.fsencode(place))
                sought.append(identified(local))
        requests = [_request(known) for known in sought if known.facts is not None]
        results = self._encoder.encode_many(requests, workers=1, ordered=True)
        for sighting, known in zip(sightings, sought, strict=True):
            if known.facts is None:
                facts = no_facts(sighting)
                yield ShardTrack(facts, None, known.reason, known.is_passing)
            else:
                yield _row(sighting, known.facts, next(results), note=known.note)


def shard_name(fingerprint: str, sightings: Sequence[Sighting]) -> str:
    """The name of a batch's shard: the same for the same files and model."""
    digest = hashlib.sha256(fingerprint.encode())
    for sighting in sightings:
        digest.update(b"%s\0%d\0%d\0" % (sighting.key, *sighting.stat))
    return f"{digest.hexdigest()[:32]}.parquet"


def _row(sighting: Sighting, facts: FileFacts, result: EncodingResult, *, note: str) -> ShardTrack:
    known = _as_known(facts)
    here = replace(facts, path=sighting.path)
    if isinstance(result, EncodingFailure):
        return ShardTrack(here, None, result.reason, result.is_passing, note)
    if has_changed(known):
        return ShardTrack(here, None, CHANGED, is_passing=True)
    here = replace(here, duration_seconds=duration_of(known, result))
    return ShardTrack(here, vectors_of(result), note=note)


def _as_known(facts: FileFacts) -> KnownFile:
    return KnownFile(
        0,
        facts.path,
        facts.part,
        facts.size_bytes,
        facts.modified_ns,
        facts.start_seconds,
        facts.end_seconds,
        facts.audio_digest,
    )


def _request(known: Identified) -> TrackRequest:
    assert known.facts is not None  # noqa: S101 - those without facts are left out
    return request_of(_as_known(known.facts), measurers=measurer_names())


def no_facts(sighting: Sighting, *, part: int | None = None) -> FileFacts:
    """A file that could not be read. part: another than the sighting's."""
    return FileFacts(
        path=sighting.path,
        part=sighting.part if part is None else part,
        size_bytes=sighting.size_bytes,
        modified_ns=sighting.modified_ns,
        start_seconds=sighting.cue.start_seconds if sighting.cue else None,
        end_seconds=sighting.cue.end_seconds if sighting.cue else None,
        audio_digest=b"",
        title="",
        artist="",
        album="",
        genre="",
        year=None,
        track_number=None,
        duration_seconds=None,
        tags=(),
    )


@contextmanager
def _here(sightings: Sequence[Sighting]) -> Iterator[dict[bytes, Path | str]]:
    """By path, the file here (of an object store: a copy), or why there is none."""
    with tempfile.TemporaryDirectory(prefix="soundalike-") as folder:
        places: dict[bytes, Path | str] = {}
        for number, sighting in enumerate(sightings):
            address = os.fsdecode(sighting.path)
            if sighting.path in places:
                continue
            if not is_remote(address):
                places[sighting.path] = Path(address)
                continue
            copy = Path(folder) / f"{number}{PurePosixPath(address).suffix}"
            try:
                Place(address).fetch(address, copy)
            except (BadInput, StorageError) as error:
                places[sighting.path] = str(error)
                continue
            os.utime(copy, ns=(sighting.modified_ns, sighting.modified_ns))
            places[sighting.path] = copy
        yield places
