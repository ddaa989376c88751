"""Bringing a library up to date: what costs an analysis, and what does not."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from index.indexing.request import ScanRules
from index.indexing.results import IndexProgress
from index.indexing.run import index_into
from index.library import Library
from tests.index.indexing.index_runs import counts, index
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav


def test_new_files_are_analysed_and_can_be_searched(library: Library, music: Path) -> None:
    """Each new file becomes a track that is its own nearest neighbour."""
    report, encoder = index(library, music)
    assert counts(report) == {"added": 6}
    assert len(encoder.analysed_paths) == 6
    ids = library.store.ids()
    distances, nearest_ids = library.nearest(library.vectors(ids), 1)
    assert nearest_ids[:, 0].tolist() == ids.tolist()
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


def test_a_retagged_file_is_not_analysed(library: Library, music: Path) -> None:
    """New tags are taken over without an analysis."""
    index(library, music)
    path = music / "album 0" / "0.wav"
    tag_wav(path, genre="blues")
    report, encoder = index(library, music)
    assert counts(report) == {"updated": 1, "unchanged": 5}
    assert encoder.analysed_paths == []
    assert library.tracks_named(str(path))[0].genre == "blues"
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
    track = library.tracks_named(str(path))[0]
    before = library.vectors([track.id])
    write_wav(path, 99)
    report, encoder = index(library, music)
    assert counts(report) == {"updated": 1, "unchanged": 5}
    assert encoder.analysed_paths == [path]
    assert library.tracks_named(str(path))[0].id == track.id
    assert not np.allclose(library.vectors([track.id]), before)


def test_progress_counts_up_to_its_total(library: Library, music: Path) -> None:
    """Each new track is reported once."""
    steps: list[IndexProgress] = []
    library.index([music], encoder=ToyEncoder(), on_progress=steps.append)
    assert [(p.n_done, p.n_total) for p in steps] == [(n, 6) for n in range(1, 7)]
    assert steps[-1].n_quick == 0


def test_copies_and_new_tags_count_as_quick(library: Library, music: Path) -> None:
    """Only what the model encodes is work; a scan ends with the number of tracks to do."""
    index(library, music)
    shutil.copy(next(music.rglob("*.wav")), music / "copy.wav")
    write_wav(music / "new.wav", 99)
    steps: list[IndexProgress] = []
    scans: list[tuple[int, int | None]] = []
    report = index_into(
        library,
        [music],
        encoder=ToyEncoder(),
        on_progress=steps.append,
        on_scan=lambda n_files, n_tracks: scans.append((n_files, n_tracks)),
    )
    assert (report.added, steps[-1].n_done, steps[-1].n_quick) == (2, 2, 1)
    assert scans[-1] == (8, 2)
    assert scans[0][1] is None


def test_rules_choose_files(library: Library, music: Path) -> None:
    """Patterns leave out by name and by folder."""
    report, _ = index(library, music, rules=ScanRules(exclude=("album 1/*", "0.*")))
    assert report.added == 2


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
    first, second = library.tracks_named(str(music / "live.wav"))
    assert (first.title, first.artist, first.album, first.start_seconds) == (
        "One",
        "Band",
        "Live",
        0.0,
    )
    assert (second.title, second.start_seconds, second.duration_seconds) == ("Two", 4.0, 6.0)
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
