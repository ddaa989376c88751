"""Indexing from the page, and answers while another process is writing."""

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.library import Library
from soundalike.server import libraries
from soundalike.server.gate import PAGE_TOKEN_HEADER
from soundalike.server.settings import ServerSettings
from tests.cli.songs import write_song
from tests.index.vector_library import library_of, unit_vectors
from tests.server.conftest import N_SONGS, client_of


def test_a_folder_is_indexed_in_a_process_of_its_own(
    client: TestClient, served_folder: Path
) -> None:
    """The events of a job end with its result."""
    question = {"paths": [str(served_folder / "music")]}
    started = client.post("/api/v1/jobs", json=question)
    assert started.status_code == 202
    events = client.get(f"/api/v1/jobs/{started.json()['id']}/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    last = json.loads(events.text.strip().rpartition("data: ")[2])
    assert last["state"] == "done"
    assert last["result"]["unchanged"] == N_SONGS


@pytest.mark.parametrize("path", ["music", "/no/such/folder", "/a\0b", ""])
def test_only_a_folder_of_this_machine_is_indexed(client: TestClient, path: str) -> None:
    """A path must be whole, and exist."""
    assert client.post("/api/v1/jobs", json={"paths": [path]}).status_code == 422
    assert client.get("/api/v1/jobs").json() == {"jobs": []}


def test_a_failed_job_says_why(served_folder: Path, tmp_path: Path) -> None:
    """A job whose library is locked ends as failed, with the reason and without paths."""
    shutil.copytree(served_folder / "library", tmp_path / "library")
    write_song(tmp_path / "music" / "a.wav", 99)
    settings = ServerSettings(tmp_path / "library")
    with client_of(settings) as client, Library.open(tmp_path / "library") as library:
        client.headers[PAGE_TOKEN_HEADER] = settings.page_token
        with library.writing():
            job = client.post("/api/v1/jobs", json={"paths": [str(tmp_path / "music")]}).json()
            client.get(f"/api/v1/jobs/{job['id']}/events")
        job = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert job["state"] == "failed"
    assert "is writing to the library" in job["error"]
    assert str(tmp_path) not in job["error"]


def test_what_a_job_wrote_is_seen_at_its_end(
    served_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader from before the end is not used again, however short the job was."""
    monkeypatch.setattr(libraries, "REFRESH_SECONDS", 3600.0)
    shutil.copytree(served_folder / "library", tmp_path / "library")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "broken.mp3").write_bytes(b"this is no music" * 100)
    settings = ServerSettings(tmp_path / "library")
    with client_of(settings) as client:
        client.headers[PAGE_TOKEN_HEADER] = settings.page_token
        assert client.get("/api/v1/library/failures").json()["total"] == 0
        job = client.post("/api/v1/jobs", json={"paths": [str(tmp_path / "music")]}).json()
        client.get(f"/api/v1/jobs/{job['id']}/events")
        assert client.get("/api/v1/library/failures").json()["total"] == 1


@pytest.fixture
def small_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of six vectors, which readers look at anew for each request."""
    monkeypatch.setattr(libraries, "REFRESH_SECONDS", 0.0)
    library_of(tmp_path / "library", unit_vectors(6)).close()
    return tmp_path / "library"


def ids_near(client: TestClient) -> set[int]:
    """The neighbours of the first track."""
    answer = client.get("/api/v1/similar", params={"id": 1, "k": 9})
    return {track["id"] for track in answer.json()["neighbours"]}


def test_an_answer_does_not_wait_for_a_writer(small_library: Path) -> None:
    """While another process writes, an answer is of the time before, and comes at once."""
    with (
        client_of(ServerSettings(small_library)) as client,
        Library.open(small_library) as writer,
        writer.writing() as catalogue,
        catalogue.database.transaction(),
    ):
        catalogue.database.run("UPDATE tracks SET is_gone = 1 WHERE id = 2")
        assert ids_near(client) == {2, 3, 4, 5, 6}


def test_an_answer_is_of_the_library_as_it_is_now(small_library: Path) -> None:
    """What was removed after the server started is in no answer."""
    with client_of(ServerSettings(small_library)) as client:
        assert 3 in ids_near(client)
        with Library.open(small_library) as writer:
            writer.remove([3])
        assert ids_near(client) == {2, 4, 5, 6}
