"""Bringing a library up to date: what costs an analysis, and what does not."""

import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import FingerprintMismatch, LibraryBusy, MissingAudio
from index.indexing.request import IndexOptions, ScanRules
from index.indexing.results import IndexProgress, IndexReport
from index.library import Library
from index.library_folder.lock import writing
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Six songs in two folders."""
    for number in range(6):
        path = write_wav(tmp_path / "music" / f"album {number % 2}" / f"{number}.wav", number)
        tag_wav(path, title=f"Song {number}", artist=f"Artist {number % 3}", genre="jazz")
    return tmp_path / "music"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open_or_create(tmp_path / "library")


def index(
    library: Library, music: Path, encoder: ToyEncoder | None = None, **options: object
) -> tuple[IndexReport, ToyEncoder]:
    encoder = encoder or ToyEncoder()
    report = library.index([music], encoder=encoder, options=IndexOptions(**options))
    return report, encoder


def ids_by_name(library: Library) -> dict[str, int]:
    return {Path(track.path).name: track.id for track in library.all_tracks()}


def counts(report: IndexReport) -> dict[str, int]:
    names = ("added", "updated", "moved", "unchanged", "removed")
    return {name: value for name in names if (value := report.to_json()[name])}


def test_new_files_are_analysed_and_can_be_searched(library: Library, music: Path) -> None:
    """Each new file becomes a track that is its own nearest neighbour."""
    report, encoder = index(library, music)
    assert counts(report) == {"added": 6}
    assert len(encoder.analysed_paths) == 6
    ids = library.store.ids()
    distances, found = library.nearest(library.vectors(ids), 1)
    assert found[:, 0].tolist() == ids.tolist()
    assert distances.max() < 1e-6
    first = library.track(int(ids[0]))
    assert (first.genre, first.artist) == ("jazz", first.artist)
    assert first.duration_seconds == pytest.approx(64 / 8000)


def test_a_second_run_analyses_nothing(library: Library, music: Path) -> None:
    """An unchanged collection costs no analysis."""
    index(library, music)
    report, encoder = index(library, music)
    assert counts(report) == {"unchanged": 6}
    assert encoder.analysed_paths == []


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


def test_a_retagged_file_is_not_analysed(library: Library, music: Path) -> None:
    """New tags are taken over without an analysis."""
    index(library, music)
    path = music / "album 0" / "0.wav"
    tag_wav(path, genre="blues")
    report, encoder = index(library, music)
    assert counts(report) == {"updated": 1, "unchanged": 5}
    assert encoder.analysed_paths == []
    assert library.find(str(path))[0].genre == "blues"
    assert set(library.catalogue.field_values("genre").values()) == {("jazz",), ("blues",)}


def test_a_touched_file_is_unchanged(library: Library, music: Path) -> None:
    """A new time of change alone changes nothing."""
    index(library, music)
    os.utime(music / "album 0" / "0.wav", ns=(1, 1))
    assert counts(index(library, music)[0]) == {"unchanged": 6}
    assert counts(index(library, music)[0]) == {"unchanged": 6}


def test_changed_audio_is_analysed_again(library: Library, music: Path) -> None:
    """Other samples in the same place get another vector, under the same id."""
    index(library, music)
    path = music / "album 0" / "0.wav"
    track = library.find(str(path))[0]
    before = library.vectors([track.id])
    write_wav(path, 99)
    report, encoder = index(library, music)
    assert counts(report) == {"updated": 1, "unchanged": 5}
    assert encoder.analysed_paths == [path]
    assert library.find(str(path))[0].id == track.id
    assert not np.allclose(library.vectors([track.id]), before)


def test_files_that_swap_names_keep_their_ids(library: Library, music: Path) -> None:
    """Two recordings that trade places are two moves."""
    index(library, music)
    one, other = music / "album 0" / "0.wav", music / "album 0" / "2.wav"
    before = library.find(str(one))[0].id, library.find(str(other))[0].id
    aside = music / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    for path, time_ns in ((one, 10**18), (other, 2 * 10**18)):
        os.utime(path, ns=(time_ns, time_ns))
    report, encoder = index(library, music)
    assert counts(report) == {"moved": 2, "unchanged": 4}
    assert encoder.analysed_paths == []
    assert (library.find(str(other))[0].id, library.find(str(one))[0].id) == before


def test_a_file_moved_over_another_replaces_it(library: Library, music: Path) -> None:
    """What was overwritten is removed; what took its place has moved."""
    index(library, music)
    source, target = music / "album 0" / "0.wav", music / "album 0" / "2.wav"
    moved = library.find(str(source))[0].id
    lost = library.find(str(target))[0].id
    source.replace(target)
    os.utime(target, ns=(10**18, 10**18))
    report, encoder = index(library, music)
    assert counts(report) == {"moved": 1, "unchanged": 4, "removed": 1}
    assert encoder.analysed_paths == []
    assert library.find(str(target))[0].id == moved
    assert lost not in library.store.ids()


def test_a_copy_is_a_duplicate_and_not_analysed(library: Library, music: Path) -> None:
    """The same recording twice is two tracks of one digest, analysed once."""
    index(library, music)
    copy = write_wav(music / "copy.wav", 0)
    report, encoder = index(library, music)
    assert counts(report) == {"added": 1, "unchanged": 6}
    assert (report.n_duplicates, encoder.analysed_paths) == (1, [])
    digest = library.find(str(copy))[0].audio_digest
    assert len(library.catalogue.tracks_with_digest(digest)) == 2
    assert library.info().n_duplicates == 1


def test_copies_in_one_run_are_analysed_once(library: Library, tmp_path: Path) -> None:
    """Of two copies of a recording in one run, one is encoded."""
    for name in ("a", "b"):
        write_wav(tmp_path / "music" / f"{name}.wav", 1)
    report, encoder = index(library, tmp_path / "music")
    assert (report.added, len(encoder.analysed_paths)) == (2, 1)
    assert len(library) == 2


def test_gone_files_are_marked_and_come_back(library: Library, music: Path, tmp_path: Path) -> None:
    """A track whose file is gone is not found any more, and is again when the file is back."""
    index(library, music)
    path, away = music / "album 0" / "0.wav", tmp_path / "away.wav"
    track_id = library.find(str(path))[0].id
    path.rename(away)
    assert counts(index(library, music)[0]) == {"removed": 1, "unchanged": 5}
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


def test_other_folders_are_left_alone(library: Library, music: Path) -> None:
    """Indexing one folder says nothing about what stands in another."""
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


def test_failures_are_kept_and_retried_when_asked(library: Library, music: Path) -> None:
    """A broken file is listed with its reason each time, and tried again only when asked."""
    broken = write_wav(music / "broken.wav", 1, n_samples=0)
    report, _ = index(library, music)
    assert report.added == 6
    assert [(f.path, f.reason, f.is_known) for f in report.failed] == [
        (str(broken), "no samples", False)
    ]
    report, encoder = index(library, music)
    assert [f.is_known for f in report.failed] == [True]
    assert encoder.analysed_paths == []
    report, encoder = index(library, music, retry_failed=True)
    assert [f.is_known for f in report.failed] == [False]
    assert encoder.analysed_paths == [broken]
    assert [f.path for f in library.failures()] == [str(broken)]


def test_a_mended_file_is_tried_again(library: Library, music: Path) -> None:
    """A failure is forgotten when the file changes and is fine."""
    broken = write_wav(music / "broken.wav", 1, n_samples=0)
    index(library, music)
    write_wav(broken, 50)
    report, _ = index(library, music)
    assert counts(report) == {"added": 1, "unchanged": 6}
    assert (report.failed, library.failures()) == ((), [])


def test_a_failure_goes_with_its_file(library: Library, music: Path) -> None:
    """A broken file that was deleted is no failure any more."""
    broken = write_wav(music / "broken.wav", 1, n_samples=0)
    index(library, music)
    broken.unlink()
    report, _ = index(library, music)
    assert (report.failed, library.failures()) == ((), [])


def test_a_dry_run_changes_nothing(library: Library, music: Path) -> None:
    """A dry run forecasts, encodes nothing, and changes nothing for the next run."""
    index(library, music)
    write_wav(music / "new.wav", 70)
    (music / "album 0" / "0.wav").unlink()
    report, encoder = index(library, music, dry_run=True)
    assert counts(report) == {"added": 1, "removed": 1, "unchanged": 5}
    assert (report.is_dry_run, encoder.analysed_paths) == (True, [])
    assert len(library) == 6


def test_a_dry_run_with_another_model_foresees_the_migration(library: Library, music: Path) -> None:
    """Every track would get a new vector, as the real run then reports."""
    index(library, music)
    write_wav(music / "new.wav", 70)
    options = IndexOptions(dry_run=True)
    foreseen = library.index([music], encoder=ToyEncoder("b"), options=options, migrate=True)
    assert library.catalogue.find_model("b-fingerprint") is None, "a dry run writes no row"
    done = library.index([music], encoder=ToyEncoder("b"), migrate=True)
    assert counts(foreseen) == counts(done) == {"added": 1, "updated": 6}


def test_a_dry_run_needs_no_lock(library: Library, music: Path) -> None:
    """It reads beside a process that is writing."""
    index(library, music)
    with writing(library.folder):
        assert counts(index(library, music, dry_run=True)[0]) == {"unchanged": 6}


def test_a_dry_run_counts_what_an_earlier_run_left_undone(library: Library, music: Path) -> None:
    """A known track without a vector would be added, not left unchanged."""
    index(library, music)
    with library.writing() as catalogue:
        catalogue.vectors.drop([1])
    assert counts(index(library, music, dry_run=True)[0]) == {"added": 1, "unchanged": 5}
    assert counts(index(library, music)[0]) == {"added": 1, "unchanged": 5}


def test_another_model_is_refused_with_both_fingerprints(library: Library, music: Path) -> None:
    """Vectors of two models cannot be compared, so they never mix."""
    index(library, music)
    with pytest.raises(FingerprintMismatch, match=r"toy-fingerprint.*other-fingerprint"):
        index(library, music, ToyEncoder("other"))


def test_migrating_gives_every_track_the_new_models_vector(library: Library, music: Path) -> None:
    """After a migration the library is as if it had been indexed with the new model."""
    index(library, music)
    ids = ids_by_name(library)
    encoder = ToyEncoder("other", size=12)
    report = library.index([music], encoder=encoder, migrate=True)
    assert counts(report) == {"updated": 6}
    assert library.model.fingerprint == "other-fingerprint"
    assert ids_by_name(library) == ids
    assert library.vectors(library.store.ids()).shape == (6, 12)
    assert json.loads((library.folder / "library.json").read_text())["embedding_size"] == 12


def test_an_interrupted_migration_leaves_the_old_vectors(library: Library, music: Path) -> None:
    """Until the new vectors are complete the old ones are searched; a second try goes on."""
    index(library, music)

    class Interrupted(ToyEncoder):
        def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]
            for number, result in enumerate(super().encode_many(paths, **options)):
                if number == 4:
                    raise KeyboardInterrupt
                yield result

    with pytest.raises(KeyboardInterrupt):
        library.index([music], encoder=Interrupted("other"), migrate=True)
    assert library.model.fingerprint == "toy-fingerprint"
    assert len(library) == 6
    encoder = ToyEncoder("other")
    library.index([music], encoder=encoder, migrate=True)
    assert len(encoder.analysed_paths) == 2
    assert library.model.fingerprint == "other-fingerprint"


def test_two_writers_at_once_are_refused(library: Library, music: Path) -> None:
    """The second writer is refused and told of the process that writes; readers go on."""
    index(library, music)
    reader = Library.open(library.folder)
    with writing(library.folder):
        with pytest.raises(LibraryBusy, match=f"process {os.getpid()} is writing"):
            index(library, music)
        assert len(reader) == 6


def test_a_reader_sees_a_consistent_library_while_it_is_written(
    library: Library, music: Path
) -> None:
    """During an index run the old tracks stay searchable."""
    index(library, music)
    write_wav(music / "new.wav", 77)
    seen: list[int] = []

    class Watching(ToyEncoder):
        def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]
            with Library.open(library.folder) as reader:
                seen.append(len(reader))
            yield from super().encode_many(paths, **options)

    index(library, music, Watching())
    assert seen[0] == 6
    assert len(library) == 7


def test_progress_counts_up_to_its_total(library: Library, music: Path) -> None:
    """Each new track is reported once."""
    told: list[IndexProgress] = []
    library.index([music], encoder=ToyEncoder(), on_progress=told.append)
    assert [(p.n_done, p.n_total) for p in told] == [(n, 6) for n in range(1, 7)]


def test_rules_choose_files(library: Library, music: Path) -> None:
    """Patterns leave out by name and by folder."""
    report, _ = index(library, music, rules=ScanRules(exclude=("album 1/*", "0.*")))
    assert report.added == 2


def test_a_missing_folder_is_an_error(library: Library, music: Path) -> None:
    """A folder that is not there makes nothing gone: its disk may not be plugged in."""
    index(library, music)
    music.rename(music.with_name("elsewhere"))
    with pytest.raises(MissingAudio, match="no such file or folder"):
        index(library, music)
    assert len(library) == 6


def test_cue_sheets_make_several_tracks(library: Library, tmp_path: Path) -> None:
    """Parts are tracks of their own, with the sheet's titles, and survive retiming."""
    music = tmp_path / "music"
    write_wav(music / "live.wav", 1, n_samples=80_000)
    sheet = music / "live.cue"
    text = (
        'PERFORMER "Band"\nTITLE "Live"\nFILE "live.wav" WAVE\n'
        '  TRACK 01 AUDIO\n    TITLE "One"\n    INDEX 01 00:00:00\n'
        '  TRACK 02 AUDIO\n    TITLE "Two"\n    INDEX 00 00:03:00\n    INDEX 01 00:04:00\n'
    )
    sheet.write_text(text)
    report, encoder = index(library, music)
    assert (report.added, len(encoder.analysed_paths)) == (2, 2)
    one, two = library.find(str(music / "live.wav"))
    assert (one.title, one.artist, one.album, one.start_seconds) == ("One", "Band", "Live", 0.0)
    assert (two.title, two.start_seconds, two.duration_seconds) == ("Two", 4.0, 6.0)
    assert counts(index(library, music)[0]) == {"unchanged": 2}
    sheet.write_text(text.replace("00:04:00", "00:05:00"))
    report, encoder = index(library, music)
    assert counts(report) == {"updated": 2}
    assert len(encoder.analysed_paths) == 2


