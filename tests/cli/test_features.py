"""`soundalike features`: a file for each track, and a line for each that failed."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.app import main
from embedder.audio.writing import write_audio


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Two seconds of noise."""
    samples = 0.1 * np.random.default_rng(0).standard_normal((1, 44100))
    path = tmp_path / "noise.wav"
    write_audio(path, samples.astype(np.float32), 22050)
    return path


def test_a_picture_is_written_and_named(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table names the file, and the file is a PNG."""
    assert main(["features", str(song), "-o", str(tmp_path / "out")]) == 0
    assert "noise.png" in capsys.readouterr().out
    assert (tmp_path / "out" / "noise.png").read_bytes().startswith(b"\x89PNG")


def test_arrays_of_a_stretch_in_json(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--arrays writes .npz, --start and --seconds choose the stretch, --json lists it."""
    line = ["--json", "features", str(song), "-o", str(tmp_path), "--arrays"]
    assert main([*line, "--front-end", "fma-mel", "--start", "0.5", "--seconds", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    (saved,) = document["files"]
    assert document["failed"] == []
    assert (saved["rows"], saved["columns"], saved["sample_rate"]) == (128, 128, 22050)
    assert (saved["start_seconds"], saved["seconds"]) == (0.5, 1.0)
    with np.load(tmp_path / "noise.npz") as arrays:
        assert arrays["levels"].shape == (128, 128)


def test_a_bad_track_is_one_line_and_code_5(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other tracks are still done."""
    text = tmp_path / "text.mp3"
    text.write_text("no sound here")
    out = tmp_path / "out"
    assert main(["--json", "features", str(text), str(song), "-o", str(out)]) == 5
    printed = capsys.readouterr()
    (failure,) = json.loads(printed.out)["failed"]
    assert failure["path"] == str(text)
    assert failure["reason"]
    assert sum("text.mp3" in line for line in printed.err.splitlines()) == 1
    assert "1 of 2 tracks could not be read" in printed.err
    assert (out / "noise.png").exists()


def test_a_lone_bad_track_is_not_a_search_without_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason is printed, and no empty table."""
    assert main(["features", str(tmp_path / "none.mp3"), "-o", str(tmp_path)]) == 5
    said = capsys.readouterr().err
    assert "none.mp3: no such file" in said
    assert "nothing found" not in said


def test_existing_files_and_unknown_names_are_usage_errors(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code 2, with the flag or the nearest name in the message."""
    line = ["features", str(song), "-o", str(tmp_path)]
    assert main([*line, "--front-end", "fma-mell"]) == 2
    assert "Did you mean fma-mel?" in capsys.readouterr().err
    assert main([*line, "--arrays", "--picture"]) == 2
    assert main(line) == 0
    assert main(line) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*line, "--force"]) == 0


def test_the_output_is_a_folder(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in place of the output folder is a usage error."""
    assert main(["features", str(song), "-o", str(song)]) == 2
    assert "is a file. Name a folder." in capsys.readouterr().err


def test_a_track_can_be_named_by_its_id(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An id of the library stands for its file, as in other commands."""
    library = ["--library", str(tmp_path / "library")]
    assert main([*library, "index", str(song)]) == 0
    assert main([*library, "features", "1", "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "noise.png").exists()
    assert main([*library, "features", "2", "-o", str(tmp_path / "out")]) == 3
    assert "no track has the id 2" in capsys.readouterr().err
