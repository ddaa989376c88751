"""Tags of every format under one set of names."""

import base64
import os
import threading
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.id3 import COMM, TCON, TDRC, TIT2, TPE1, TRCK, TXXX

from embedder.audio.writing import write_audio
from embedder.datasets.file_tags import read_file_tags
from index.indexing.tags import as_file_tags, read_tags

SILENCE = np.full((1, 24_000), 0.1, dtype=np.float32)


@pytest.mark.parametrize("suffix", ["mp3", "wav"])
def test_id3(tmp_path: Path, suffix: str) -> None:
    """Frames, user-defined frames and numbered genres; comments are left out."""
    path = tmp_path / f"a.{suffix}"
    write_audio(path, SILENCE, 24_000)
    audio = mutagen.File(path)
    if audio.tags is None:
        audio.add_tags()
    for frame in (
        TIT2(encoding=3, text="Song"),
        TPE1(encoding=3, text=["One", "Two"]),
        TCON(encoding=3, text=["(17)", "Dub"]),
        TDRC(encoding=3, text="1977-05-01"),
        TRCK(encoding=3, text="3/12"),
        TXXX(encoding=3, desc="MOOD", text=["calm"]),
        COMM(encoding=3, lang="eng", desc="", text="noise"),
    ):
        audio.tags.add(frame)
    audio.save()
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.genre) == ("Song", "One; Two", "Rock; Dub")
    assert (tags.year, tags.track_number) == (1977, 3)
    assert ("mood", "calm") in tags.fields
    assert {"artist", "date", "genre", "mood", "title", "tracknumber", "year"} == {
        field for field, _ in tags.fields
    }
    assert tags.duration_seconds == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "opus"])
def test_vorbis_comments(tmp_path: Path, suffix: str) -> None:
    """Any field, with all its values; pictures in text form are left out."""
    path = tmp_path / f"a.{suffix}"
    write_audio(path, SILENCE, 24_000)
    audio = mutagen.File(path)
    audio["TITLE"] = "Song"
    audio["genre"] = ["jazz", "dub"]
    audio["organization"] = "A Label"
    audio["metadata_block_picture"] = base64.b64encode(bytes(2000)).decode()
    audio.save()
    tags = read_tags(path)
    assert (tags.title, tags.genre) == ("Song", "jazz; dub")
    assert ("label", "A Label") in tags.fields
    assert "metadata_block_picture" not in dict(tags.fields)


def test_the_encoder_is_no_field(tmp_path: Path) -> None:
    """The program that wrote a file is no field to vote or filter on."""
    path = tmp_path / "a.ogg"
    write_audio(path, SILENCE, 24_000)
    audio = mutagen.File(path)
    audio["encoder"] = "Lavf61"
    audio["mood"] = "calm"
    audio.save()
    assert read_tags(path).fields == (("mood", "calm"),)


def test_mp4(tmp_path: Path) -> None:
    """Atoms, and the freeform ones that taggers use for moods."""
    path = tmp_path / "a.m4a"
    write_audio(path, SILENCE, 24_000)
    audio = mutagen.File(path)
    audio["\xa9nam"] = "Song"
    audio["\xa9gen"] = "jazz"
    audio["trkn"] = [(4, 9)]
    audio["----:com.apple.iTunes:MOOD"] = [b"calm"]
    audio.save()
    tags = read_tags(path)
    assert (tags.title, tags.genre, tags.track_number) == ("Song", "jazz", 4)
    assert ("mood", "calm") in tags.fields


@pytest.mark.parametrize("data", [b"", b"text", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"fLaC" * 9])
def test_broken_files_have_no_tags(tmp_path: Path, data: bytes) -> None:
    """A file with unreadable audio can still have tags."""
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    assert read_tags(path).fields == ()


@pytest.mark.parametrize("read", [read_tags, read_file_tags])
def test_nobody_waits_for_a_pipe(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """A pipe without a writer has no tags, and is not waited for."""
    pipe = tmp_path / "pipe.mp3"
    os.mkfifo(pipe)
    answers: list[object] = []
    reader = threading.Thread(target=lambda: answers.append(read(pipe)), daemon=True)
    reader.start()
    reader.join(20)
    assert len(answers) == 1


def test_odd_years_and_numbers() -> None:
    """A value that is no number is ignored."""
    tags = as_file_tags({"date": ["unknown", "1999?"], "tracknumber": ["A1"]}, None)
    assert (tags.year, tags.track_number) == (1999, None)
