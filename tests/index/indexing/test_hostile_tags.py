"""Tags beyond every measure are left out, quickly, and the run says so."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest

from embedder.audio.tag_limits import MAX_TAGS
from embedder.audio.writing import write_audio
from embedder.datasets.file_tags import read_file_tags
from index.indexing.tags import as_file_tags, field_of, read_tags, texts_of
from index.library import Library
from tests.embedder.hostile_files import (
    TAGGED,
    add_chunks,
    add_flac_comments,
    add_id3_chunk,
    add_matroska_tags,
    add_tags,
    compressed_frame,
    id3_header,
    txxx_frames,
    write_noise,
)
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav
from tests.peak_memory import run_and_measure

NOISE = (0.1 * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32)


def flac_of_comments(path: Path, n_comments: int) -> Path:
    """A FLAC with so many comments."""
    write_audio(path, NOISE, 48_000)
    return add_flac_comments(path, n_comments)


def mp3_of_frames(path: Path, body: bytes) -> Path:
    """An MP3 behind an ID3 tag of version 2.3."""
    write_audio(path, NOISE, 48_000)
    path.write_bytes(id3_header(body, version=3) + path.read_bytes())
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "comments.flac": lambda path: flac_of_comments(path, 300_000),
    "frames.mp3": lambda path: mp3_of_frames(path, txxx_frames(200_000)),
    "unpacked.mp3": lambda path: mp3_of_frames(path, compressed_frame(605_000_000)),
    **{f"tags{suffix}": lambda path: add_tags(write_noise(path), 6000) for suffix in TAGGED},
    "chunks.wav": lambda path: add_chunks(write_noise(path), 6000),
    "frames.aiff": lambda path: add_id3_chunk(write_noise(path), txxx_frames(200_000)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_hostile_tags_are_left_out_with_a_reason(name: str, tmp_path: Path) -> None:
    """Hundreds of thousands of tags, and a frame that unpacks to 300 MB, take no time."""
    path = MAKERS[name](tmp_path / name)
    started = time.process_time()
    tags = read_tags(path)
    assert time.process_time() - started < 1.0
    assert tags.fields == ()
    assert tags.problem.endswith("its tags are left out")


@pytest.mark.parametrize("name", MAKERS)
def test_a_data_set_reads_no_hostile_tags(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Training reads such a file without its tags, and warns."""
    path = MAKERS[name](tmp_path / name)
    started = time.process_time()
    tags = read_file_tags(path)
    assert time.process_time() - started < 1.0
    assert tags.title == ""
    assert f"{path}: it has" in caplog.text


def test_one_tag_of_many_values_is_left_out(tmp_path: Path) -> None:
    """A single APE tag can have thousands of texts."""
    path = write_noise(tmp_path / "song.wv")
    file = mutagen.File(path)
    file.tags["Mood"] = [str(number) for number in range(5001)]
    file.save()
    tags = read_tags(path)
    assert tags.problem == "it has more than 5000 values of tags: its tags are left out"


