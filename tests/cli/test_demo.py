"""`soundalike demo` writes music, summarises it, and prints the next commands."""

import json
import shlex
import sys
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from cli.app import main

QUICK = ("--artists", "1", "--seconds", "1")


@dataclass(frozen=True, slots=True)
class Trial:
    """A demo folder, and what the command printed."""

    folder: Path
    shown: str


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A demo folder that was made by force in place of another one."""
    from embedder.datasets.synthesis.folder import write_music_folder

    folder = tmp_path_factory.mktemp("demo") / "trial"
    write_music_folder(
        folder / "music", styles=("folk",), artists_per_style=1, seconds=1, sample_rate=8000
    )
    out = TextIOWrapper(BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        assert main(["demo", "--folder", str(folder), *QUICK, "--force"]) == 0
        out.flush()
    return Trial(folder, out.buffer.getvalue().decode())  # type: ignore[attr-defined]  # a BytesIO


@pytest.fixture(scope="module")
def trial(first: Trial) -> Path:
    """An existing demo folder."""
    return first.folder


def test_demo_shows_every_command_and_leaves_its_work(first: Trial) -> None:
    """The output has a table of styles, and each command as typed, with its result."""
    folder, shown = first.folder, first.shown
    assert f"32 songs in {folder / 'music'}" in shown
    assert "reggae" in shown
    typed = [shlex.split(line)[2] for line in shown.splitlines() if line.startswith("$ ")]
    assert typed == ["features", "index", "query", "label", "playlist", "map"]
    for name in ("library/catalogue.sqlite", "playlist.m3u8", "map.html"):
        assert (folder / name).stat().st_size > 0
    assert "soundalike index ~/Music" in shown


def test_demo_draws_a_picture_of_each_style(trial: Path) -> None:
    """Eight PNG files lie beside the music."""
    pictures = list((trial / "pictures").glob("*.png"))
    assert len(pictures) == 8
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_demo_speaks_json(trial: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The document lists every song with the fields of a track."""
    capfd.readouterr()
    assert main(["demo", "--folder", str(trial), *QUICK, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert [stop["exit_code"] for stop in document["tour"]] == [0] * 5
    songs = document["songs"]
    assert len(songs) == 32
    fields = {"path", "title", "artist", "album", "genre", "duration_seconds"}
    assert all(fields <= song.keys() for song in songs)
    assert all(Path(song["path"]).is_file() for song in songs)


def test_demo_keeps_a_folder_made_otherwise(trial: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Another seed needs --force, and says so in one line."""
    capfd.readouterr()
    before = sorted(trial.rglob("*"))
    assert main(["demo", "--folder", str(trial), *QUICK, "--seed", "1"]) == 2
    said = capfd.readouterr()
    assert "--force" in said.err
    assert said.err.count("\n") == 1
    assert sorted(trial.rglob("*")) == before


def test_demo_replaces_a_folder_by_force(trial: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With --force the new songs stand alone; --paths prints them."""
    capfd.readouterr()
    assert main(["demo", "--folder", str(trial), *QUICK, "--paths"]) == 0
    paths = {Path(line) for line in capfd.readouterr().out.splitlines()}
    assert len(paths) == 32
    music = trial / "music"
    assert {path for path in music.rglob("*") if path.is_file()} == {*paths, music / "music.json"}
