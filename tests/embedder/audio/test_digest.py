"""The audio digest ignores tags and nothing else."""

import random
import shutil
import time
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import APIC, ID3, TIT2

from embedder.audio.digest import audio_digest, audio_size, part_digest
from embedder.audio.writing import write_audio
from embedder.errors import MissingAudio, NotAnAudioFile

FORMATS = ("mp3", "flac", "ogg", "opus", "m4a", "wav")
SAMPLE_RATE = 48_000


def tones(*, level: float = 0.3, seconds: float = 1.5) -> np.ndarray:
    """A chord: float32 [1, samples]"""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * hz * times) for hz in (220.0, 277.2, 329.6))
    return (level * chord[None] / 3).astype(np.float32)


@pytest.fixture(scope="module", params=FORMATS)
def song(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / f"song.{request.param}"
    try:
        write_audio(path, tones(), SAMPLE_RATE)
    except Exception as error:  # noqa: BLE001 - whatever the encoder says, the format is lacking
        pytest.skip(f"{request.param} cannot be written here: {error}")
    return path


def retag(path: Path, *, length: int) -> None:
    """Write tags, and a picture if the format allows one, of about the given length."""
    audio = mutagen.File(path)
    if audio.tags is None:
        audio.add_tags()
    text = "".join(random.Random(length).choices("abcdefgh ", k=length))
    if isinstance(audio.tags, ID3):
        audio.tags.add(TIT2(encoding=3, text=text))
        audio.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=b"x" * length))
    elif path.suffix == ".m4a":
        audio.tags["\xa9nam"] = text
    else:
        audio.tags["title"] = text
        audio.tags["comment"] = text
    audio.save()


@pytest.mark.parametrize("length", [5, 3000, 300_000])
def test_retagging_keeps_the_digest(song: Path, tmp_path: Path, length: int) -> None:
    """Neither short tags nor long ones, which move the audio in the file, change the digest."""
    copy = Path(shutil.copy(song, tmp_path / f"renamed{song.suffix}"))
    before = audio_digest(copy)
    assert before == audio_digest(song)
    retag(copy, length=length)
    assert copy.read_bytes() != song.read_bytes()
    assert audio_digest(copy) == before
    retag(copy, length=10)
    assert audio_digest(copy) == before


def test_retagging_keeps_the_size_of_the_audio(song: Path, tmp_path: Path) -> None:
    """Files with equal digests have equal sizes, so files of unique sizes need no digest."""
    copy = Path(shutil.copy(song, tmp_path / song.name))
    retag(copy, length=3000)
    assert audio_size(copy) == audio_size(song)
    assert 0 < audio_size(song) <= song.stat().st_size


def test_other_samples_change_the_digest(song: Path, tmp_path: Path) -> None:
    """The same chord at another level has another digest."""
    copy = tmp_path / song.name
    write_audio(copy, tones(level=0.31), SAMPLE_RATE)
    assert audio_digest(copy) != audio_digest(song)


def test_a_changed_byte_of_audio_changes_the_digest(song: Path, tmp_path: Path) -> None:
    """The byte is near the end of the file, which is audio in all of these formats."""
    data = bytearray(song.read_bytes())
    place = data.rfind(b"mdat") + 100 if song.suffix == ".m4a" else len(data) - 200
    data[place] ^= 0xFF
    copy = tmp_path / song.name
    copy.write_bytes(data)
    assert audio_digest(copy) != audio_digest(song)


def test_the_end_of_an_ogg_file_counts(tmp_path: Path) -> None:
    """The last page has the final sample position, which is part of the audio."""
    path = tmp_path / "song.ogg"
    write_audio(path, tones(), SAMPLE_RATE)
    data = bytearray(path.read_bytes())
    position = data.rfind(b"OggS") + 6
    data[position] ^= 0x10
    shorter = tmp_path / "shorter.ogg"
    shorter.write_bytes(data)
    assert audio_digest(shorter) != audio_digest(path)


def test_ape_and_old_id3_tags_are_left_out(tmp_path: Path) -> None:
    """Tags at the end of an MP3 file do not change the digest."""
    path = tmp_path / "song.mp3"
    write_audio(path, tones(), SAMPLE_RATE)
    before = audio_digest(path)
    tags = APEv2()
    tags["Title"] = "A title"
    tags.save(path)
    assert audio_digest(path) == before
    with path.open("ab") as file:
        file.write(b"TAG" + b"old title".ljust(125, b"\0"))
    assert audio_digest(path) == before


@pytest.mark.parametrize("seed", range(12))
def test_broken_containers_have_a_digest(song: Path, tmp_path: Path, seed: int) -> None:
    """Cut and scrambled files get a digest quickly, and the same one each time."""
    rng = random.Random(seed)
    data = bytearray(song.read_bytes()[: rng.randrange(1, song.stat().st_size)])
    for _ in range(rng.randrange(8)):
        data[rng.randrange(min(len(data), 400))] = rng.randrange(256)
    path = tmp_path / song.name
    path.write_bytes(data)
    started = time.process_time()
    assert audio_digest(path) == audio_digest(path)
    assert time.process_time() - started < 2


def test_parts_differ_from_each_other_and_from_the_whole() -> None:
    """Parts of a recording have digests of their own."""
    whole_digest = bytes(16)
    parts = {
        whole_digest,
        part_digest(whole_digest, 0, 10),
        part_digest(whole_digest, 10, 20),
        part_digest(whole_digest, 10, None),
    }
    assert len(parts) == 4


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    """The error names a folder or a missing file."""
    with pytest.raises(NotAnAudioFile, match="not a file"):
        audio_digest(tmp_path)
    with pytest.raises(MissingAudio, match="no such file"):
        audio_digest(tmp_path / "nothing.mp3")
