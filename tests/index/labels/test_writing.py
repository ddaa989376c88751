"""Labels written into the files of a library, and taken back by the journal."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from embedder.audio.digest import audio_digest
from embedder.errors import CorruptArtefact, NotFound
from index.catalogue.records import TrackRecord
from index.indexing.tags import read_tags
from index.labels.files.journal import read_journal
from index.labels.files.tag_writing import (
    read_field,
    write_field,
)
from index.labels.files.writing import TagChange, plan_changes, undo_labels, write_labels
from index.labels.labelling import label_tracks
from index.labels.request import LabelRequest
from index.labels.results import LabelVote
from index.library import Library
from tests.index.labels.song_copies import copy_of
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

ROOT = Path(__file__).parents[3]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Twelve tracks, of which the last four have no genre."""
    for number in range(12):
        path = write_wav(tmp_path / "music" / f"{number:02}.wav", number)
        tag_wav(path, artist=f"Artist {number}", title=f"Song {number}")
        if number < 8:
            tag_wav(path, genre=("Folk", "Rock")[number % 2])
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=ToyEncoder())
    return library


def votes_on(library: Library, *ids: int) -> tuple[LabelVote, ...]:
    return label_tracks(library, LabelRequest(tuple(map(str, ids)))).votes


def test_a_plan_writes_nothing_and_keeps_what_is_there(library: Library, tmp_path: Path) -> None:
    """Old labels stay unless they are to be replaced; a label that is there is no change."""
    before = {path: path.read_bytes() for path in (tmp_path / "music").iterdir()}
    votes = votes_on(library, 1, 2, 9, 9)
    changes = plan_changes(votes)
    assert [change.action for change in changes[2:]] == ["write"]
    for change in changes[:2]:
        assert change.action == ("same" if change.old == change.new else "keep")
    replaced = plan_changes(votes, replace_old=True)
    assert {change.action for change in replaced} <= {"same", "write"}
    assert {path: path.read_bytes() for path in (tmp_path / "music").iterdir()} == before


def test_written_labels_are_in_the_files_and_the_catalogue(library: Library) -> None:
    """Each file has its new label as a tag, and the catalogue knows it at once."""
    changes = plan_changes(votes_on(library, 9, 10, 11, 12))
    report = write_labels(library, changes)
    assert report.n_written == 4
    for change in changes:
        assert read_field(Path(change.path), "genre").labels == change.new
    assert library.track(9).genre == changes[0].new[0]
    assert library.catalogue.field_values("genre")[9] == changes[0].new
    assert library.verify() == []


def test_undone_labels_are_gone(library: Library) -> None:
    """The journal, in the library's folder, restores each file; a second undo changes nothing."""
    report = write_labels(library, plan_changes(votes_on(library, 9, 10, 11, 12)))
    assert report.journal is not None and report.journal.parent == library.folder
    undone = undo_labels(library, report.journal)
    assert [change.action for change in undone.changes] == ["restore"] * 4
    assert library.track(9).genre == ""
    again = undo_labels(library, report.journal)
    assert [change.action for change in again.changes] == ["same"] * 4


def test_written_and_undone_files_are_not_analysed_again(library: Library, tmp_path: Path) -> None:
    """After writing and after undoing, the next scan finds every file unchanged."""
    report = write_labels(library, plan_changes(votes_on(library, 9, 10, 11, 12)))
    encoder = ToyEncoder()
    rescan = library.index([tmp_path / "music"], encoder=encoder)
    assert (rescan.unchanged, rescan.updated, encoder.analysed_paths) == (12, 0, [])
    assert report.journal is not None
    undo_labels(library, report.journal)
    rescan = library.index([tmp_path / "music"], encoder=encoder)
    assert (rescan.unchanged, rescan.updated, encoder.analysed_paths) == (12, 0, [])


def test_the_journal_says_what_was_and_what_is(library: Library) -> None:
    """The journal has a line of JSON for each file."""
    (change,) = plan_changes(votes_on(library, 9))
    report = write_labels(library, [change])
    assert report.journal is not None
    (line,) = report.journal.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["path"], entry["field"]) == (change.path, "genre")
    assert (entry["old"], entry["new"]) == ([], list(change.new))
    assert entry["time"].startswith("20")


