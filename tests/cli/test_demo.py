"""`soundalike demo` writes music, sums it up, and says how to go on."""

import importlib.util
import json
import shlex
from pathlib import Path

import pytest

from cli.app import main

QUICK = ("--artists", "1", "--seconds", "1")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo folder that is there already."""
    folder = tmp_path_factory.mktemp("demo") / "trial"
    assert main(["demo", "--folder", str(folder), *QUICK, "--quiet", "--paths"]) == 0
    return folder


def test_demo_sums_its_music_up(trial: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A table with a line a style, and commands to go on with, all of which exist."""
    capfd.readouterr()
    assert main(["demo", "--folder", str(trial), *QUICK]) == 0
    shown = capfd.readouterr().out
    assert f"32 songs in {trial / 'music'}" in shown
    assert "reggae" in shown
    offered = [line.strip() for line in shown.splitlines() if line.startswith("  soundalike ")]
    assert offered
    for line in offered:
        assert importlib.util.find_spec(f"cli.commands.{shlex.split(line)[1]}") is not None


def test_demo_draws_a_picture_of_each_style(trial: Path) -> None:
    """Eight PNG files lie beside the music."""
    pictures = list((trial / "pictures").glob("*.png"))
    assert len(pictures) == 8
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_demo_speaks_json(trial: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The document lists every song with the fields of a track."""
    capfd.readouterr()
    assert main(["demo", "--folder", str(trial), *QUICK, "--json"]) == 0
    songs = json.loads(capfd.readouterr().out)["songs"]
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


def test_demo_replaces_a_folder_by_force(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With --force the new songs stand alone; --paths prints them."""
    from embedder.synthesis.folder import write_music_folder

    write_music_folder(
        tmp_path / "music", styles=("folk",), artists_per_style=1, seconds=1, sample_rate=8000
    )
    capfd.readouterr()
    assert main(["demo", "--folder", str(tmp_path), *QUICK, "--force", "--paths"]) == 0
    paths = {Path(line) for line in capfd.readouterr().out.splitlines()}
    assert len(paths) == 32
    music = tmp_path / "music"
    assert {path for path in music.rglob("*") if path.is_file()} == {*paths, music / "music.json"}
