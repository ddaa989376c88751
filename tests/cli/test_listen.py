"""`soundalike listen`: a file's labels over time, in every form."""

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from embedder.audio.writing import write_audio
from tests.conftest import RunCli
from tests.live.fake_sounddevice import FakeSounddevice
from tests.live.osc_server import OscServer, osc_server, wait_for
from tests.live.sounds import RATE, noise, write_labelled_model

__all__ = ["osc_server"]  # a fixture


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose labels are calm and loud."""
    return write_labelled_model(tmp_path_factory.mktemp("listen") / "model")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sounds with two seconds of silence between them."""
    path = tmp_path_factory.mktemp("listen") / "song.wav"
    silent = np.zeros(2 * RATE, dtype=np.float32)
    write_audio(path, np.concatenate([noise(2), silent, noise(2, seed=1)])[None], RATE)
    return path


def test_ndjson_has_a_record_each_hop(run_cli: RunCli, model: Path, song: Path) -> None:
    """A program reads the time, the label and all probabilities from each line."""
    run = run_cli("--ndjson", "listen", "--file", str(song), "--model", str(model), "--window", "1")
    records = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 0, run.err
    assert [record["seconds"] for record in records] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert set(records[0]["probabilities"]) == {"calm", "loud"}
    assert [record["silence"] for record in records].count(True) == 2
    assert "6 windows in 6.0 s of sound, 2 of them silent" in run.err


def test_json_and_the_files_have_the_stretches(
    run_cli: RunCli, model: Path, song: Path, tmp_path: Path
) -> None:
    """The document, the CSV and Audacity's labels hold the same rows, apart by the silence."""
    table, labels = tmp_path / "a.csv", tmp_path / "a.txt"
    line = ("listen", "--file", str(song), "--model", str(model), "--window", "1", "--write")
    run = run_cli("--json", *line, str(table))
    document = json.loads(run.out)
    stretches = document["stretches"]
    assert document["all_labels"] == ["calm", "loud"]
    assert {
        stretch["end_seconds"] <= 2.1 or stretch["start_seconds"] >= 3.9 for stretch in stretches
    } == {True}
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["start_seconds"]) for row in rows] == [s["start_seconds"] for s in stretches]
    assert [row["label"] for row in rows] == [stretch["label"] for stretch in stretches]
    assert run_cli(*line, str(labels)).code == 0
    cells = [row.split("\t") for row in labels.read_text().splitlines()]
    assert [(float(a), float(b), name) for a, b, name in cells] == [
        (s["start_seconds"], s["end_seconds"], s["label"]) for s in stretches
    ]
    again = run_cli(*line, str(table))
    assert (again.code, "--force" in again.err) == (2, True)


def test_an_output_that_cannot_be_written_is_named(
    run_cli: RunCli, model: Path, song: Path, tmp_path: Path
) -> None:
    """A missing folder is bad input; an ending that says no format is a usage error."""
    line = ("listen", "--file", str(song), "--model", str(model), "--write")
    missing = run_cli(*line, str(tmp_path / "none" / "a.csv"))
    assert (missing.code, "a.csv: No such file" in missing.err) == (3, True)
    other = run_cli(*line, str(tmp_path / "a.doc"))
    assert (other.code, ".csv, .txt" in other.err) == (2, True)


def test_without_labels_the_message_says_what_to_do(run_cli: RunCli, song: Path) -> None:
    """Without a library and a model there is nothing to name sounds with."""
    run = run_cli("listen", "--file", str(song))
    assert (run.code, "--model" in run.err) == (2, True)


