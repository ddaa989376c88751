"""Lists, single tracks and audio files over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import RunCli
from tests.server.conftest import N_SONGS, ODD_TITLE

TRACKS = "/api/v1/tracks"


def test_pages_follow_each_other(client: TestClient) -> None:
    """The cursor of each page leads to the next one; together they are all tracks, once."""
    ids: list[int] = []
    cursor = ""
    while cursor is not None:
        page = client.get(TRACKS, params={"limit": 5, "cursor": cursor}).json()
        ids += [track["id"] for track in page["tracks"]]
        cursor = page["next_cursor"]
    assert ids == list(range(1, N_SONGS + 1))
    assert page["total"] == N_SONGS


@pytest.mark.parametrize("cursor", ["5", "from-", "from--1", "from-٣", "x" * 33])
def test_a_wrong_cursor_is_refused(client: TestClient, cursor: str) -> None:
    """A cursor that no page gave is the client's mistake."""
    answer = client.get(TRACKS, params={"cursor": cursor})
    assert answer.status_code == 422
    assert "cursor" in answer.json()["error"]


def test_search_finds_as_the_command_does(client: TestClient) -> None:
    """Words find the tracks that `library find` finds, also while the last is being typed."""
    found = client.get("/api/v1/search", params={"q": "CROSSING zeb"}).json()
    assert [track["title"] for track in found["tracks"]] == ["Zebra crossing"]
    filtered = client.get("/api/v1/search", params={"q": "zebra", "where": "genre=rock"}).json()
    assert filtered["tracks"] == []


def test_titles_are_data(client: TestClient) -> None:
    """A title with a script and control characters is JSON text, of a type that runs nowhere."""
    answer = client.get(f"{TRACKS}/1")
    assert answer.json()["title"] == ODD_TITLE
    assert answer.headers["content-type"] == "application/json"


def test_a_track_has_all_its_fields(client: TestClient) -> None:
    """One track comes with every tag."""
    track = client.get(f"{TRACKS}/2").json()
    assert track["fields"]["genre"] == ["jazz"]
    assert track["fields"]["artist"] == ["Artist 1"]


def test_an_answer_that_is_known_is_not_sent_again(client: TestClient) -> None:
    """The ETag of an answer stands until the library changes."""
    first = client.get(TRACKS)
    again = client.get(TRACKS, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"{TRACKS}?limit=2", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


def test_audio_is_the_file(client: TestClient, served_folder: Path) -> None:
    """The bytes of the file, whole and in ranges."""
    data = (served_folder / "music" / "03.flac").read_bytes()
    address = f"{TRACKS}/4/audio"
    whole = client.get(address)
    assert whole.content == data
    assert whole.headers["content-type"] == "audio/flac"
    head = client.head(address)
    assert (head.content, int(head.headers["content-length"])) == (b"", len(data))
    for text, part in (
        ("bytes=0-9", data[:10]),
        ("bytes=10-", data[10:]),
        ("bytes=-7", data[-7:]),
        (f"bytes=5-{len(data) * 2}", data[5:]),
    ):
        answer = client.get(address, headers={"range": text})
        assert answer.status_code == 206, text
        assert answer.content == part, text
    beyond = client.get(address, headers={"range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(data)}"


@pytest.mark.parametrize(
    "place",
    [
        "/api/v1/tracks/999/audio",
        "/api/v1/tracks/0/audio",
        "/api/v1/tracks/99999999999999999999/audio",
        "/api/v1/tracks/..%2f..%2fetc%2fpasswd/audio",
        "/api/v1/tracks/%2fetc%2fpasswd/audio",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/..%5capp.py",
    ],
)
def test_no_address_leads_to_another_file(client: TestClient, place: str) -> None:
    """Ids name files, paths do not."""
    answer = client.get(place)
    assert answer.status_code in {404, 422}
    assert b"root:" not in answer.content
    assert b"import" not in answer.content


@pytest.fixture
def moved_song(served_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The path of track 5, whose file is back after the test."""
    path = served_folder / "music" / "04.flac"
    kept = tmp_path / "kept.flac"
    path.rename(kept)
    yield path
    path.unlink(missing_ok=True)
    kept.rename(path)


def test_a_link_set_later_is_not_followed(
    client: TestClient, moved_song: Path, tmp_path: Path
) -> None:
    """A link in place of an indexed file leads nowhere, whatever it points to."""
    for target in (Path("/etc/passwd"), tmp_path / "private.flac"):
        (tmp_path / "private.flac").write_bytes(b"private")
        moved_song.unlink(missing_ok=True)
        moved_song.symlink_to(target)
        assert client.get(f"{TRACKS}/5/audio").status_code == 404


def test_a_file_that_is_gone_is_404(client: TestClient, moved_song: Path) -> None:
    """A missing file is said to be gone, without its path."""
    answer = client.get(f"{TRACKS}/5/audio")
    assert answer.status_code == 404
    assert answer.json() == {"error": "the file of track 5 is gone"}


def test_json_is_that_of_the_command(
    client: TestClient, run_cli: RunCli, served_folder: Path
) -> None:
    """`/similar` is `query --json` with its notes, and `/label` is `label --json`."""
    line = ("--json", "--library", str(served_folder / "library"))
    printed = json.loads(run_cli(*line, "query", "3", "-k", "4").out)
    assert client.get("/api/v1/similar", params={"id": 3, "k": 4}).json() == {
        **printed,
        "notes": [],
    }
    printed = json.loads(run_cli(*line, "label", "3", "-k", "4").out)
    assert client.get("/api/v1/label", params={"id": 3, "k": 4}).json() == printed