def test_names_that_are_no_text_are_indexed(library: Library, tmp_path: Path) -> None:
    """A name of any bytes is kept as it is."""
    music = tmp_path / "music"
    source = write_wav(music / "a\nb \U0001f3b5.wav", 1)
    odd = os.fsencode(music) + b"/\xff\xfe.wav"
    with open(odd, "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write(source.read_bytes())
    report, _ = index(library, music)
    assert report.added == 2
    assert {os.fsencode(track.path) for track in library.all_tracks()} == {
        odd,
        os.fsencode(source),
    }


def test_an_interrupted_run_goes_on(library: Library, music: Path) -> None:
    """Vectors from before an interrupt are kept and not encoded again."""

    class Interrupted(ToyEncoder):
        def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]
            for number, result in enumerate(super().encode_many(paths, **options)):
                if number == 3:
                    raise KeyboardInterrupt
                yield result

    with pytest.raises(KeyboardInterrupt):
        index(library, music, Interrupted())
    assert len(library) == 3
    report, encoder = index(library, music)
    assert (report.added, len(encoder.analysed_paths)) == (3, 3)
    assert report.unchanged == 3


def test_only_the_catalogue_counts(library: Library, music: Path) -> None:
    """The whole library can be made anew from its catalogue."""
    index(library, music)
    ids = library.store.ids()
    before = library.nearest(library.vectors(ids), 6)
    library.close()
    (library.folder / "vectors.faiss").unlink()
    after = library.nearest(library.vectors(ids), 6)
    np.testing.assert_array_equal(after[1], before[1])
    assert sqlite3.connect(library.folder / "catalogue.sqlite").execute(
        "PRAGMA integrity_check"
    ).fetchone() == ("ok",)


