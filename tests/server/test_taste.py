"""Events over the API: judging, plays and skips, export and deletion, and what they change."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.library import Library
from soundalike.server.gate import PAGE_TOKEN_HEADER
from soundalike.server.routes.taste import MAX_EVENTS
from soundalike.server.settings import ServerSettings
from tests.server.conftest import client_of

API = "/api/v1/taste"


@pytest.fixture
def own_client(served_folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a copy of the library, so that events stay in this test."""
    shutil.copytree(served_folder / "library", tmp_path / "library")
    settings = ServerSettings(tmp_path / "library")
    with client_of(settings) as client:
        client.headers[PAGE_TOKEN_HEADER] = settings.page_token
        client.delete(f"{API}/events?everything=true")  # the page's tests play songs
        yield client


def test_a_judgement_replaces_the_opposite_one(own_client: TestClient) -> None:
    """A like after a dislike counts alone, at once, and null takes it back."""
    for verdict in ("dislike", "like"):
        own_client.put(f"{API}/verdicts/3", json={"verdict": verdict})
    assert own_client.get(f"{API}/verdicts").json() == {"likes": [3], "dislikes": []}
    assert own_client.get(API).json()["counts"]["dislike"] == 0
    own_client.put(f"{API}/verdicts/3", json={"verdict": None})
    assert own_client.get(f"{API}/verdicts").json() == {"likes": [], "dislikes": []}


def test_events_of_the_page_are_stored_with_their_source(own_client: TestClient) -> None:
    """Plays and skips are listed by `/taste`, the latest first."""
    events = [{"id": 2, "kind": "play", "happened": 10}, {"id": 4, "kind": "skip", "happened": 20}]
    assert own_client.post(f"{API}/events", json={"events": events}).json()["stored"]
    report = own_client.get(API).json()
    assert [(e["id"], e["event"], e["source"]) for e in report["events"]] == [
        (4, "skip", "page"),
        (2, "play", "page"),
    ]
    missing = own_client.post(f"{API}/events", json={"events": [{"id": 999, "kind": "play"}]})
    assert missing.status_code == 404


def test_an_event_needs_the_token_of_the_page(own_client: TestClient) -> None:
    """Another page can neither record nor delete."""
    del own_client.headers[PAGE_TOKEN_HEADER]
    body = {"events": [{"id": 2, "kind": "play"}]}
    assert own_client.post(f"{API}/events", json=body).status_code == 403
    assert own_client.put(f"{API}/verdicts/2", json={"verdict": "like"}).status_code == 403
    assert own_client.delete(f"{API}/events?everything=true").status_code == 403


def test_the_export_can_be_imported(own_client: TestClient, tmp_path: Path) -> None:
    """What the page exports is a file of `taste import`."""
    own_client.put(f"{API}/verdicts/3", json={"verdict": "like"})
    answer = own_client.get(f"{API}/export")
    assert "taste.json" in answer.headers["content-disposition"]
    (tmp_path / "taste.json").write_bytes(answer.content)
    own_client.delete(f"{API}/events?everything=true")
    with Library.open(tmp_path / "library") as library:
        assert library.taste.import_file(tmp_path / "taste.json").n_added == 1


def test_events_are_deleted_by_track_or_all(own_client: TestClient) -> None:
    """Nothing is deleted without a track, unless everything is named."""
    events = [{"id": number, "kind": "play", "happened": 5} for number in (1, 2, 3)]
    own_client.post(f"{API}/events", json={"events": events})
    assert own_client.delete(f"{API}/events").status_code == 422
    assert own_client.delete(f"{API}/events?id=2").json() == {"deleted": 1}
    assert own_client.delete(f"{API}/events?everything=true").json() == {"deleted": 2}


def test_taste_changes_similar_tracks_only_where_asked(own_client: TestClient) -> None:
    """With taste, a liked artist's tracks move up; without it nothing moves."""
    plain = [n["id"] for n in own_client.get("/api/v1/similar?id=1").json()["neighbours"]]
    of_artist = [track for track in plain if track % 4 == 3]
    for track in plain[:-1]:
        verdict = "like" if track in of_artist else "dislike"
        own_client.put(f"{API}/verdicts/{track}", json={"verdict": verdict})
    again = own_client.get("/api/v1/similar?id=1").json()["neighbours"]
    assert [n["id"] for n in again] == plain
    tasted = own_client.get("/api/v1/similar?id=1&taste=1").json()["neighbours"]
    assert {n["id"] for n in tasted[: len(of_artist)]} == set(of_artist)


def test_a_daily_mix_starts_from_likes(own_client: TestClient) -> None:
    """The kinds of playlists work over the API, and say what is missing before."""
    body = {"kind": "daily-mix", "length": 3}
    assert own_client.post("/api/v1/playlist", json=body).status_code == 422
    own_client.put(f"{API}/verdicts/3", json={"verdict": "like"})
    answer = own_client.post("/api/v1/playlist", json=body).json()
    assert len(answer["tracks"]) == 3
    assert set(answer["flow"]) == {"energy", "tempo"}


def test_unknown_tracks_and_long_lists_are_refused(own_client: TestClient) -> None:
    """An event of a track that is not there, too many at once, and a wrong kind store nothing."""
    wrong = [
        ([{"id": 999, "kind": "play"}], 404),
        ([{"id": 1, "kind": "play"}] * (MAX_EVENTS + 1), 422),
        ([{"id": 1, "kind": "love"}], 422),
        ([], 422),
    ]
    for events, status in wrong:
        reply = own_client.post("/api/v1/taste/events", json={"events": events})
        assert reply.status_code == status
    assert own_client.put("/api/v1/taste/verdicts/999", json={"verdict": "like"}).status_code == 404
    assert own_client.get("/api/v1/taste").json()["counts"]["play"] == 0
