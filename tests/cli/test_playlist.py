"""`soundalike playlist` end to end: every form of output, every file, and its errors."""

import json
import os
from pathlib import Path

import pytest

from index.playlists.files.files import read_playlist
from tests.conftest import RunCli
from tests.index.playlists.playlist_library import line_of_styles, write_library


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of three hundred tracks along a bow of styles."""
    place = tmp_path_factory.mktemp("shell") / "library"
    songs, vectors = line_of_styles(300)
    write_library(place, songs, vectors).close()
    return place


def test_json_has_its_fields(run_cli: RunCli, folder: Path) -> None:
    """tracks, seconds and dropped, with the fields of a track in each."""
    done = run_cli("--library", str(folder), "--json", "playlist", "30", "--length", "8")
    assert done.code == 0
    document = json.loads(done.out)
    assert {"tracks", "seconds", "dropped", "notes"} <= document.keys()
    assert len(document["tracks"]) == 8
    fields = {"id", "path", "title", "artist", "album", "genre", "duration_seconds", "position"}
    assert all(fields <= track.keys() for track in document["tracks"])
    total = sum(track["duration_seconds"] for track in document["tracks"])
    assert document["seconds"] == pytest.approx(total, abs=0.01)
    assert all(isinstance(count, int) for count in document["dropped"].values())


def test_a_table_says_how_to_repeat_it(run_cli: RunCli, folder: Path) -> None:
    """The table comes with its length and seed; JSON and paths are data alone."""
    line = ("--library", str(folder), "playlist", "30", "--length", "5", "--seed", "7")
    table = run_cli(*line)
    assert "position" in table.out
    assert "5 tracks" in table.err
    assert "--seed 7" in table.err
    paths = run_cli("--paths", *line)
    assert len(paths.out.splitlines()) == 5
    assert paths.err == ""
    assert run_cli("--paths", *line).out == paths.out


@pytest.mark.parametrize("name", ["a.m3u8", "a.m3u", "a.xspf", "a.json"])
def test_a_written_playlist_is_read_back_as_seeds(
    run_cli: RunCli, folder: Path, tmp_path: Path, name: str
) -> None:
    """The file holds the tracks that were printed, and leads to a next playlist."""
    line = ("--library", str(folder), "--paths", "playlist")
    first = run_cli(*line, "30", "--length", "6", "-o", str(tmp_path / name))
    assert [entry.path for entry in read_playlist(tmp_path / name)] == first.out.splitlines()
    again = run_cli(*line, str(tmp_path / name), "--length", "6")
    assert again.code == 0
    assert not set(again.out.splitlines()) & set(first.out.splitlines())


def test_paths_are_written_as_seen_from_a_folder(
    run_cli: RunCli, folder: Path, tmp_path: Path
) -> None:
    """With --relative-to, the file's paths lead from that folder."""
    target = tmp_path / "a.m3u8"
    line = ("--library", str(folder), "--paths", "playlist", "30", "--length", "3")
    done = run_cli(*line, "-o", str(target), "--relative-to", "/music")
    lines = [row for row in target.read_text().splitlines() if not row.startswith("#")]
    assert lines == [os.path.relpath(path, "/music") for path in done.out.splitlines()]


def test_a_playlist_is_not_overwritten(run_cli: RunCli, folder: Path, tmp_path: Path) -> None:
    """--force is named, and the file stays; another suffix lists the ones there are."""
    target = tmp_path / "a.m3u8"
    target.write_text("mine")
    line = ("--library", str(folder), "playlist", "30", "-o")
    refused = run_cli(*line, str(target))
    assert refused.code == 2
    assert "--force" in refused.err
    assert target.read_text() == "mine"
    assert run_cli(*line, str(target), "--force").code == 0
    assert "mine" not in target.read_text()
    wrong = run_cli(*line, str(tmp_path / "a.txt"))
    assert wrong.code == 2
    assert ".xspf" in wrong.err


def test_output_has_a_long_form(run_cli: RunCli, folder: Path, tmp_path: Path) -> None:
    """--output is -o, as in every other command."""
    target = tmp_path / "a.m3u8"
    line = ("--library", str(folder), "playlist", "30", "--length", "3")
    assert run_cli(*line, "--output", str(target)).code == 0
    assert len(read_playlist(target)) == 3


def test_judged_places_go_on(run_cli: RunCli, folder: Path, tmp_path: Path) -> None:
    """--from with --keep and --drop: the kept stay in front, the dropped are gone."""
    line = ("--library", str(folder), "--paths", "playlist")
    target = tmp_path / "a.m3u8"
    first = run_cli(*line, "30", "--length", "5", "-o", str(target)).out.splitlines()
    done = run_cli(*line, "--from", str(target), "--keep", "1,3-4", "--drop", "2")
    after = done.out.splitlines()
    assert after[:3] == [first[0], first[2], first[3]]
    assert first[1] not in after


def test_a_short_playlist_says_what_blocks(run_cli: RunCli, folder: Path) -> None:
    """On stderr for people, in the document for scripts, and with exit code 0."""
    line = ("--library", str(folder), "--json", "playlist", "--where", 'artist="Artist 3"')
    done = run_cli(*line, "--per-artist", "1", "--length", "9")
    assert done.code == 0
    assert "per-artist" in done.err
    assert json.loads(done.out)["blocked_by"]["rule"] == "per-artist"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "nothing to start from"),
        (("30", "--length", "3", "--minutes", "3"), 2, "not both"),
        (("30", "--arc", "bpm"), 2, "FIELD:SHAPE"),
        (("30", "--arc", "bpm:up"), 2, "valley"),
        (("30", "--from", "x.m3u8", "--keep", "0"), 2, "places"),
        (("9999",), 3, "9999"),
        (("/nowhere/a.mp3",), 3, "/nowhere/a.mp3: no such file"),
        (("30", "--recent", "/nowhere/r.txt"), 3, "no such file"),
        (("30", "--mpd", "127.0.0.1:1"), 3, "no MPD answers"),
        (("30", "--mpd", "host:x"), 2, "HOST:PORT"),
        (("30", "--relative-to", "."), 2, "give -o as well"),
    ],
)
def test_what_goes_wrong_is_one_line(
    run_cli: RunCli, folder: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    """The exit code and the message that says what to give instead."""
    if "127.0.0.1:1" in words:
        pytest.importorskip("mpd", reason="needs the extra mpd")
    done = run_cli("--library", str(folder), "--quiet", "playlist", *words)
    assert done.code == code
    assert message in done.err
    assert done.err.count("\n") == 1
