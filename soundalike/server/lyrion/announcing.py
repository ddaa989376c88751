"""Tell Lyrion Music Server where this server answers, as bliss-mixer does at its start."""

import json
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from embedder.errors import BadInput, UsageError

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 1 << 20


def check_address(server: str) -> None:
    """Raise UsageError for an address that is not HOST:PORT."""
    parts = urlsplit(f"//{server}")
    try:
        is_address = bool(parts.hostname and parts.port) and parts.netloc == server
    except ValueError:
        is_address = False
    if not is_address or "@" in server:
        raise UsageError(f"--lms {server}: give HOST:PORT, such as localhost:9000")


def announce(server: str, port: int) -> None:
    """Tell the Lyrion at HOST:PORT this server's port; raises BadInput if it does not answer."""
    command = ["blissmixer", "port", f"number:{port}"]
    body = json.dumps({"id": 1, "method": "slim.request", "params": ["", command]}).encode()
    request = Request(
        f"http://{server}/jsonrpc.js", data=body, headers={"content-type": "application/json"}
    )
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            answer.read(MAX_BYTES)
    except (OSError, URLError, ValueError) as error:
        raise BadInput(f"Lyrion at {server} does not answer ({error})") from error
