"""Files that vanish, move and come back between runs of `index --cluster` and imports."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from index.catalogue.records import Failure
from index.indexing.changes import Sighting
from index.indexing.results import IndexReport
from index.indexing.shards import job
from index.indexing.shards.deaths import Beginnings, make_surviving
from index.indexing.shards.intake import import_shards
from index.indexing.shards.job import ShardReport, write_shards
from index.indexing.shards.work import ShardMaker
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav

ENCODER = ToyEncoder()


def batch_results(
    todo: Sequence[Sighting], model: Path, place: str, n_workers: int
) -> Iterator[dict[str, Any]]:
    """As a cluster does it, in this process."""
    n_shards, failed = make_surviving(ShardMaker(ENCODER, place), todo, Beginnings())
    yield {
        "n_shards": n_shards,
        "n_tracks": len(todo),
        "path": "",
        "failed": job.json.dumps(failed),
    }


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six files in two folders, one of them broken; and no cluster."""
    for number in range(6):
        write_wav(tmp_path / "music" / f"album {number % 2}" / f"{number}.wav", number)
    write_wav(tmp_path / "music" / "album 1" / "broken.wav", 0, n_samples=0)
    monkeypatch.setattr(job, "ray_running", lambda *_: nullcontext(1))
    monkeypatch.setattr(job, "batch_results", batch_results)
    card = SimpleNamespace(fingerprint=ENCODER.fingerprint)
    monkeypatch.setattr(job, "read_card", lambda _: card)
    return tmp_path / "music"


def write(*paths: Path, **options: Any) -> ShardReport:
    (place,) = (folder / "shards" for folder in paths[0].parents if folder.name.startswith("test_"))
    given = [str(path) for path in paths]
    return write_shards(given, str(place), cluster="local", model=Path("toy"), **options)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open_or_create(tmp_path / "library")


def take_in(library: Library, music: Path, *, prune: bool = False) -> IndexReport:
    place = str(music.with_name("shards"))
    return import_shards(library, place, encoder=ENCODER, prune=prune)


def counts(report: IndexReport | ShardReport) -> dict[str, int]:
    """What is not zero."""
    names = ("added", "updated", "moved", "unchanged", "removed", "gone", "duplicates")
    return {name: value for name in names if (value := report.to_json().get(name))}


def test_a_file_that_vanishes_is_gone_in_shards_and_library(library: Library, music: Path) -> None:
    """It is told once, comes back without analysis, and leaves with prune; failures go, too."""
    write(music)
    assert counts(take_in(library, music)) == {"added": 6}
    (music / "album 0" / "2.wav").rename(music.with_name("2.wav"))
    (music / "album 1" / "broken.wav").unlink()
    report = write(music)
    assert (counts(report), report.failed) == ({"unchanged": 5, "gone": 1}, ())
    assert counts(write(music)) == {"unchanged": 5}
    report = take_in(library, music)
    assert (counts(report), report.failed) == ({"unchanged": 5, "removed": 1, "gone": 1}, ())
    assert counts(take_in(library, music)) == {"unchanged": 5}
    assert library.report().failures == ()
    assert len(library.store.ids()) == 5
    music.with_name("2.wav").rename(music / "album 0" / "2.wav")
    n_analysed = len(ENCODER.analysed_paths)
    assert counts(write(music)) == {"unchanged": 6}
    assert len(ENCODER.analysed_paths) == n_analysed
    assert counts(take_in(library, music)) == {"unchanged": 6}
    assert len(library.store.ids()) == 6
    (music / "album 0" / "2.wav").unlink()
    write(music)
    assert counts(take_in(library, music, prune=True)) == {"unchanged": 5, "removed": 1}
    assert len(list(library.all_tracks())) == 5
    assert library.verify() == []


def test_a_new_library_gets_nothing_that_is_gone(library: Library, music: Path) -> None:
    """The rows are passed over."""
    write(music)
    (music / "album 0" / "2.wav").unlink()
    write(music)
    assert counts(take_in(library, music)) == {"added": 5}


def test_a_file_that_moves_keeps_its_track(library: Library, music: Path) -> None:
    """And a copy of a file that stays is a duplicate."""
    write(music)
    take_in(library, music)
    ids = {Path(track.path).name: track.id for track in library.all_tracks()}
    (music / "album 0" / "2.wav").rename(music / "moved.wav")
    shutil.copy(music / "album 0" / "4.wav", music / "copy.wav")
    assert counts(write(music)) == {"added": 2, "unchanged": 5, "gone": 1}
    expected = {"added": 1, "moved": 1, "unchanged": 5, "duplicates": 1}
    assert counts(take_in(library, music)) == expected
    after = {Path(track.path).name: track.id for track in library.all_tracks()}
    assert after["moved.wav"] == ids["2.wav"]
    assert "2.wav" not in after


@pytest.mark.parametrize("given", ["music", "album 0"])
def test_the_tracks_of_an_empty_folder_are_left(given: str, library: Library, music: Path) -> None:
    """A disk may be missing there: prune leaves them, unless the run said that it is not."""
    folder = music if given == "music" else music / "album 0"
    write(music)
    take_in(library, music)
    for path in (music / "album 0").iterdir():
        path.unlink()
    if given == "album 0":
        (folder / "cover.jpg").write_bytes(b"no audio")
    report = write(folder)
    assert (report.gone, report.unreachable) == (3, 3)
    assert f"{music / 'album 0'}: nothing is in this folder now" in report.notes[0]
    report_in = take_in(library, music, prune=True)
    assert (report_in.removed, report_in.gone, report_in.unreachable) == (3, 3, 3)
    assert "3 tracks are gone from folders without any file" in report_in.notes[0]
    assert len(library.catalogue.tracks(range(1, 7))) == 6
    write(music, allow_empty=True)
    assert take_in(library, music, prune=True).removed == 3
    assert len(library.catalogue.tracks(range(1, 7))) == 3


def test_what_a_run_did_not_look_at_stays(library: Library, music: Path) -> None:
    """Neither another folder's files nor those that a pattern leaves out are gone."""
    write(music)
    rules = job.ScanRules(exclude=("4.wav",))
    assert counts(write(music / "album 0", rules=rules)) == {"unchanged": 2}
    assert counts(write(music / "album 0" / "0.wav")) == {"unchanged": 1}
    assert list(music.with_name("shards").glob("gone-*")) == []


def test_a_damaged_list_is_named_and_written_anew(library: Library, music: Path) -> None:
    """Without it nothing is gone."""
    write(music)
    (music / "album 0" / "2.wav").unlink()
    write(music)
    (gone,) = music.with_name("shards").glob("gone-*")
    gone.write_bytes(b"no shard")
    report = take_in(library, music)
    assert report.added == 6
    assert Failure(str(gone), "not a shard that this version reads") in report.failed
    assert write(music).gone == 1
    assert counts(take_in(library, music)) == {"unchanged": 5, "removed": 1, "gone": 1}
