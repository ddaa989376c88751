"""`soundalike record`: takes from a microphone and out of a recording."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.conftest import RunCli
from tests.live.fake_sounddevice import FakeSounddevice
from tests.live.sounds import RATE, noise


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two sounds with a pause between, the second one clipped."""
    quiet = noise(1.0, level=0.001)
    path = tmp_path / "takes.wav"
    loud = np.clip(noise(0.8, level=0.9), -1, 1)
    write_audio(path, np.concatenate([quiet, noise(0.8), quiet, loud, quiet])[None], RATE)
    return path


def test_takes_are_cut_out_of_a_recording(run_cli: RunCli, recording: Path, tmp_path: Path) -> None:
    """A line for each take with its fault, then the counts; JSON has all of it."""
    folder = tmp_path / "my-sounds"
    run = run_cli("record", "door", "-o", str(folder), "--from", str(recording))
    assert run.code == 0, run.err
    assert "door-002.flac" in run.err
    assert "clipped" in run.err
    assert "listen --silence -50" in run.err
    assert run.out.split() == ["label", "takes", "door", "2"]
    again = run_cli("--json", "record", "kettle", "-o", str(folder), "--from", str(recording))
    document = json.loads(again.out)
    assert document["labels"] == {"door": 2, "kettle": 2}
    assert [take["is_clipped"] for take in document["takes"]] == [False, True]
    assert (
        sorted(path.parent.name for path in folder.rglob("*.flac")) == ["door"] * 2 + ["kettle"] * 2
    )


def test_a_microphone_records_takes_and_plays_them(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes of a fixed length, each played back; the folder holds them."""
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    words = ("record", "hum", "-o", str(tmp_path / "s"), "--device", "usb", "--seconds", "0.5")
    run = run_cli("--paths", *words, "--take", "2", "--countdown", "0.1", "--play")
    assert run.code == 0, run.err
    paths = [Path(line) for line in run.out.splitlines()]
    assert [path.name for path in paths] == ["hum-001.flac", "hum-002.flac"]
    assert all(path.exists() for path in paths)
    assert [rate for _, rate in fake.played] == [8000, 8000]


def test_a_microphone_that_cannot_be_used_leaves_no_folder(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No device: bad input, and nothing was made."""
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice(devices=[]))
    run = run_cli("record", "hum", "-o", str(tmp_path / "s"))
    assert (run.code, "no device with an input" in run.err) == (3, True)
    muted = FakeSounddevice(is_muted=True)
    monkeypatch.setitem(sys.modules, "sounddevice", muted)
    silent = run_cli("record", "hum", "-o", str(tmp_path / "s"), "--countdown", "0.1")
    assert (silent.code, "nothing louder than -60 dB" in silent.err) == (3, True)
    missing = run_cli(
        "record", "hum", "-o", str(tmp_path / "s"), "--from", str(tmp_path / "no.wav")
    )
    assert (missing.code, "no.wav: no such file" in missing.err) == (3, True)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "words",
    [("a/b", "--from", "x.wav"), ("a", "--from", "x.wav", "--play"), ("a", "--seconds", "0")],
)
def test_what_cannot_be_recorded_is_refused(
    run_cli: RunCli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """A label that is no folder, and options that do not fit."""
    write_audio(tmp_path / "x.wav", noise(1)[None], RATE)
    line = [str(tmp_path / word) if word == "x.wav" else word for word in words]
    assert run_cli("record", *line, "-o", str(tmp_path / "s")).code == 2
