"""A reader of the server may be a moment older than the catalogue."""

import shutil
from pathlib import Path

import pytest

from index.library import Library
from soundalike.server import libraries
from soundalike.server.settings import ServerSettings
from tests.server.conftest import client_of


def test_an_answer_from_before_a_change_is_not_the_newest(
    served_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that is a moment old answers with its own ETag, so the next request is answered."""
    folder = tmp_path / "library"
    shutil.copytree(served_folder / "library", folder)
    monkeypatch.setattr(libraries, "REFRESH_SECONDS", 3600.0)
    with client_of(ServerSettings(folder)) as client:
        total = client.get("/api/v1/tracks").json()["total"]
        with Library.open(folder) as library:
            library.remove([1])
        old = client.get("/api/v1/tracks")  # of the reader from before
        assert old.json()["total"] == total
        monkeypatch.setattr(libraries, "REFRESH_SECONDS", 0.0)
        new = client.get("/api/v1/tracks", headers={"if-none-match": old.headers["etag"]})
        assert (new.status_code, new.json()["total"]) == (200, total - 1)
