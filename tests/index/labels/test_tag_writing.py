"""Labels written into the tags of single files, in every format, and taken back."""

from dataclasses import replace
from pathlib import Path

import mutagen
import pytest
from mutagen.id3 import ID3, TCON, TXXX

from embedder.audio.digest import audio_digest
from embedder.errors import AudioError, CorruptArtefact, UsageError
from index.indexing.tags import read_tags
from index.labels.files.tag_writing import (
    check_writable_field,
    read_field,
    restore_field,
    write_field,
)
from tests.index.labels.song_copies import SUFFIXES, copy_of
from tests.index.toy_encoder import write_wav


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("field", ["genre", "mood"])
def test_every_format_is_written_and_restored(
    songs: Path, tmp_path: Path, suffix: str, field: str
) -> None:
    """The library reads the written labels; after undoing, all tags are as before."""
    path = copy_of(songs, suffix, tmp_path)
    before, digest = read_tags(path), audio_digest(path)
    state = read_field(path, field)
    write_field(path, field, ("Café Jazz", "Swing"))
    assert read_field(path, field).labels == ("Café Jazz", "Swing")
    written = [value for name, value in read_tags(path).fields if name == field]
    assert written == ["Café Jazz", "Swing"]
    assert set(before.fields) < set(read_tags(path).fields)
    restore_field(path, field, state)
    assert read_tags(path) == before
    assert audio_digest(path) == digest
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_there_is_replaced_and_comes_back(
    songs: Path, tmp_path: Path, suffix: str
) -> None:
    """Old labels come back with all values, under the same key of the file."""
    path = copy_of(songs, suffix, tmp_path)
    write_field(path, "genre", ("Polka", "Waltz"))
    state = read_field(path, "genre")
    keys = set(mutagen.File(path).tags.keys())
    write_field(path, "genre", ("Rock",))
    assert read_field(path, "genre").labels == ("Rock",)
    restore_field(path, "genre", state)
    assert read_field(path, "genre") == state
    assert set(mutagen.File(path).tags.keys()) == keys


def test_old_id3_stays_old(songs: Path, tmp_path: Path) -> None:
    """A file with ID3v2.3 keeps that version and its other frames; a numbered genre has a name."""
    path = copy_of(songs, ".mp3", tmp_path)
    tags = ID3(path)
    tags.add(TCON(encoding=0, text=["(17)"]))
    tags.add(TXXX(encoding=1, desc="Mine", text=["kept"]))
    tags.update_to_v23()
    tags.save(path, v2_version=3)
    state = read_field(path, "genre")
    assert state.labels == ("Rock",)
    write_field(path, "mood", ("calm", "warm"))
    write_field(path, "genre", ("Jazz",))
    now = ID3(path)
    assert now.version[:2] == (2, 3)
    assert now.getall("TXXX:Mine")[0].text == ["kept"]
    assert read_field(path, "mood").labels == ("calm", "warm")
    restore_field(path, "genre", state)
    assert read_field(path, "genre").labels == ("Rock",)


def test_a_file_without_tags_is_without_again(tmp_path: Path) -> None:
    """Undoing removes the tags that writing added."""
    path = write_wav(tmp_path / "bare.wav", 1)
    before = path.read_bytes()
    state = read_field(path, "genre")
    write_field(path, "genre", ("Rock",))
    restore_field(path, "genre", state)
    assert path.read_bytes() == before


def test_links_stay_links_and_modes_stay(tmp_path: Path) -> None:
    """The file behind a link is changed, and keeps its permissions."""
    real = write_wav(tmp_path / "real.wav", 1)
    real.chmod(0o640)
    link = tmp_path / "link.wav"
    link.symlink_to(real)
    write_field(link, "genre", ("Rock",))
    assert link.is_symlink()
    assert read_field(real, "genre").labels == ("Rock",)
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A read-only file, text, a file that is not there, and fields that are no words."""
    path = write_wav(tmp_path / "song.wav", 1)
    path.chmod(0o444)
    with pytest.raises(AudioError, match="read-only"):
        write_field(path, "genre", ("Rock",))
    text = tmp_path / "text.mp3"
    text.write_text("words")
    with pytest.raises(AudioError, match="tags"):
        write_field(text, "genre", ("Rock",))
    with pytest.raises(AudioError, match="no such file"):
        write_field(tmp_path / "none.wav", "genre", ("Rock",))
    with pytest.raises(UsageError, match="the field year holds no text"):
        check_writable_field("year")


@pytest.mark.parametrize("frame", ["ZZZZ", "APIC", "genre"])
def test_an_unknown_frame_in_a_journal_is_corrupt(songs: Path, tmp_path: Path, frame: str) -> None:
    """A journal that names a frame without text is refused, and the file stays as it is."""
    path = copy_of(songs, ".mp3", tmp_path)
    data = path.read_bytes()
    state = replace(read_field(path, "genre"), raw={frame: ["x"]})
    with pytest.raises(CorruptArtefact, match=f"{frame!r} is no text frame"):
        restore_field(path, "genre", state)
    assert path.read_bytes() == data
