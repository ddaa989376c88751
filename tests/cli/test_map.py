"""`soundalike map`: files, messages and exit codes."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunCli
from tests.index.map.map_library import MapLibrary


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library of twelve tracks: few enough to be drawn at once."""
    MapLibrary(tmp_path / "library").grow(12).close()
    return tmp_path / "library"


@pytest.mark.parametrize(
    ("name", "start"),
    [("m.html", b"<!doctype html>"), ("m.png", b"\x89PNG"), ("m.svg", b"<?xml"), ("m.csv", b"id,")],
)
def test_the_suffix_says_what_is_drawn(
    run_cli: RunCli, library: Path, tmp_path: Path, name: str, start: bytes
) -> None:
    """A page, two kinds of picture, a table; the report is one JSON document."""
    line = ("map", "--library", str(library), "-o", str(tmp_path / name), "--json")
    ended = run_cli(*line, "--dimensions", "3", "--colour", "year")
    assert ended.code == 0
    report = json.loads(ended.out)
    assert (report["tracks"], report["dimensions"], report["colour"]) == (12, 3, "year")
    assert 0.5 < report["trustworthiness"] <= 1
    assert (tmp_path / name).read_bytes().startswith(start)
    assert "too few for UMAP" in ended.err


def test_without_a_file_a_page_is_written_here(
    run_cli: RunCli, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """map.html in the working folder, whose name --paths prints; again only with --force."""
    monkeypatch.chdir(tmp_path)
    line = ("map", "--library", str(library), "--paths", "--title", "Mine")
    assert run_cli(*line).out == "map.html\n"
    assert "<title>Mine</title>" in (tmp_path / "map.html").read_text(encoding="utf-8")
    again = run_cli(*line)
    assert again.code == 2
    assert "--force" in again.err
    assert run_cli(*line, "--force").code == 0


def test_wrong_words_are_usage_errors(run_cli: RunCli, library: Path, tmp_path: Path) -> None:
    """Unknown fields and kinds list the valid ones; nothing is written."""
    line = ("map", "--library", str(library), "-o")
    field = run_cli(*line, str(tmp_path / "a.csv"), "--colour", "gener")
    assert (field.code, "Did you mean genre?" in field.err) == (2, True)
    kind = run_cli(*line, str(tmp_path / "a.pdf"))
    assert (kind.code, ".html" in kind.err) == (2, True)
    assert run_cli(*line, str(tmp_path / "a.csv"), "--dimensions", "4").code == 2
    assert not list(tmp_path.glob("a.*"))


def test_no_library_says_what_to_do(run_cli: RunCli, tmp_path: Path) -> None:
    """One line, the code of bad input, and the command that makes a library."""
    ended = run_cli("map", "--library", str(tmp_path), "-o", str(tmp_path / "map.html"))
    assert ended.code == 3
    assert "soundalike index" in ended.err