def test_one_bad_file_does_not_stop_the_others(library: Library, tmp_path: Path) -> None:
    """Read-only, gone or changed meanwhile: each is a failure with a reason."""
    changes = plan_changes(votes_on(library, 9, 10, 11, 12))
    (tmp_path / "music" / "08.wav").chmod(0o444)
    (tmp_path / "music" / "09.wav").unlink()
    tag_wav(tmp_path / "music" / "10.wav", genre="Mine")
    report = write_labels(library, changes)
    reasons = [failure.reason for failure in report.failed]
    assert len(reasons) == 3
    assert "read-only" in reasons[0]
    assert "cannot be read" in reasons[1]
    assert "changed since the preview" in reasons[2]
    assert [change.action for change in report.changes] == ["fail", "fail", "fail", "written"]
    assert report.journal is not None
    undone = undo_labels(library, report.journal)
    assert not undone.failed


def test_what_changed_since_is_not_undone(library: Library, tmp_path: Path) -> None:
    """Another label, another recording or no file at all: left alone, with the reason."""
    changes = plan_changes(votes_on(library, 9, 10, 11, 12))
    report = write_labels(library, changes)
    assert report.journal is not None
    music = tmp_path / "music"
    tag_wav(music / "08.wav", genre="Mine")
    write_wav(music / "09.wav", 4711)
    (music / "10.wav").unlink()
    tag_wav(music / "11.wav", title="A new title")
    undone = undo_labels(library, report.journal)
    reasons = {Path(failure.path).name: failure.reason for failure in undone.failed}
    assert "changed since: it is Mine" in reasons["08.wav"]
    assert "another recording" in reasons["09.wav"]
    assert set(reasons) == {"08.wav", "09.wav", "10.wav"}
    assert read_field(music / "08.wav", "genre").labels == ("Mine",)
    assert read_field(music / "11.wav", "genre").labels == ()
    assert read_tags(music / "11.wav").title == "A new title"


def test_an_empty_plan_leaves_no_journal(library: Library) -> None:
    """An empty plan writes no journal, and a dry run of undoing changes no file."""
    changes = plan_changes(votes_on(library, 1))
    assert write_labels(library, changes).journal is None
    assert not list(library.folder.glob("*.jsonl"))
    report = write_labels(library, plan_changes(votes_on(library, 9)))
    assert report.journal is not None
    foreseen = undo_labels(library, report.journal, dry_run=True)
    assert [change.action for change in foreseen.changes] == ["restore"]
    assert read_field(Path(foreseen.changes[0].path), "genre").labels


def test_bad_journals(library: Library, tmp_path: Path) -> None:
    """A missing or invalid journal is refused; a last line that a crash cut off is ignored."""
    with pytest.raises(NotFound, match="no such journal"):
        undo_labels(library, tmp_path / "none.jsonl")
    journal = tmp_path / "journal.jsonl"
    journal.write_text('{"path": "x"}\n')
    with pytest.raises(CorruptArtefact, match="line 1"):
        undo_labels(library, journal)
    report = write_labels(library, plan_changes(votes_on(library, 9, 10)))
    assert report.journal is not None
    whole = report.journal.read_bytes()
    first = whole.index(b"\n") + 1
    journal.write_bytes(whole[: first + 20])
    assert len(read_journal(journal)) == 1


CRASHING = """
import os, sys
from dataclasses import replace
from pathlib import Path
import index.labels.files.tag_writing as writing
from index.labels.files.writing import TagChange, write_labels
from index.library import Library

n_left = int(sys.argv[3])

def die_at(name, real):
    def wrapped(*given, **named):
        global n_left
        n_left -= 1
        if n_left == 0:
            os.kill(os.getpid(), 9)
        return real(*given, **named)
    return wrapped

writing.audio_digest = die_at("digest", writing.audio_digest)
writing._change_tags = die_at("change", writing._change_tags)
os.fsync = die_at("fsync", os.fsync)
Path.replace = die_at("replace", Path.replace)
music = Path(sys.argv[2])
changes = [
    TagChange(str(music / f"{n:02}.wav"), "genre", (), ("Polka",), "write") for n in (8, 9)
]
write_labels(Library.open(Path(sys.argv[1])), changes)
"""


