"""Copies, doubtful labels, and tags that are mended from the page."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from index.labels.files.tag_writing import read_field
from soundalike.server.gate import PAGE_TOKEN_HEADER
from soundalike.server.settings import ServerSettings
from tests.index.vector_library import library_of, unit_vectors
from tests.server.conftest import client_of


def asking(folder: Path) -> TestClient:
    """A client of a library's server that may change things."""
    settings = ServerSettings(folder)
    client = client_of(settings)
    client.headers[PAGE_TOKEN_HEADER] = settings.page_token
    return client


def test_copies_are_shown_together(tmp_path: Path) -> None:
    """Tracks of one recording are a group, and others are none."""
    library_of(tmp_path / "library", unit_vectors(5), digests=[1, 2, 1, 3, 1]).close()
    with asking(tmp_path / "library") as client:
        answer = client.get("/api/v1/library/duplicates").json()
    assert answer["total"] == 1
    assert [track["id"] for track in answer["recordings"][0]] == [1, 3, 5]


def test_a_label_that_all_neighbours_contradict_is_doubtful(tmp_path: Path) -> None:
    """One track of another genre amid forty is named, with what the neighbours say."""
    generator = np.random.default_rng(0)
    vectors = np.ones((40, 8)) + 0.05 * generator.standard_normal((40, 8))
    tags = [{"genre": "jazz", "artist": f"Artist {row}"} for row in range(40)]
    tags[7]["genre"] = "metal"
    library_of(tmp_path / "library", vectors, tags).close()
    with asking(tmp_path / "library") as client:
        (doubt,) = client.get("/api/v1/library/doubtful").json()["tracks"]
    assert (doubt["id"], doubt["own_label"], doubt["label"]) == (8, "metal", "jazz")
    assert "10 of 10 neighbours" in doubt["evidence"]


@pytest.fixture
def own_copy(served_folder: Path, tmp_path: Path) -> Iterator[tuple[TestClient, Path]]:
    """A client of a copy of the library, and the file of track 2, as it was afterwards."""
    shutil.copytree(served_folder / "library", tmp_path / "library")
    song = served_folder / "music" / "01.flac"
    shutil.copy2(song, tmp_path / "kept.flac")
    with asking(tmp_path / "library") as client:
        yield client, song
    shutil.copy2(tmp_path / "kept.flac", song)


def test_a_label_is_written_and_undone(own_copy: tuple[TestClient, Path]) -> None:
    """A click changes the file's tag, and another one brings the old tag back."""
    client, song = own_copy
    answer = client.post("/api/v1/labels", json={"id": 2, "field": "genre", "value": "blues"})
    assert read_field(song, "genre").labels == ("blues",)
    undone = client.post("/api/v1/labels/undo", json={"journal": answer.json()["journal"]})
    assert undone.json() == {"restored": 1}
    assert read_field(song, "genre").labels == ("jazz",)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "no-such.ndjson", ".."])
def test_only_a_journal_of_the_library_is_undone(
    own_copy: tuple[TestClient, Path], name: str
) -> None:
    """A journal is named by its name alone."""
    client, _ = own_copy
    assert client.post("/api/v1/labels/undo", json={"journal": name}).status_code in {404, 422}
