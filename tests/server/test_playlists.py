"""Playlists over HTTP: made, judged, and saved."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.playlists.files.files import read_playlist
from tests.server.conftest import ODD_TITLE

PLAYLIST = "/api/v1/playlist"


def test_keep_and_drop_solve_it_anew(client: TestClient) -> None:
    """The new list has what is kept, and not what is dropped."""
    first = [track["id"] for track in client.post(PLAYLIST, json={"seeds": [1]}).json()["tracks"]]
    kept, dropped = first[1], first[2]
    question = {"judged": first, "keep": [kept], "drop": [dropped], "length": 5}
    again = [track["id"] for track in client.post(PLAYLIST, json=question).json()["tracks"]]
    assert kept in again
    assert dropped not in again


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"seeds": ["/etc/passwd"]}, "seeds.0"),
        ({"seeds": [1], "minutes": -1}, "minutes"),
        ({"seeds": [1], "colour": "red"}, "colour"),
        ({"seeds": [1], "where": "genre="}, "value"),
        ({"judged": [1, 2], "drop": [3]}, "judged"),
        ({}, "nothing to start from"),
        ({"seeds": [99]}, "99"),
    ],
)
def test_a_wrong_question_is_said_in_one_line(
    client: TestClient, question: dict[str, object], reason: str
) -> None:
    """Each mistake of a client is a status of 4xx, and names what is wrong."""
    answer = client.post(PLAYLIST, json=question)
    assert 400 <= answer.status_code < 500
    assert reason in answer.json()["error"]


@pytest.mark.parametrize("suffix", ["m3u8", "xspf", "json"])
def test_a_saved_list_is_read_again(client: TestClient, tmp_path: Path, suffix: str) -> None:
    """A list is sent as a file, whose name cannot leave the folder; titles stay on one line."""
    wanted = {"ids": [1, 3], "format": suffix, "name": "../my list"}
    answer = client.post(f"{PLAYLIST}/file", json=wanted)
    assert "..%2Fmy%20list." in answer.headers["content-disposition"]
    path = tmp_path / f"list.{suffix}"
    path.write_bytes(answer.content)
    entries = read_playlist(path)
    assert [Path(entry.path).name for entry in entries] == ["00.flac", "02.flac"]
    if suffix != "json":
        assert "\x1b" not in answer.text
    assert ODD_TITLE.isprintable() is False