def test_a_renamed_folder_keeps_its_ids(library: Library, music: Path) -> None:
    """Its old place is never scanned again, and still no track stands there twice."""
    index(library, music)
    before = ids_by_name(library)
    music.rename(music.with_name("renamed"))
    report, encoder = index(library, music.with_name("renamed"))
    assert counts(report) == {"moved": 6}
    assert encoder.analysed_paths == []
    assert ids_by_name(library) == before
    assert all(Path(track.path).exists() for track in library.all_tracks())


def test_what_the_rules_pass_over_is_not_gone(library: Library, music: Path) -> None:
    """Its file is there, so that neither marks nor prunes it; a file that is not, is gone."""
    index(library, music)
    (music / "album 1" / "5.wav").unlink()
    report, _ = index(library, music, rules=ScanRules(include=("0.wav",)), prune=True)
    assert counts(report) == {"unchanged": 1, "removed": 1}
    report, _ = index(library, music)
    assert counts(report) == {"unchanged": 5}


def test_a_dry_run_foresees_what_prune_forgets(library: Library, music: Path) -> None:
    """What was gone before counts, as it will."""
    index(library, music)
    (music / "album 0" / "0.wav").unlink()
    index(library, music)
    foreseen, _ = index(library, music, prune=True, dry_run=True)
    report, _ = index(library, music, prune=True)
    assert counts(foreseen) == counts(report) == {"unchanged": 5, "removed": 1}
