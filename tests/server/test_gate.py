"""Who is answered: names, origins, tokens, lengths, and the headers of every answer."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from embedder.errors import UsageError
from soundalike.server import gate
from soundalike.server.gate import PAGE_TOKEN_HEADER
from soundalike.server.settings import ServerSettings
from tests.server.conftest import client_of

TOKEN = "a-long-secret-token"  # noqa: S105 - of a test
TRACKS = "/api/v1/tracks"
START = {"ids": [1], "format": "m3u8"}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "a@127.0.0.1", "x y"]
)
def test_another_name_is_refused(client: TestClient, host: str) -> None:
    """A name that was pointed at this machine gets nothing (DNS rebinding)."""
    answer = client.get(TRACKS, headers={"host": host})
    assert answer.status_code == 421
    assert "tracks" not in answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:8000"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    """The loopback's names are answered, with any port."""
    assert client.get(TRACKS, headers={"host": host}).status_code == 200


def test_another_page_may_not_ask(client: TestClient) -> None:
    """A request that another page makes is refused, and gets no CORS header."""
    answer = client.get(TRACKS, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_page_may_ask(settings: ServerSettings) -> None:
    """An origin that was named may read answers."""
    origin = "https://player.example"
    with client_of(replace(settings, allowed_origins=(origin,))) as client:
        answer = client.get(TRACKS, headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_change_needs_the_token_of_the_page(settings: ServerSettings, token: str | None) -> None:
    """A form of another page can post here, but knows no token."""
    headers = {} if token is None else {PAGE_TOKEN_HEADER: token.encode()}
    with client_of(settings) as client:
        answer = client.post("/api/v1/playlist/file", json=START, headers=headers)
    assert answer.status_code == 403


def test_the_page_holds_its_token(client: TestClient, settings: ServerSettings) -> None:
    """The page that is sent holds the token with which a change is accepted."""
    assert f'content="{settings.page_token}"' in client.get("/").text
    assert client.post("/api/v1/playlist/file", json=START).status_code == 200


def test_another_host_needs_a_token() -> None:
    """A server that others can reach is not started without a token."""
    with pytest.raises(UsageError, match="--token"):
        ServerSettings(Path("library"), host="0.0.0.0")  # noqa: S104 - refused


@pytest.fixture
def guarded(settings: ServerSettings) -> ServerSettings:
    """A server that demands a token."""
    return replace(settings, token=TOKEN)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {TOKEN}"},
        {"cookie": f"{gate.COOKIE}={TOKEN}"},
    ],
)
def test_the_token_opens_the_server(guarded: ServerSettings, headers: dict[str, str]) -> None:
    """The token is taken as Bearer and as a cookie."""
    with client_of(guarded) as client:
        assert client.get(TRACKS, headers=headers).status_code == 200
        assert client.get(TRACKS).status_code == 401
        wrong = {name: value + "x" for name, value in headers.items()}
        assert client.get(TRACKS, headers=wrong).status_code == 401


def test_a_token_in_the_address_becomes_a_cookie(guarded: ServerSettings) -> None:
    """The page is opened once with the token; the address loses it, and a cookie keeps it."""
    with client_of(guarded) as client:
        answer = client.get("/", params={"token": TOKEN}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert client.get("/").status_code == 200


def test_guessing_tokens_is_slowed_down(guarded: ServerSettings) -> None:
    """After many wrong tokens, even the right one has to wait."""
    with client_of(guarded) as client:
        for _ in range(gate.MAX_FAILED_LOGINS):
            client.get(TRACKS, headers={"authorization": "Bearer guess"})
        answer = client.get(TRACKS, headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


def test_every_answer_has_the_headers(client: TestClient) -> None:
    """The page, the data and refusals carry the policy; no script may stand inline."""
    for answer in (client.get("/"), client.get(TRACKS), client.get("/nosuch"), client.put(TRACKS)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_long_requests_are_refused(client: TestClient) -> None:
    """An address and a body have a bound, whatever their length is said to be."""
    assert client.get(TRACKS, params={"where": "x" * 9000}).status_code == 414
    body = b" " * (gate.MAX_BODY_BYTES + 1)
    assert client.post("/api/v1/playlist", content=body).status_code == 413

    def chunks() -> object:
        for _ in range(20):
            yield b" " * (1 << 17)

    assert client.post("/api/v1/playlist", content=chunks()).status_code == 413  # type: ignore[arg-type]  # a generator is sent in chunks
