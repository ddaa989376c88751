"""Commands over a folder with a file that crashes FFmpeg: it is listed, and the rest is done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedder.audio import decoders
from embedder.audio.writing import write_audio
from tests.cli.songs import write_song
from tests.conftest import RunCli
from tests.embedder.encoding.deadly_ffmpeg import deadly_site
from tests.embedder.tagged_models import write_tagger

HOSTILE = "segv.wav"
REASON = "the decoder crashed on it"
QUICK_TRAINING = (
    *("--preset", "tiny", "--set", "loop.epochs=1", "--set", "dataset.split_by=track"),
)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of two labels, with three songs each, and a hostile file in one."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(6):
        write_song(folder / "ab"[number % 2] / f"{number}.wav", number, seconds=2.5)
    noise = 0.1 * np.random.default_rng(9).standard_normal(50_000)
    write_audio(folder / "a" / HOSTILE, noise.astype(np.float32), 22_050)
    return folder


@pytest.fixture(autouse=True)
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every child process has a deadly FFmpeg; this process does not."""
    decoders.end_early_child()
    monkeypatch.setattr(decoders, "_shared", decoders.Decoders())
    monkeypatch.setenv("PYTHONPATH", str(deadly_site(tmp_path / "site")))


def failures_of(document: dict[str, Any], *lists: str) -> list[tuple[str, str]]:
    """Name and reason of each failed track in the command's answer."""
    records = [record for name in lists for record in document[name]]
    return [(Path(record["path"]).name, record["reason"]) for record in records]


def test_features_of_the_other_tracks_are_saved(
    run_cli: RunCli, music: Path, tmp_path: Path
) -> None:
    """`features` writes a file for each good track."""
    tracks = [str(music / "a" / name) for name in (HOSTILE, "0.wav")]
    run = run_cli("--json", "features", *tracks, "-o", str(tmp_path / "out"), "--arrays")
    assert run.code == 5, run.err
    assert failures_of(json.loads(run.out), "failed") == [(HOSTILE, REASON)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.npz"]


def test_other_tracks_are_tagged(run_cli: RunCli, music: Path, tmp_path: Path) -> None:
    """`tag` names the tags of the good track."""
    write_tagger(tmp_path / "model")
    tracks = [str(music / "a" / name) for name in (HOSTILE, "0.wav")]
    run = run_cli("--json", "tag", *tracks, "--model", str(tmp_path / "model"))
    assert run.code == 5, run.err
    document = json.loads(run.out)
    assert failures_of(document, "failed") == [(HOSTILE, REASON)]
    assert [track["path"] for track in document["tracks"]] == [tracks[1]]


def test_an_audit_lists_the_file(run_cli: RunCli, music: Path) -> None:
    """`audit` reports the file as unreadable, as it does with any such file."""
    run = run_cli("--json", "audit", str(music))
    assert run.code == 0, run.err
    findings = json.loads(run.out)["findings"]
    unreadable = [f for f in findings if f["kind"] == "unreadable"]
    assert [(f["tracks"], f["why"]) for f in unreadable] == [([f"a/{HOSTILE}"], REASON)]


def test_listening_to_the_file_ends_with_its_reason(
    run_cli: RunCli, music: Path, tmp_path: Path
) -> None:
    """`listen --file` is told by its decoder; the program itself goes on to say so."""
    write_tagger(tmp_path / "model")
    path = str(music / "a" / HOSTILE)
    run = run_cli("listen", "--file", path, "--speed", "0", "--model", str(tmp_path / "model"))
    assert run.code == 3, run.err
    assert REASON in run.err


@pytest.mark.parametrize("name", ["mfcc", "MODEL"])
def test_other_tracks_are_evaluated(
    name: str, run_cli: RunCli, music: Path, tmp_path: Path
) -> None:
    """`evaluate` measures the good tracks, with a baseline and with a model."""
    write_tagger(tmp_path / "model")
    models = str(tmp_path / "model") if name == "MODEL" else name
    run = run_cli("--json", "evaluate", str(music), "--model", models, "-k", "1")
    assert run.code == 5, run.err
    document = json.loads(run.out)
    assert failures_of(document, "failed") == [(HOSTILE, REASON)]


@pytest.mark.parametrize("gigabytes", [0, 1])
def test_other_tracks_are_trained_on(
    gigabytes: int, run_cli: RunCli, music: Path, tmp_path: Path
) -> None:
    """`train` leaves the file out, whether it stores features or decodes each batch anew."""
    settings = [*QUICK_TRAINING, "--set", f"dataset.cache_gigabytes={gigabytes}"]
    settings += ["--set", f"dataset.cache_dir={json.dumps(str(tmp_path / 'cache'))}"]
    run = run_cli("--json", "train", str(music), "-o", str(tmp_path / "run"), *settings)
    assert run.code == 5, run.err
    assert failures_of(json.loads(run.out), "left_out") == [(HOSTILE, REASON)]
    assert (tmp_path / "run" / "best").is_dir()


@pytest.fixture
def newly_deadly(ready: Path) -> Iterator[Path]:
    """A track of the library that crashes FFmpeg from now on."""
    mark = ready / "music" / "b.wav.deadly"
    mark.touch()
    yield ready / "music" / "b.wav"
    mark.unlink()


@pytest.mark.usefixtures("newly_deadly")
def test_a_track_that_has_become_deadly_is_explained_by_what_was_measured(
    run_cli: RunCli, ready: Path
) -> None:
    """`query --explain` opens no file if the model stored vectors of excerpts."""
    line = ("query", str(ready / "music" / "a.wav"), "--explain", "-k", "5")
    run = run_cli("--json", "--library", str(ready / "library"), *line)
    assert run.code == 0, run.err
    timbre = {
        Path(neighbour["path"]).name: neighbour["explanation"]["timbre"]
        for neighbour in json.loads(run.out)["neighbours"]
    }
    assert "b.wav" in timbre
    assert None not in timbre.values()


def test_a_track_that_becomes_deadly_costs_only_its_own_stretches(
    run_cli: RunCli, tmp_path: Path
) -> None:
    """`query --explain --listen` reads files again, and says which it could not."""
    for seed in range(3):
        write_song(tmp_path / "music" / f"{seed}.wav", seed, seconds=7)
    library = ("--json", "--library", str(tmp_path / "library"))
    assert run_cli(*library, "index", str(tmp_path / "music")).code == 0
    (tmp_path / "music" / "2.wav.deadly").touch()
    run = run_cli(*library, "query", str(tmp_path / "music" / "0.wav"), "--explain", "--listen")
    assert run.code == 0, run.err
    assert f"2.wav: {REASON}" in run.err
    n_stretches = {
        Path(neighbour["path"]).name: len(neighbour["explanation"]["stretches"])
        for neighbour in json.loads(run.out)["neighbours"]
    }
    assert n_stretches == {"1.wav": 3, "2.wav": 1}


@pytest.mark.usefixtures("newly_deadly")
def test_an_arc_opens_no_file(run_cli: RunCli, place: Path) -> None:
    """`playlist --arc` follows what was measured, of a track that has become deadly too."""
    line = ("playlist", "1", "--arc", "energy:rise", "--length", "3")
    run = run_cli("--json", "--library", str(place / "library"), *line)
    assert run.code == 0, run.err
    names = [Path(track["path"]).name for track in json.loads(run.out)["tracks"]]
    assert len(names) == 3
