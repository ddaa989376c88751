"""`--store lance:…` on the command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import RunCli


def test_index_keeps_its_vectors_in_a_table(
    run_cli: RunCli, ready: Path, tmp_path: Path, model: Path
) -> None:
    """Later runs and every search use the table, and find what the FAISS store finds."""
    line = ("--json", "--library", str(tmp_path / "library"))
    music = str(ready / "music")
    store = ("--store", f"lance:{tmp_path / 'tables'}")
    assert run_cli(*line, "index", music, "--model", str(model), *store).code == 5
    info = json.loads(run_cli(*line, "library", "info").out)
    assert info["store"]["kind"] == "lance-exact"
    assert info["why"] == f"chosen with '--store lance:{tmp_path / 'tables'}'"
    assert run_cli(*line, "index", music).code in (0, 5)
    asked = json.loads(run_cli(*line, "query", "1").out)["neighbours"]
    by_faiss = json.loads(run_cli("--json", "--library", str(ready / "library"), "query", "1").out)[
        "neighbours"
    ]
    assert [track["id"] for track in asked] == [track["id"] for track in by_faiss]
    assert [track["distance"] for track in asked] == pytest.approx(
        [track["distance"] for track in by_faiss], abs=1e-6
    )
    assert json.loads(run_cli(*line, "library", "verify").out)["ok"] is True
    filtered = run_cli(*line, "query", "1", "--where", "id<=3")
    assert filtered.code == 0


def test_a_new_library_is_not_made_for_a_wrong_store(
    run_cli: RunCli, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong kind, and a missing extra, are errors of usage."""
    line = ("--library", str(tmp_path / "library"), "index", str(ready / "music"))
    wrong = run_cli(*line, "--store", "lance")
    assert (wrong.code, "needs an address" in wrong.err) == (2, True)
    monkeypatch.setitem(sys.modules, "lancedb", None)
    missing = run_cli(*line, "--store", f"lance:{tmp_path / 'tables'}")
    assert (missing.code, "extra 'cluster'" in missing.err) == (2, True)
    assert not (tmp_path / "library").exists()


def test_a_library_with_a_table_names_the_missing_extra(
    run_cli: RunCli, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searching needs LanceDB, too; going back to FAISS does not."""
    from index.vectors.lance_part import _connection

    line = ("--library", str(place / "library"))
    assert run_cli(*line, "library", "rebuild", "--store", f"lance:{tmp_path / 't'}").code == 0
    _connection.cache_clear()
    monkeypatch.setitem(sys.modules, "lancedb", None)
    query = run_cli(*line, "query", "1")
    assert (query.code, "extra 'cluster'" in query.err) == (2, True)
    assert run_cli(*line, "library", "rebuild", "--store", "auto").code == 0
    assert run_cli(*line, "query", "1").code == 0
