"""Tags beyond every measure are left out, quickly, and the run says so."""

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
from index.indexing.tags import read_tags
from index.library import Library
from tests.embedder.hostile_files import (
    add_flac_comments,
    compressed_frame,
    id3_header,
    txxx_frames,
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
    "unpacked.mp3": lambda path: mp3_of_frames(path, compressed_frame(300_000_000)),
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
    """All hostile tags together are indexed in seconds, in the memory of a plain run."""
    (tmp_path / "music").mkdir()
    for name, make in MAKERS.items():
        make(tmp_path / "music" / name)
    started = time.monotonic()
    run, peak_bytes = run_and_measure(
        "--library", str(tmp_path / "library"), "index", str(tmp_path / "music")
    )
    assert run.returncode == 0, run.stderr
    assert time.monotonic() - started < 60
    assert run.stderr.count("its tags are left out") == len(MAKERS)
    assert peak_bytes < 1.5 * 2**30
