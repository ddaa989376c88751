"""Asking about a file that is not in the library."""

import tempfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

ADDRESS = "/api/v1/uploads/similar"


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Temporary files of the server are in a folder that can be looked at."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_file_finds_itself_and_is_deleted(
    client: TestClient, served_folder: Path, tmp_path: Path
) -> None:
    """A copy of a track has that track first; the server keeps no file, and tells no path."""
    data = (served_folder / "music" / "03.flac").read_bytes()
    answer = client.post(ADDRESS, params={"name": "/a/b/mine.flac", "k": 3}, content=data)
    assert answer.status_code == 200
    assert answer.json()["neighbours"][0]["id"] == 4
    assert answer.json()["query"][0]["path"] == "mine.flac"
    assert list(tmp_path.glob("soundalike-*")) == []


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("x.mp3", b"no music at all", 422),
        ("x.mp3", b"", 422),
        ("x.txt", b"text", 422),
        ("x.flac", b"fLaC" + bytes(2000), 422),
    ],
)
def test_what_is_no_music_is_refused(
    client: TestClient, tmp_path: Path, name: str, content: bytes, status: int
) -> None:
    """A broken file is the client's mistake; the answer names no folder of this machine."""
    answer = client.post(ADDRESS, params={"name": name}, content=content)
    assert answer.status_code == status
    assert str(tmp_path) not in answer.text
    assert list(tmp_path.glob("soundalike-*")) == []
