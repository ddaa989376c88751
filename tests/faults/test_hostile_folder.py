"""One folder with every kind of hostile file, and good ones, through the command line."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.encoding.deadly_ffmpeg import deadly_site
from tests.embedder.hostile_files import (
    compressed_frame,
    id3_header,
    write_matroska,
    write_nan_wav,
    write_wav,
)
from tests.faults.processes import Ended, Workshop

GOOD = ("first.flac", "second.mp3", "third.ogg", "unpacked.mp3", "wide.wav")
"""The last two are odd and yet music."""
HOSTILE = {
    "hang.flac": "decoding it took more than 8 s",
    "segv.flac": "the decoder crashed on it",
    "empty.mp3": "the file is empty",
    "fast.mka": "its header claims 2100000000 samples a second",
    "nan.wav": "samples are not numbers",
    "words.ogg": "reading failed",
}


@pytest.fixture(scope="module")
def impatient(training_workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Command lines that wait some seconds for a file."""
    folder = tmp_path_factory.mktemp("impatient")
    return Workshop(training_workshop._process, folder, setup="impatient")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with music, hostile files among it, a small model and a deadly FFmpeg."""
    music = tmp_path / "music"
    music.mkdir()
    for number, name in enumerate(GOOD[:4]):
        noise = 0.1 * np.random.default_rng(number).standard_normal(3 * 22_050)
        write_audio(music / name, noise.astype(np.float32), 22_050)
    unpacked = music / "unpacked.mp3"
    unpacked.write_bytes(
        id3_header(compressed_frame(600_000_000), version=3) + unpacked.read_bytes()
    )
    write_wav(music / "wide.wav", n_channels=32, n_frames=100_000)
    shutil.copy(music / "first.flac", music / "hang.flac")
    write_audio(music / "segv.flac", np.ones(40_000, dtype=np.float32) / 9, 22_050)
    write_audio(music / "hang.flac", np.ones(50_000, dtype=np.float32) / 9, 22_050)
    (music / "empty.mp3").touch()
    write_matroska(music / "fast.mka", claimed_rate=2.1e9)
    write_nan_wav(music / "nan.wav")
    (music / "words.ogg").write_text("no music")
    save_model(tmp_path / "tiny", seeded_network(MODELS["tiny"], seed=0))
    deadly_site(tmp_path / "deadly")
    return tmp_path


def run(workshop: Workshop, place: Path, *words: object) -> Ended:
    """A command line on the place's library, with a deadly FFmpeg in its child processes."""
    paths = os.pathsep.join([str(place / "deadly"), os.environ.get("PYTHONPATH", "")])
    line = ("--json", "--library", place / "library", *words)
    return workshop.run(*line, environment={"PYTHONPATH": paths})


def index(workshop: Workshop, place: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and report of indexing the folder with one worker."""
    ended = run(
        workshop, place, "index", place / "music", "--model", place / "tiny", "--workers", 1
    )
    return ended.code, json.loads(ended.out)


def names_of(failures: list[dict[str, Any]]) -> list[str]:
    """The names of the files that failed."""
    return sorted(Path(failure["path"]).name for failure in failures)


@pytest.mark.slow
def test_no_file_stops_a_run(impatient: Workshop, place: Path) -> None:
    """Good files are kept, each hostile one is listed with its reason, and is not tried again."""
    code, report = index(impatient, place)
    assert (code, report["added"]) == (5, len(GOOD))
    assert names_of(report["failed"]) == sorted(HOSTILE)
    for failure in report["failed"]:
        assert HOSTILE[Path(failure["path"]).name] in failure["reason"]
    assert [note["path"] for note in report["file_notes"]] == [str(place / "music/unpacked.mp3")]
    shutil.copy(place / "music/second.mp3", place / "music/empty.mp3")
    code, report = index(impatient, place)
    assert (code, report["added"], report["unchanged"]) == (5, 1, len(GOOD))
    assert names_of(report["failed"]) == sorted(set(HOSTILE) - {"empty.mp3"})
    assert all(failure["is_known"] for failure in report["failed"])
    assert report["seconds"] < 5.0  # the file that hangs takes eight


def test_a_query_file_that_crashes_ffmpeg_is_bad_input(impatient: Workshop, place: Path) -> None:
    """`query FILE` ends with exit code 3 and the reason, and the next query is answered."""
    for name in HOSTILE:
        if name != "segv.flac":
            (place / "music" / name).unlink()
    index(impatient, place)
    ended = run(impatient, place, "query", place / "music/segv.flac")
    assert ended.code == 3
    assert "segv.flac: the decoder crashed on it" in ended.err
    shutil.copy(place / "music/second.mp3", place / "other.mp3")
    assert run(impatient, place, "query", place / "other.mp3").code == 0
