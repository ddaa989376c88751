"""Shards: files to Parquet and Parquet to a library, without a cluster."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from embedder.encoding.requests import TrackRequest
from embedder.errors import BadInput, CorruptArtefact, FingerprintMismatch
from index.indexing.changes import Sighting
from index.indexing.scan import scan
from index.indexing.shards import deaths
from index.indexing.shards.deaths import make_surviving
from index.indexing.shards.intake import import_shards
from index.indexing.shards.places import Place
from index.indexing.shards.records import read_head, read_tracks
from index.indexing.shards.work import ShardMaker, shard_name
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

N_TRACKS = 7


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Seven tagged files, a copy of one of them, and a broken one."""
    folder = tmp_path / "music"
    for number in range(N_TRACKS):
        write_wav(folder / f"{number}.wav", number)
        tag_wav(folder / f"{number}.wav", genre=("jazz", "rock")[number % 2], title=f"T{number}")
    (folder / "copy.wav").write_bytes((folder / "3.wav").read_bytes())
    write_wav(folder / "broken.wav", 0, n_samples=0)
    return folder


def sightings_in(folder: Path) -> list[Sighting]:
    """The files of a folder, by their names."""
    return [Sighting(path, *stat) for path, stat in sorted(scan([folder]).files.items())]


def write(music: Path, place: Path, *, name: str = "toy") -> list[tuple[str, str]]:
    """One shard for each four files; returns the failures."""
    maker = ShardMaker(ToyEncoder(name, measures=True), str(place))
    files = sightings_in(music)
    return [pair for at in range(0, len(files), 4) for pair in maker.make(files[at : at + 4])]


def take_in(library: Library, place: Path, *, name: str = "toy"):  # type: ignore[no-untyped-def]
    return import_shards(library, str(place), encoder=ToyEncoder(name, measures=True))


def test_shards_give_the_library_that_index_gives(music: Path, tmp_path: Path) -> None:
    """Tracks, tags, vectors, excerpts, measured values, failures and neighbours are the same."""
    failed = write(music, tmp_path / "shards")
    assert [Path(path).name for path, _ in failed] == ["broken.wav"]
    with (
        Library.open_or_create(tmp_path / "plain") as plain,
        Library.open_or_create(tmp_path / "imported") as imported,
    ):
        plain.index([music], encoder=ToyEncoder(measures=True))
        report = take_in(imported, tmp_path / "shards")
        assert (report.added, len(report.failed)) == (N_TRACKS + 1, 1)
        by_path = [
            {
                track.path: (track.to_json(), library.vectors(np.array([track.id]))[0])
                for track in library.list()
            }
            for library in (plain, imported)
        ]
        assert by_path[0].keys() == by_path[1].keys()
        for path, (facts, vector) in by_path[0].items():
            other_facts, other_vector = by_path[1][path]
            assert facts | {"id": 0} == other_facts | {"id": 0}
            np.testing.assert_array_equal(vector, other_vector)
        assert imported.verify() == []
        reasons = [{f["reason"] for f in one.report().failures} for one in (plain, imported)]
        assert reasons[0] == reasons[1] != set()


def test_a_second_import_stores_nothing(music: Path, tmp_path: Path) -> None:
    """What the library has is passed over, failures apart."""
    write(music, tmp_path / "shards")
    with Library.open_or_create(tmp_path / "library") as library:
        take_in(library, tmp_path / "shards")
        report = take_in(library, tmp_path / "shards")
    assert (report.added, report.updated, report.unchanged) == (0, 0, N_TRACKS + 1)


def test_the_later_shard_of_a_changed_file_counts(music: Path, tmp_path: Path) -> None:
    """Two runs with a change between them: the library has the file as it is now."""
    write(music, tmp_path / "shards")
    write_wav(music / "0.wav", 99)
    os.utime(music / "0.wav", ns=(10**18, 10**18))
    ShardMaker(ToyEncoder(), str(tmp_path / "shards")).make(sightings_in(music)[:1])
    with Library.open_or_create(tmp_path / "library") as library:
        report = take_in(library, tmp_path / "shards")
        assert (report.added, report.updated) == (N_TRACKS + 1, 0)
        (track,) = [track for track in library.list() if track.path.endswith("/0.wav")]
        vector = library.vectors(np.array([track.id]))[0]
    (expected,) = ToyEncoder().encode_many([music / "0.wav"])
    np.testing.assert_allclose(vector, expected.vector, atol=1e-6)  # type: ignore[union-attr]


