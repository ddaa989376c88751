"""Behaviour of `soundalike taste`."""

import json
from pathlib import Path

from index.taste.request import EventRequest
from tests.conftest import RunCli
from tests.index.vector_library import library_of, unit_vectors


def test_events_are_shown_exported_and_forgotten(tmp_path: Path, run_cli: RunCli) -> None:
    """The table, the file and the question before everything goes."""
    folder = tmp_path / "library"
    with library_of(
        folder, unit_vectors(6), [{"artist": "A", "title": f"T{n}"} for n in range(6)]
    ) as library:
        library.taste.record([EventRequest(2, "like", 100), EventRequest(4, "skip", 200)])
    taste = ("--library", str(folder), "taste")
    shown = json.loads(run_cli(*taste, "show", "--json").out)
    assert [(e["event"], e["id"]) for e in shown["events"]] == [("skip", 4), ("like", 2)]
    assert "1 like, 0 dislike, 1 skip, 0 play" in run_cli(*taste, "show").err
    assert run_cli(*taste, "export", str(tmp_path / "taste.json")).code == 0
    assert run_cli(*taste, "forget").code == 2
    assert "1 events deleted" in run_cli(*taste, "forget", "2").err
    imported = run_cli(*taste, "import", str(tmp_path / "taste.json"))
    assert "2 of 2 events belong to tracks of the library, 1 are new" in imported.err
    assert "nothing found" in imported.err
