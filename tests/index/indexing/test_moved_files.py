"""Files that were moved, copied, replaced or deleted: which tracks keep their ids."""

import os
import shutil
from pathlib import Path

import pytest

from embedder.errors import MissingAudio, UsageError
from index.indexing.request import IndexOptions, ScanRules
from index.library import Library
from tests.index.indexing.index_runs import counts, ids_by_name, index
from tests.index.toy_encoder import ToyEncoder, write_wav


def test_a_moved_file_keeps_its_id(library: Library, music: Path) -> None:
    """Renaming a file and moving a folder cost no analysis, and the ids survive."""
    index(library, music)
    before = ids_by_name(library)
    (music / "album 0" / "0.wav").rename(music / "renamed.wav")
    (music / "album 1").rename(music / "another album")
    report, encoder = index(library, music)
    after = ids_by_name(library)
    assert counts(report) == {"moved": 4, "unchanged": 2}
    assert encoder.analysed_paths == []
    assert after["renamed.wav"] == before["0.wav"]
    assert {after[name] for name in ("1.wav", "3.wav")} == {before["1.wav"], before["3.wav"]}


def test_files_that_swap_names_keep_their_ids(library: Library, music: Path) -> None:
    """Two recordings that trade places are two moves."""
    index(library, music)
    first, other = music / "album 0" / "0.wav", music / "album 0" / "2.wav"
    before = library.tracks_named(str(first))[0].id, library.tracks_named(str(other))[0].id
    aside = music / "aside"
    first.rename(aside)
    other.rename(first)
    aside.rename(other)
    for path, time_ns in ((first, 10**18), (other, 2 * 10**18)):
        os.utime(path, ns=(time_ns, time_ns))
    report, encoder = index(library, music)
    assert counts(report) == {"moved": 2, "unchanged": 4}
    assert encoder.analysed_paths == []
    assert (
        library.tracks_named(str(other))[0].id,
        library.tracks_named(str(first))[0].id,
    ) == before


def test_a_file_moved_over_another_replaces_it(library: Library, music: Path) -> None:
    """What was overwritten is removed; what took its place has moved."""
    index(library, music)
    source, target = music / "album 0" / "0.wav", music / "album 0" / "2.wav"
    moved = library.tracks_named(str(source))[0].id
    lost = library.tracks_named(str(target))[0].id
    source.replace(target)
    os.utime(target, ns=(10**18, 10**18))
    report, encoder = index(library, music)
    assert counts(report) == {"moved": 1, "unchanged": 4, "removed": 1}
    assert encoder.analysed_paths == []
    assert library.tracks_named(str(target))[0].id == moved
    assert lost not in library.store.ids()


def test_a_copy_is_a_duplicate_and_not_analysed(library: Library, music: Path) -> None:
    """The same recording twice is two tracks of one digest, analysed once."""
    index(library, music)
    copy = write_wav(music / "copy.wav", 0)
    report, encoder = index(library, music)
    assert counts(report) == {"added": 1, "unchanged": 6}
    assert (report.n_duplicates, encoder.analysed_paths) == (1, [])
    digest = library.tracks_named(str(copy))[0].audio_digest
    assert len(library.catalogue.tracks_with_digest(digest)) == 2
    assert library.info().n_duplicates == 1


def test_copies_in_one_run_are_analysed_once(library: Library, tmp_path: Path) -> None:
    """Of two copies of a recording in one run, one is encoded."""
    for name in ("a", "b"):
        write_wav(tmp_path / "music" / f"{name}.wav", 1)
    report, encoder = index(library, tmp_path / "music")
    assert (report.added, len(encoder.analysed_paths)) == (2, 1)
    assert len(library) == 2


def test_a_renamed_folder_keeps_its_ids(library: Library, music: Path) -> None:
    """Its old place is not scanned again, and no track is listed twice."""
    index(library, music)
    before = ids_by_name(library)
    music.rename(music.with_name("renamed"))
    report, encoder = index(library, music.with_name("renamed"))
    assert counts(report) == {"moved": 6}
    assert encoder.analysed_paths == []
    assert ids_by_name(library) == before
    assert all(Path(track.path).exists() for track in library.all_tracks())


def test_gone_files_are_marked_and_come_back(library: Library, music: Path, tmp_path: Path) -> None:
    """A track whose file is gone is not searched, until the file is back."""
    index(library, music)
    path, away = music / "album 0" / "0.wav", tmp_path / "away.wav"
    track_id = library.tracks_named(str(path))[0].id
    path.rename(away)
    assert counts(index(library, music)[0]) == {"removed": 1, "gone": 1, "unchanged": 5}
    assert track_id not in library.store.ids()
    assert library.track(track_id).is_gone
    away.rename(path)
    report, encoder = index(library, music)
    assert counts(report) == {"unchanged": 6}
    assert encoder.analysed_paths == []
    assert track_id in library.store.ids()


def test_prune_forgets_what_is_gone(library: Library, music: Path) -> None:
    """With prune the track leaves the catalogue, also if it was marked before."""
    index(library, music)
    path = music / "album 0" / "0.wav"
    path.unlink()
    index(library, music)
    assert counts(index(library, music, prune=True)[0]) == {"removed": 1, "unchanged": 5}
    assert library.catalogue.tracks_at(path) == []


