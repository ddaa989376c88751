"""Shards of several runs, imported again, and shards with a flipped bit."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from embedder.encoding.requests import TrackRequest
from embedder.errors import CorruptArtefact
from index.indexing.changes import Sighting
from index.indexing.identify import identify
from index.indexing.request import IndexOptions
from index.indexing.shards.intake import import_shards
from index.indexing.shards.records import (
    ShardHead,
    ShardTrack,
    read_head,
    read_tracks,
    shard_bytes,
    vectors_of,
)
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav

SIZE = 64
ENCODER = ToyEncoder(size=SIZE)
HEAD = ShardHead(ENCODER.fingerprint, SIZE, ())
ADDRESS = "s3://music/song.wav"


def _shard(path: Path, state: int) -> bytes:
    facts = identify(Sighting(os.fsencode(path), state, state))
    facts = dataclasses.replace(facts, path=ADDRESS.encode())
    encoding = next(iter(ENCODER.encode_many([TrackRequest(path)])))
    return shard_bytes(HEAD, [ShardTrack(facts, vectors_of(encoding))])


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    folder.mkdir()
    for number in (1, 2):
        path = write_wav(tmp_path / f"{number}.wav", number)
        (folder / f"{number}.parquet").write_bytes(_shard(path, number))
    return folder


def test_a_second_import_puts_nothing_old_back(tmp_path: Path, shards: Path) -> None:
    """Of two rows with one place, the later counts, in every import."""
    library = Library.open_or_create(tmp_path / "library")
    assert import_shards(library, str(shards), encoder=ENCODER).added == 1
    again = import_shards(library, str(shards), encoder=ENCODER)
    assert (again.updated, again.unchanged) == (0, 1)


def test_a_local_copy_does_not_take_the_place_of_an_object(tmp_path: Path, shards: Path) -> None:
    """A track in an object store is not missing because no local file has its name."""
    library = Library.open_or_create(tmp_path / "library")
    import_shards(library, str(shards), encoder=ENCODER)
    report = library.index([tmp_path / "2.wav"], encoder=ENCODER, options=IndexOptions())
    assert (report.added, report.moved) == (1, 0)
    assert ADDRESS in [track.path for track in library.all_tracks()]


def test_a_flipped_bit_gives_no_other_vector(shards: Path) -> None:
    """Pages have checksums: damage is found when a shard is read."""
    content = (shards / "1.parquet").read_bytes()
    (sound,) = read_tracks(content, HEAD, name="1")
    n_caught = 0
    for position in range(4, len(content) - 8, 11):
        damaged = bytearray(content)
        damaged[position] ^= 1
        try:
            head = read_head(bytes(damaged), name="1")
            (track,) = read_tracks(bytes(damaged), head, name="1")
        except CorruptArtefact:
            n_caught += 1
            continue
        assert track.vectors is not None
        np.testing.assert_array_equal(track.vectors.vector, sound.vectors.vector)
    assert n_caught
