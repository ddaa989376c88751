"""Scanning: what is found, what is left out, and that it always ends."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.errors import MissingAudio
from index.indexing.cue import decode_cue, parse_cue
from index.indexing.request import ScanRules
from index.indexing.scan import scan, storable_time


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(folder: Path, *, rules: ScanRules | None = None) -> set[str]:
    files = scan([folder], rules=rules)
    return {os.fsdecode(path)[len(str(folder)) + 1 :] for path in files.files}


def test_audio_is_found_by_its_suffix(tmp_path: Path) -> None:
    """At any depth, in any case; other files are left out."""
    make(tmp_path, "a.mp3", "b/c/d.FLAC", "cover.jpg", "notes", "e.opus.txt")
    assert names(tmp_path) == {"a.mp3", "b/c/d.FLAC"}


def test_hidden_files_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    """Hidden files and folders are left out; macOS writes such a file beside every song."""
    make(tmp_path, ".a.mp3", ".trash/b.mp3", "._c.mp3", "d.mp3")
    assert names(tmp_path) == {"d.mp3"}
    assert len(names(tmp_path, rules=ScanRules(with_hidden=True))) == 4


def test_link_loops_end(tmp_path: Path) -> None:
    """A folder is entered once, however many links lead to it."""
    make(tmp_path, "a/b/c.mp3")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "broken.mp3").symlink_to(tmp_path / "nowhere.mp3")
    assert len(names(tmp_path)) == 1


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    """A collection may be spread over disks."""
    make(tmp_path / "disk", "a.mp3")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "link").symlink_to(tmp_path / "disk")
    assert names(tmp_path / "music") == {"link/a.mp3"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (ScanRules(include=("*.mp3",)), {"a.mp3", "live/c.mp3"}),
        (ScanRules(exclude=("live",)), {"a.mp3", "b.ogg"}),
        (ScanRules(exclude=("live/*.mp3",)), {"a.mp3", "b.ogg"}),
        (ScanRules(include=("live/*",)), {"live/c.mp3"}),
        (ScanRules(include=("*.mp3",), exclude=("a.*",)), {"live/c.mp3"}),
    ],
)
def test_patterns_choose(tmp_path: Path, rules: ScanRules, expected: set[str]) -> None:
    """Patterns speak of names and of paths below the scanned folder."""
    make(tmp_path, "a.mp3", "b.ogg", "live/c.mp3")
    assert names(tmp_path, rules=rules) == expected


def test_folders_and_pipes_with_a_songs_name_are_no_songs(tmp_path: Path) -> None:
    """Only regular files are taken, and a pipe is never opened."""
    make(tmp_path, "folder.mp3/inside.mp3")
    os.mkfifo(tmp_path / "pipe.mp3")
    assert names(tmp_path) == {"folder.mp3/inside.mp3"}


def test_a_pipe_named_itself_is_told(tmp_path: Path) -> None:
    """A pipe is reported as unreadable."""
    os.mkfifo(tmp_path / "pipe.mp3")
    scanned = scan([tmp_path / "pipe.mp3"])
    assert not scanned.files
    ((path, reason),) = scanned.unreadable
    assert path == os.fsencode(tmp_path / "pipe.mp3")
    assert "not a regular file" in reason


def test_a_file_named_itself_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    """A file that is named is taken, whatever its suffix."""
    make(tmp_path, "song.strange")
    assert len(scan([tmp_path / "song.strange"]).files) == 1


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """The message names the missing folder."""
    with pytest.raises(MissingAudio, match="nowhere: no such file or folder"):
        scan([tmp_path / "nowhere"])


def test_overlapping_folders_are_scanned_once(tmp_path: Path) -> None:
    """A folder inside another adds nothing."""
    make(tmp_path, "a/b.mp3")
    assert len(scan([tmp_path, tmp_path / "a"]).files) == 1


def test_a_sheet_splits_its_file(tmp_path: Path) -> None:
    """The file itself is no track then; a sheet of a missing file does nothing."""
    make(tmp_path, "album.flac", "b.flac")
    (tmp_path / "album.cue").write_text(
        'FILE "album.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'
        "TRACK 02 AUDIO\nINDEX 01 01:02:37\n"
    )
    (tmp_path / "other.cue").write_text('FILE "gone.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00')
    scanned = scan([tmp_path])
    assert [os.fsdecode(path).rpartition("/")[2] for path in scanned.files] == ["b.flac"]
    assert [(p.cue.number, p.cue.start_seconds, p.cue.end_seconds) for p in scanned.parts] == [
        (1, 0.0, 62 + 37 / 75),
        (2, 62 + 37 / 75, None),
    ]


def test_a_sheets_words_are_read() -> None:
    """Titles, performers, album, genre and year, with the sheet's own where a track has none."""
    text = (
        'REM GENRE "Post Rock"\nREM DATE 1999\nPERFORMER "Band"\nTITLE "Album"\n'
        'FILE "a b.wav" WAVE\n TRACK 01 AUDIO\n  TITLE "One"\n  INDEX 01 00:00:00\n'
        ' TRACK 02 AUDIO\n  TITLE "Two"\n  PERFORMER "Guest"\n  INDEX 01 03:00:00\n'
    )
    first, second = parse_cue(text)
    assert (first.file_name, first.title, first.artist, first.album) == (
        "a b.wav",
        "One",
        "Band",
        "Album",
    )
    assert (second.title, second.artist, second.genre, second.year) == (
        "Two",
        "Guest",
        "Post Rock",
        1999,
    )


@given(st.binary(max_size=300))
def test_anything_may_stand_in_a_sheet(data: bytes) -> None:
    """Whatever the bytes, reading them ends without an error."""
    parse_cue(decode_cue(data))


@pytest.mark.parametrize("year", [1650, 2400])
def test_a_time_of_change_that_sqlite_cannot_hold_is_stored_as_its_limit(
    year: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file from a far year is taken, with the nearest time that a database column holds."""
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF")
    time_ns = (year - 1970) * 31_556_952 * 10**9
    assert abs(storable_time(time_ns)) <= 2**63
    assert storable_time(10**18) == 10**18
    monkeypatch.setattr("index.indexing.scan.storable_time", lambda _: 7)
    assert scan([tmp_path]).files == {os.fsencode(path): (4, 7)}