def test_a_file_without_memory_for_it_costs_only_itself(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batch is done file by file."""
    whole = ToyEncoder.encode_many

    def encode_many(self: ToyEncoder, requests: list[TrackRequest], **rest: object) -> object:
        if any(request.path.name == "1.wav" for request in requests):
            raise MemoryError
        return whole(self, requests, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ToyEncoder, "encode_many", encode_many)
    maker = ShardMaker(ToyEncoder(), str(tmp_path / "shards"))
    files = sightings_in(music)
    made = make_surviving(maker, files, deaths.Beginnings())
    assert made[0] == len(files)
    assert [Path(path).name for path, _ in made[1]] == ["1.wav", "broken.wav"]
    assert (str(music / "1.wav"), deaths.TOO_LARGE) in made[1]


def test_shards_of_another_model_are_refused(music: Path, tmp_path: Path) -> None:
    """Before anything is stored; the message has both fingerprints."""
    write(music, tmp_path / "shards", name="other")
    with (
        Library.open_or_create(tmp_path / "library") as library,
        pytest.raises(FingerprintMismatch, match="made by another model"),
    ):
        take_in(library, tmp_path / "shards")


@pytest.mark.parametrize("damage", ["cut", "text", "columns"])
def test_a_damaged_shard_is_a_failure_of_its_own(damage: str, music: Path, tmp_path: Path) -> None:
    """It is named, and the other shards are stored."""
    write(music, tmp_path / "shards")
    shard = min((tmp_path / "shards").iterdir())
    content = shard.read_bytes()
    if damage == "columns":
        table = parquet.read_table(pa.BufferReader(content)).drop_columns(["vector"])
        parquet.write_table(table, shard)
    else:
        shard.write_bytes(content[: len(content) // 2] if damage == "cut" else b"no shard")
    with Library.open_or_create(tmp_path / "library") as library:
        report = take_in(library, tmp_path / "shards")
    failures = [failure for failure in report.failed if failure.path == str(shard)]
    assert len(failures) == 1
    assert report.added >= N_TRACKS + 1 - 4


def test_a_vector_of_another_size_is_damage(music: Path, tmp_path: Path) -> None:
    """A shard may be of anybody: what it says of itself must be true of each row."""
    write(music, tmp_path / "shards")
    content = next((tmp_path / "shards").iterdir()).read_bytes()
    head = read_head(content, name="shard")
    with pytest.raises(CorruptArtefact, match="another size"):
        list(read_tracks(content, dataclasses.replace(head, embedding_size=9), name="shard"))


def test_a_place_without_shards_says_who_writes_them(tmp_path: Path) -> None:
    """Nothing is made there."""
    with (
        Library.open_or_create(tmp_path / "library") as library,
        pytest.raises(BadInput, match="index --shards"),
    ):
        take_in(library, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_shard_is_named_by_its_files_and_model(music: Path) -> None:
    """Another size, time, file or model is another shard."""
    files = sightings_in(music)[:2]
    names = {
        shard_name("a", files),
        shard_name("b", files),
        shard_name("a", files[:1]),
        shard_name("a", [files[0], dataclasses.replace(files[1], modified_ns=5)]),
        shard_name("a", [files[0], dataclasses.replace(files[1], size_bytes=5)]),
    }
    assert len(names) == 5
    assert shard_name("a", sightings_in(music)[:2]) == shard_name("a", files)


def test_a_place_lists_reads_and_writes(tmp_path: Path) -> None:
    """Names are below the folder; a folder that is not there is empty."""
    place = Place(str(tmp_path / "new"))
    assert place.files() == []
    place.write("a.parquet", b"content")
    (file,) = place.files()
    assert (file.address, file.size_bytes) == (str(tmp_path / "new" / "a.parquet"), 7)
    assert place.read(file.address) == b"content"
    with pytest.raises(BadInput, match="no such file"):
        place.read(str(tmp_path / "new" / "b"))