def test_pruning_an_empty_folder_is_refused(library: Library, music: Path) -> None:
    """A mount point without its disk is empty: nothing changes before someone says so."""
    index(library, music)
    disk = music.rename(music.with_name("disk"))
    music.mkdir()
    (music / "cover.jpg").write_bytes(b"no audio")
    ids = library.store.ids().tolist()
    for dry_run in (True, False):
        with pytest.raises(UsageError, match=r"would remove its 6 tracks.*--allow-empty"):
            index(library, music, prune=True, dry_run=dry_run)
    assert library.store.ids().tolist() == ids
    assert counts(index(library, music)[0]) == {"removed": 6, "gone": 6}
    with pytest.raises(UsageError, match="its 6 tracks"):  # those that are marked as gone, too
        index(library, music, prune=True)
    (music / "cover.jpg").unlink()
    music.rmdir()
    disk.rename(music)
    assert counts(index(library, music, prune=True)[0]) == {"unchanged": 6}
    assert library.store.ids().tolist() == ids


@pytest.mark.parametrize("kind", ["folder", "hidden", "link"])
def test_pruning_leaves_the_tracks_of_an_empty_folder_inside(
    kind: str, library: Library, music: Path, tmp_path: Path
) -> None:
    """A disk may be missing there: its tracks are marked as gone, and come back with it."""
    (music / "usb" / "album").mkdir(parents=True)
    for number in range(2):
        write_wav(music / "usb" / "album" / f"{number}.wav", 50 + number)
    index(library, music)
    ids = library.store.ids().tolist()
    disk = (music / "usb").rename(tmp_path / "disk")
    if kind == "link":
        (music / "usb").symlink_to(tmp_path / "not mounted")
    else:
        (music / "usb").mkdir()
    if kind == "hidden":
        (music / "usb" / ".hidden").touch()
    (music / "album 1" / "1.wav").unlink()
    note = f"{music / 'usb'}: nothing is in this folder now, where 2 tracks had their files"
    for dry_run in (True, False, False):
        report = index(library, music, prune=True, dry_run=dry_run)[0]
        assert report.unreachable == 2
        assert report.notes[0].startswith(note)
    assert counts(report) == {"unchanged": 5}
    assert len(library.catalogue.tracks(ids)) == 7
    assert len(library.store.ids()) == 5
    (music / "usb").unlink() if kind == "link" else shutil.rmtree(music / "usb")
    disk.rename(music / "usb")
    assert counts(index(library, music, prune=True)[0]) == {"unchanged": 7}
    assert set(library.store.ids().tolist()) < set(ids)
    shutil.rmtree(music / "usb" / "album")
    report = index(library, music, prune=True, allow_empty=True)[0]
    assert (counts(report), report.notes) == ({"removed": 2, "unchanged": 5}, ())


def test_a_folder_that_is_empty_because_its_files_have_moved_is_no_matter(
    library: Library, music: Path
) -> None:
    """The tracks are at their new places, and nothing is said."""
    index(library, music)
    for path in (music / "album 0").glob("*.wav"):
        path.rename(music / "album 1" / f"from 0, {path.name}")
    report = index(library, music, prune=True)[0]
    assert (counts(report), report.notes) == ({"moved": 3, "unchanged": 3}, ())


def test_an_empty_folder_is_pruned_if_asked_for(library: Library, music: Path) -> None:
    """With allow_empty its tracks go; a folder that never had any needs no permission."""
    index(library, music)
    for path in music.rglob("*.wav"):
        path.unlink()
    assert counts(index(library, music, prune=True, allow_empty=True)[0]) == {"removed": 6}
    assert counts(index(library, music, prune=True)[0]) == {}


def test_one_empty_folder_among_several_is_refused(library: Library, music: Path) -> None:
    """The message names the folder that is empty, and the other one's tracks stay too."""
    index(library, music)
    for path in (music / "album 1").rglob("*.wav"):
        path.unlink()
    options = IndexOptions(prune=True)
    with pytest.raises(UsageError, match=r"album 1: no audio file"):
        library.index([music / "album 0", music / "album 1"], encoder=ToyEncoder(), options=options)
    assert len(library.catalogue.paths()) == 6


def test_what_the_rules_pass_over_is_not_gone(library: Library, music: Path) -> None:
    """A file that the rules leave out is neither marked nor pruned; a missing file is gone."""
    index(library, music)
    (music / "album 1" / "5.wav").unlink()
    report, _ = index(library, music, rules=ScanRules(include=("0.wav",)), prune=True)
    assert counts(report) == {"unchanged": 1, "removed": 1}
    report, _ = index(library, music)
    assert counts(report) == {"unchanged": 5}


def test_other_folders_are_left_alone(library: Library, music: Path) -> None:
    """Indexing one folder does not change the tracks of another."""
    index(library, music)
    report, _ = index(library, music / "album 0")
    assert counts(report) == {"unchanged": 3}
    assert len(library) == 6


def test_an_unreadable_folder_makes_nothing_gone(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is below a folder that cannot be read is unknown, not gone."""
    index(library, music)
    real = os.scandir
    closed = os.fsencode(music / "album 0")

    def scandir(folder: bytes) -> object:
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)  # root may read everything
    report, _ = index(library, music)
    assert report.removed == 0
    assert [failure.reason for failure in report.failed] == ["Permission denied"]
    assert len(library) == 6


def test_a_missing_folder_is_an_error(library: Library, music: Path) -> None:
    """A folder that is not there makes nothing gone: its disk may not be plugged in."""
    index(library, music)
    music.rename(music.with_name("elsewhere"))
    with pytest.raises(MissingAudio, match="no such file or folder"):
        index(library, music)
    assert len(library) == 6
