"""`soundalike query` end to end: ids, paths, files from elsewhere, and explanations."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.songs import NAMES, ODD, ROOT, write_song
from tests.conftest import RunCli


def test_a_query_by_id_path_and_several(run_cli: RunCli, ready: Path) -> None:
    """The same track by its id and its path; the query never comes back; fields are stable."""
    library = ("--json", "--library", str(ready / "library"))
    by_path = json.loads(run_cli(*library, "query", str(ready / "music" / ODD), "-k", "3").out)
    assert set(by_path) == {"query", "neighbours", "closeness"}
    assert by_path["closeness"] is None, "too few tracks for a usual distance"
    (query,) = by_path["query"]
    by_id = json.loads(run_cli(*library, "query", str(query["id"]), "-k", "3").out)
    assert by_id == by_path
    fields = {"id", "path", "title", "artist", "album", "genre", "duration_seconds"}
    for rank, neighbour in enumerate(by_path["neighbours"], start=1):
        assert fields | {"rank", "score", "distance", "percentile"} <= set(neighbour)
        assert neighbour["rank"] == rank
        assert 0 < neighbour["score"] < 1
    several = json.loads(run_cli(*library, "query", "1", "2", "-k", "10").out)
    names = {Path(neighbour["path"]).name for neighbour in several["neighbours"]}
    assert names == {*NAMES} - {"a.wav", "b.wav"}


def test_paths_flow_through_pipes(run_cli: RunCli, ready: Path) -> None:
    """--paths prints what `query -` reads, with names that are hard on shells."""
    library = ["--quiet", "--library", str(ready / "library")]
    printed = run_cli(*library, "--paths", "-0", "query", "1", "-k", "5").out
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *library, "--json", "-0", "query", "-", "-k", "5"],
        input=printed.encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert [n["id"] for n in json.loads(ended.stdout)["neighbours"]] == [1]


def test_a_file_from_elsewhere(run_cli: RunCli, ready: Path, tmp_path: Path) -> None:
    """A new file is encoded; a copy of a stored one is not, and copies are marked or left out."""
    library = ("--json", "--library", str(ready / "library"))
    write_song(tmp_path / "new.wav", 77)
    new = json.loads(run_cli(*library, "query", str(tmp_path / "new.wav")).out)
    assert new["query"][0]["id"] is None
    assert len(new["neighbours"]) == 6
    assert not any(n["is_duplicate"] for n in new["neighbours"])
    copy = tmp_path / "copy.wav"
    shutil.copyfile(ready / "music" / "b.wav", copy)
    marked = json.loads(run_cli(*library, "query", str(copy)).out)["neighbours"]
    assert [Path(n["path"]).name for n in marked if n["is_duplicate"]] == ["b.wav"]
    assert marked[0]["distance"] == pytest.approx(0, abs=1e-5)
    dropped = json.loads(run_cli(*library, "query", str(copy), "--no-duplicates").out)
    assert "b.wav" not in {Path(n["path"]).name for n in dropped["neighbours"]}
    part = run_cli(*library, "query", str(copy), "--start", "1", "--seconds", "2.5")
    first = json.loads(part.out)["neighbours"][0]
    assert Path(first["path"]).name == "b.wav"
    assert first["distance"] > 0


def test_reasons(run_cli: RunCli, ready: Path) -> None:
    """--explain names stretches that lie in both files, what is alike, and what was left out."""
    line = ("--library", str(ready / "library"), "query", "1", "-k", "2", "--where", "id>=3")
    document = json.loads(run_cli("--json", *line, "--explain").out)
    assert {left["reason"] for left in document["left_out"]} <= {"where"}
    for neighbour in document["neighbours"]:
        reasons = neighbour["explanation"]
        assert reasons["stretches"]
        for stretch in reasons["stretches"]:
            for begins, ends in (stretch["seconds"], stretch["query_seconds"]):
                assert 0 <= begins < ends <= 4.1
        assert all(0 <= reasons[name] <= 1 for name in ("timbre", "rhythm", "harmony"))
    table = run_cli(*line, "--explain").out
    assert "sounds like 0:0" in table
    assert document["neighbours"][0]["explanation"]["sentence"] in table


def test_an_empty_answer_is_no_error(run_cli: RunCli, ready: Path) -> None:
    """Nothing scores so high: an empty list and 0."""
    line = ("--json", "--library", str(ready / "library"), "query", "1", "--where", "id=1")
    ended = run_cli(*line)
    assert (ended.code, json.loads(ended.out)["neighbours"]) == (0, [])