def test_a_crash_at_any_moment_can_be_undone(library: Library, tmp_path: Path) -> None:
    """Every file is whole and has the old or the new label, and the journal takes it back."""
    music = tmp_path / "music"
    library.close()
    before = {path.name: (read_tags(path), audio_digest(path)) for path in music.iterdir()}
    for moment in (1, 4, 6, 9, 13):
        line = [sys.executable, "-c", CRASHING, str(library.folder), str(music), str(moment)]
        ended = subprocess.run(line, cwd=ROOT, check=False, stderr=subprocess.PIPE)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()
        for path in music.glob("[0-9]*.wav"):
            tags, digest = before[path.name]
            assert audio_digest(path) == digest
            assert read_tags(path).title == tags.title
            assert read_tags(path).genre in (tags.genre, "Polka")
        for journal in library.folder.glob("*.jsonl"):
            assert not undo_labels(library, journal).failed
            journal.unlink()
        assert {p.name: (read_tags(p), audio_digest(p)) for p in music.glob("*.wav")} == before
    encoder = ToyEncoder()
    library.index([music], encoder=encoder)
    assert encoder.analysed_paths == []


def test_paths_that_are_no_text(tmp_path: Path) -> None:
    """A name that is not UTF-8 goes through the journal and back."""
    name = os.fsdecode(b"caf\xe9.wav")
    path = write_wav(tmp_path / "music" / name, 1)
    tag_wav(write_wav(tmp_path / "music" / "other.wav", 2), genre="Rock")
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=ToyEncoder())
    change = TagChange(str(path), "genre", (), ("Jazz",), "write")
    report = write_labels(library, [change])
    assert report.n_written == 1
    assert report.journal is not None
    assert undo_labels(library, report.journal).to_json()["restored"] == 1


def test_the_order_of_several_labels_is_no_change(songs: Path, tmp_path: Path) -> None:
    """The vote lists labels by probability, and the file lists them as somebody wrote them."""
    path = copy_of(songs, ".flac", tmp_path)
    write_field(path, "mood", ("calm", "warm"))
    track = TrackRecord(id=1, path=str(path), title="Old song")
    vote = LabelVote(track, "mood", "warm", ("warm", "calm"), 0.9, {"warm": 0.9, "calm": 0.8}, ())
    (change,) = plan_changes([vote], replace_old=True)
    assert (change.action, change.old) == ("same", ("calm", "warm"))
    (other,) = plan_changes([replace(vote, labels=("warm",))], replace_old=True)
    assert other.action == "write"


def test_another_order_of_labels_is_undone(songs: Path, tmp_path: Path, library: Library) -> None:
    """Another program has sorted the labels, before they were written and after it."""
    path = copy_of(songs, ".flac", tmp_path)
    write_field(path, "mood", ("dark", "cold"))
    change = TagChange(str(path), "mood", ("cold", "dark"), ("warm", "calm"), "write")
    report = write_labels(library, [change])
    assert report.n_written == 1, report.failed
    write_field(path, "mood", ("calm", "warm"))
    assert report.journal is not None
    undone = undo_labels(library, report.journal)
    assert [undo.action for undo in undone.changes] == ["restore"]
    assert read_field(path, "mood").labels == ("dark", "cold")


@pytest.mark.parametrize("line", ["[" * 100_000, "{", "[]", "3", '{"path": "a"}'])
def test_broken_lines_of_a_journal_are_corrupt(tmp_path: Path, line: str) -> None:
    """Nested too deeply, not JSON, or no entry: the line is named."""
    (tmp_path / "labels-1.jsonl").write_text(f"{line}\n")
    with pytest.raises(CorruptArtefact, match="line 1 is not an entry"):
        read_journal(tmp_path / "labels-1.jsonl")