def test_a_pipe_is_listened_to(
    run_cli: RunCli, model: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A WAV on standard input has the answers of the file; what is no WAV is bad input."""
    line = ("--ndjson", "listen", "--model", str(model), "--window", "1")
    from_file = run_cli(*line, "--file", str(song))
    with song.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(file.raw)))  # type: ignore[attr-defined]  # a file has it
        piped = run_cli(*line, "--stdin", "--speed", "0")
    assert piped.code == 0, piped.err
    labels = [[json.loads(r)["label"] for r in run.out.splitlines()] for run in (piped, from_file)]
    assert labels[0] == labels[1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no sound at all")))
    broken = run_cli(*line, "--stdin")
    assert (broken.code, "ffmpeg" in broken.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--stdin", "--device", "1"), "one of --device"),
        (("--raw", "s16le:8000"), "--raw is for --stdin"),
        (("--file", "a.wav", "--rate", "8000"), "--rate is for the microphone"),
        (("--speed", "1"), "--speed is for"),
        (("--window", "0"), "window = 0"),
        (("--file", "a.wav", "--paths"), "no such file"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    run_cli: RunCli, words: tuple[str, ...], reason: str
) -> None:
    """Before a device is opened."""
    run = run_cli("listen", *words)
    assert (run.code in {2, 3}, reason in run.err) == (True, True), run.err


def test_a_microphone_ends_with_its_error_and_the_summary(
    run_cli: RunCli, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unplugged in the middle: the answers before it, the summary, one line, exit code 3."""
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice(unplug_after=40))
    listed = run_cli("listen", "--list-devices")
    assert (listed.code, "USB Mic" in listed.out) == (0, True)
    line = ("--ndjson", "listen", "--device", "usb", "--model", str(model), "--window", "0.5")
    run = run_cli(*line)
    assert run.code == 3
    assert json.loads(run.out.splitlines()[0])["seconds"] == 0.5
    assert "USB Mic: no more sound" in run.err
    assert "windows in" in run.err


def test_ctrl_c_ends_with_the_summary(
    run_cli: RunCli, model: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was heard is written, the summary is shown, and the exit code is 130."""
    labels = tmp_path / "a.txt"
    heard: list[object] = []

    def interrupt(self: object, answer: object) -> None:
        heard.append(answer)
        if len(heard) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("cli.listening.Lines.hear", interrupt)
    line = ("listen", "--file", str(song), "--model", str(model), "--window", "1")
    run = run_cli(*line, "--write", str(labels))
    assert (run.code, "4 windows in" in run.err) == (130, True), run.err
    assert labels.read_text().startswith("0.000000\t")


def test_the_page_shows_bars_and_the_last_minute(
    model: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels with bars, a cell a second of the last minute, and remarks below."""
    from cli.live_page import LivePage
    from soundalike.live.listening import open_listener
    from soundalike.live.sources.file import FileSource

    listener = open_listener(FileSource(song, speed=0), model=model)
    page = LivePage(listener)
    page.console = Console(file=io.StringIO(), width=100, height=40, force_terminal=False)
    for heard in listener.heard():
        page.hear(heard)
    page.remark("sound was lost")
    page.console.print(page.draw())
    text = page.console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    for word in ("song.wav", "calm", "loud", "last minute", "dB", "sound was lost", "Ctrl-C"):
        assert word in text
    assert "·" in text, "silence is a dot"


def test_osc_and_programs_get_what_a_file_sounds_like(
    run_cli: RunCli, model: Path, song: Path, osc_server: OscServer, tmp_path: Path
) -> None:
    """A real OSC server receives each answer, and a program runs when a label begins."""
    port, messages = osc_server
    note = tmp_path / "note"
    line = ("listen", "--file", str(song), "--model", str(model), "--window", "1", "--speed", "0")
    on = (f"{label}:touch {note}-{{label}}" for label in ("calm", "loud"))
    rules = [word for rule in on for word in ("--on", rule)]
    run = run_cli(*line, "--osc", f":{port}", *rules)
    assert run.code == 0, run.err
    wait_for(messages, "/soundalike/level", n_messages=6)
    silences = [values[0] for address, values in messages if address == "/soundalike/silence"]
    labels = [values[0] for address, values in messages if address == "/soundalike/label"]
    assert silences == [0, 0, 1, 1, 0, 0]
    assert labels[2:4] == ["silence", "silence"]
    assert {path.name.removeprefix("note-") for path in tmp_path.glob("note-*")} <= set(labels)
    assert list(tmp_path.glob("note-*"))
