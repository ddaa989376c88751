"""The API keeps to its own description, whatever is sent."""

import json
import shutil
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from soundalike.server.app import create_app
from soundalike.server.gate import PAGE_TOKEN_HEADER
from soundalike.server.lyrion.router import Lyrion
from soundalike.server.settings import ServerSettings

N_REQUESTS = 12
QUICK = settings(
    max_examples=N_REQUESTS,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
HEADERS = {"host": "127.0.0.1"}


def test_no_request_ends_in_an_error_of_ours(served_folder: Path, tmp_path: Path) -> None:
    """Random requests of the described forms get an answer, or a refusal with one sentence."""
    shutil.copytree(served_folder / "library", tmp_path / "library")
    settings = ServerSettings(tmp_path / "library")
    app = create_app(settings, lyrion=Lyrion((Path("/music"),)))
    headers = HEADERS | {PAGE_TOKEN_HEADER: settings.page_token}
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HEADERS)
    statuses: list[int] = []
    for described in schema.get_all_operations():
        operation = described.ok()

        @QUICK
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            response = case.call(headers=headers)
            statuses.append(response.status_code)
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            if response.status_code >= 400:
                assert set(response.json()) == {"error"}

        ask()
    assert 200 in statuses
    assert 422 in statuses


def test_every_route_says_what_it_answers(client: TestClient) -> None:
    """Each address has a summary and a description in the API's document, with no stray wording."""
    document = client.get("/api/openapi.json").json()
    for address, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], address
    assert "/api/v1/similar" in document["paths"]
    json.dumps(document)
