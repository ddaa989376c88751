"""An import of many shards keeps no row in memory."""

import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from index.indexing.changes import Sighting
from index.indexing.shards import intake
from index.indexing.shards.intake import import_shards
from index.indexing.shards.records import ShardHead, ShardTrack, ShardVectors, shard_bytes
from index.indexing.shards.work import no_facts
from index.library import Library
from tests.index.toy_encoder import ToyEncoder

ENCODER = ToyEncoder()
ROWS = 100
FOLDER = b"/music/" + b"a long name of a folder/" * 20


def make_shards(place: Path, n_shards: int) -> None:
    """Shards of made-up tracks with long paths."""
    place.mkdir()
    vector = np.eye(1, ENCODER.embedding_size, dtype=np.float32)
    vectors = ShardVectors(vector[0], vector, (0.0,), 1.0, np.empty(0, np.float32), ())
    head = ShardHead(ENCODER.fingerprint, ENCODER.embedding_size, ())
    for number in range(n_shards):
        tracks = []
        for row in range(number * ROWS, (number + 1) * ROWS):
            facts = no_facts(Sighting(FOLDER + b"%d.wav" % row, 1, 1))
            tracks.append(ShardTrack(dataclasses.replace(facts, audio_digest=b"%d" % row), vectors))
        (place / f"{number}.parquet").write_bytes(shard_bytes(head, tracks))


def peak_bytes(tmp_path: Path, n_shards: int) -> int:
    """Of Python's objects during an import, without the store of vectors."""
    place = tmp_path / f"shards {n_shards}"
    make_shards(place, n_shards)
    with Library.open_or_create(tmp_path / f"library {n_shards}") as library:
        tracemalloc.start()
        report = import_shards(library, str(place), encoder=ENCODER)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert report.added == n_shards * ROWS
    return peak


def test_memory_does_not_grow_with_the_number_of_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six times as many rows take less than 400 bytes for each more; a path alone takes 500."""
    monkeypatch.setattr(intake, "sync_store", lambda *_: None)
    peak_bytes(tmp_path, 1)  # imports
    few, many = peak_bytes(tmp_path, 8), peak_bytes(tmp_path, 48)
    assert many - few < 400 * 40 * ROWS
