"""Behaviour of `soundalike radio`: what it plays, prints and stores."""

import itertools
import os
from pathlib import Path

import pytest

from cli import playing
from cli.playing import play_command
from index.catalogue.records import TrackRecord
from index.library import Library
from tests.conftest import RunCli
from tests.index.vector_library import library_of, unit_vectors

N_TRACKS = 9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tags = [{"artist": f"Artist {n % 3}", "title": f"T{n}"} for n in range(N_TRACKS)]
    library_of(tmp_path / "library", unit_vectors(N_TRACKS), tags).close()
    return tmp_path / "library"


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program named mpv that writes down its arguments, and ends at once."""
    program = tmp_path / "bin" / "mpv"
    program.parent.mkdir()
    log = tmp_path / "played"
    program.write_text(f'#!/bin/sh\nfor a; do printf "%s\\n" "$a" >> "{log}"; done\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log


def test_paths_come_without_a_player(
    folder: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seed comes first, then every other track once; no artist twice in a row."""
    monkeypatch.setattr(playing, "PLAYERS", ())
    ended = run_cli("--library", str(folder), "radio", "4")
    paths = ended.out.split()
    assert paths[0] == "/music/3.mp3"
    assert sorted(paths) == [f"/music/{n}.mp3" for n in range(N_TRACKS)]
    numbers = [int(Path(path).stem) for path in paths[:6]]
    assert all(a % 3 != b % 3 for a, b in itertools.pairwise(numbers))
    assert "neither mpv nor ffplay" in ended.err


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of a Unix shell")
def test_played_tracks_are_stored(folder: Path, run_cli: RunCli, player: Path) -> None:
    """A track that is played to its end is a play; the path is one argument."""
    ended = run_cli("--library", str(folder), "radio", "4", "--length", "2")
    assert ended.code == 0
    assert player.read_text().split("\n").count("/music/3.mp3") == 1
    with Library.open(folder) as library:
        report = library.taste.report()
        assert report.counts["play"] == 2
        assert {event.source for event in report} == {"radio"}


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of a Unix shell")
@pytest.mark.parametrize(("keys", "kinds"), [("+ q", {"like", "skip"}), ("-q", {"dislike"})])
def test_keys_are_judgements(
    folder: Path,
    run_cli: RunCli,
    player: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    keys: str,
    kinds: set[str],
) -> None:
    """+ likes, - dislikes and goes on, space skips, q ends without an event."""
    program = player.parent / "bin" / "mpv"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    reading, writing = os.pipe()
    os.write(writing, keys.encode())
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        run_cli("--library", str(folder), "radio", "4")
    os.close(writing)
    with Library.open(folder) as library:
        assert {event.kind for event in library.taste.report()} == kinds


def test_a_part_of_a_file_is_played_alone() -> None:
    """A track of a CUE sheet begins and ends where it should, with either player."""
    part = TrackRecord(1, "/m/-a $(b).flac", start_seconds=5.0, end_seconds=65.5)
    mpv, ffplay = (play_command(f"/bin/{name}", part) for name in ("mpv", "ffplay"))
    assert mpv[-4:] == ["--start=5", "--end=65.5", "--", part.path]
    assert ffplay[-6:] == ["-ss", "5", "-t", "60.5", "-i", part.path]