def test_a_tag_reader_that_fails_in_any_way_gives_no_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boxes nested too deeply end mutagen with a RecursionError; the audio may still be sound."""

    def fail(_: Path) -> None:
        raise RecursionError

    path = write_wav(tmp_path / "song.wav", 1)
    monkeypatch.setattr(mutagen, "File", fail)
    assert read_tags(path).fields == ()
    assert read_tags(path).problem == ""


def test_lone_surrogates_in_names_and_values_are_replaced(tmp_path: Path) -> None:
    """They cannot be stored as text. A file with such tags is indexed."""
    text = "\ud800x".encode("utf-16-le", "surrogatepass")
    (tmp_path / "music").mkdir()
    frames = b"".join(
        name + len(content).to_bytes(4, "big") + b"\0\0" + content
        for name, content in (
            (b"TIT2", b"\x01\xff\xfe" + text),
            (b"TXXX", b"\x01\xff\xfe" + text + b"\0\0\xff\xfe" + text),
        )
    )
    wav = add_id3_chunk(write_wav(tmp_path / "music" / "song.wav", 1), frames)
    named = as_file_tags({field_of("m\ud800od", "") or "": texts_of(["ca\udfffm"])}, None)
    assert named.fields == (("m?od", "ca?m"),)
    with Library.open_or_create(tmp_path / "library") as library:
        report = library.index([wav], encoder=ToyEncoder())
    assert (report.added, report.failed) == (1, ())


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_reading_comments_takes_time_in_proportion(suffix: str, tmp_path: Path) -> None:
    """As many comments as are allowed are read at once, each with all its values."""
    path = tmp_path / f"song{suffix}"
    write_audio(path, NOISE, 48_000)
    file = mutagen.File(path)
    file.tags.extend([(f"F{number}", "v") for number in range(MAX_TAGS - 10)])
    file.tags["Genre"] = ["jazz", "dub", "jazz"]
    file.save()
    started = time.process_time()
    tags = read_tags(path)
    assert time.process_time() - started < 1.0  # 7 s when each name searches the whole list
    assert tags.genre == "jazz; dub"
    assert ("f17", "v") in tags.fields


def test_a_run_tells_which_file_lost_its_tags(tmp_path: Path) -> None:
    """A file of too many tags is indexed without them, and the report names it and the reason."""
    path = tag_wav_many(write_wav(tmp_path / "music" / "many.wav", 1), 6000)
    fine = write_wav(tmp_path / "music" / "fine.wav", 2)
    tag_wav(fine, genre="jazz")
    with Library.open_or_create(tmp_path / "library") as library:
        report = library.index([tmp_path / "music"], encoder=ToyEncoder())
        genres = {Path(track.path).name: track.genre for track in library.all_tracks()}
    assert (report.added, report.failed) == (2, ())
    assert genres == {"many.wav": "", "fine.wav": "jazz"}
    reason = "it has 5001 ID3 frames, more than 5000: its tags are left out"
    assert report.to_json()["file_notes"] == [{"path": str(path), "reason": reason}]


def tag_wav_many(path: Path, n_frames: int) -> Path:
    """Put so many frames and a genre into a WAV."""
    tag_wav(path, genre="polka")
    chunk = id3_header(txxx_frames(n_frames), version=3)
    data = path.read_bytes()
    start = data.lower().index(b"id3 ")
    whole = data[:start] + b"ID3 " + len(chunk).to_bytes(4, "little") + chunk
    path.write_bytes(whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:])
    return path


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured on Linux")
def test_hostile_tags_cost_a_run_no_memory(tmp_path: Path) -> None:
    """All hostile tags together take seconds of the processor, and the memory of a plain run."""
    (tmp_path / "music").mkdir()
    for name, make in MAKERS.items():
        make(tmp_path / "music" / name)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run, peak_bytes = run_and_measure(
        "--library", str(tmp_path / "library"), "index", str(tmp_path / "music")
    )
    assert run.returncode == 0, run.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60
    assert run.stderr.count("its tags are left out") == len(MAKERS)
    assert peak_bytes < 1.5 * 2**30


def test_the_tags_of_a_matroska_file_are_read(tmp_path: Path) -> None:
    """Tags of the album's level are the album's; those without a level are the track's."""
    path = write_noise(tmp_path / "song.mka")
    album = [(50, "TITLE", "The Album"), (50, "ARTIST", "All of them"), (50, "TOTAL_PARTS", "9")]
    track = [(0, "TITLE", "Song"), (0, "ARTIST", "Ann"), (0, "ARTIST", "Bob"), (0, "GENRE", "jazz")]
    number = [(30, "PART_NUMBER", "3"), (30, "DATE_RELEASED", "1999-05-01")]
    tags = read_tags(add_matroska_tags(path, [*album, *track, *number]))
    assert (tags.title, tags.artist, tags.album) == ("Song", "Ann; Bob", "The Album")
    assert (tags.genre, tags.year, tags.track_number) == ("jazz", 1999, 3)
    assert ("albumartist", "All of them") in tags.fields
    assert tags.duration_seconds == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("n_bytes", [5, 40, 300, 700, 900])
def test_a_cut_matroska_file_has_no_tags_and_ends(n_bytes: int, tmp_path: Path) -> None:
    """What is left is read without an error."""
    path = add_matroska_tags(write_noise(tmp_path / "song.mka"), [(0, "GENRE", "jazz")] * 20)
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert read_tags(path).title == ""
