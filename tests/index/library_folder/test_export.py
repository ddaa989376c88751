"""The files that `library export` writes."""

import json
import os
from pathlib import Path

from index.library_folder.export import export_library
from tests.index.vector_library import library_of, unit_vectors


def test_json_is_valid_for_any_path(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are escaped in `path` and complete in `location`."""
    tags = [{"path": os.fsdecode(b"/m/caf\xe9.mp3")}, {"path": "/m/b.mp3"}]
    library = library_of(tmp_path / "library", unit_vectors(2), tags)
    export_library(library, tmp_path / "all.json")
    first, second = json.loads((tmp_path / "all.json").read_text())
    assert (first["path"], first["location"]) == ("/m/caf\\xe9.mp3", "file:///m/caf%E9.mp3")
    assert (second["path"], "location" in second) == ("/m/b.mp3", False)
