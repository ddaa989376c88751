"""Where an MPD answers: as other clients read it from the environment, and as people write it."""

import os
from pathlib import Path

from embedder.errors import UsageError

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 6600


def usual_address() -> str:
    """The address that other MPD clients use: MPD_HOST (without its password) and MPD_PORT, or
    otherwise this machine.
    """
    host = os.environ.get("MPD_HOST", "").strip()
    if not host.startswith("@"):
        host = host.rpartition("@")[2]
    port = os.environ.get("MPD_PORT", "").strip()
    if host.startswith(("/", "@", "~")):
        return host
    shown = f"[{host}]" if ":" in host else host or DEFAULT_HOST
    return f"{shown}:{port or DEFAULT_PORT}"


def is_address(text: str) -> bool:
    """Whether a word may be an MPD address: it is not a file, an id or an option."""
    path = Path(text)
    is_name = text.isdecimal() or text.startswith("-") or (path.exists() and not path.is_socket())
    return bool(text) and not is_name


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of HOST, HOST:PORT, [v6]:PORT or a socket's path; the port is 0 for a path.

    An empty text means the usual address.
    """
    text = text.strip() or usual_address()
    if text.startswith(("/", "@", "~")):
        return str(Path(text).expanduser()), 0
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(DEFAULT_PORT)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{text!r}: give HOST:PORT, such as {DEFAULT_HOST}:{DEFAULT_PORT}")
    return host.strip("[]") or DEFAULT_HOST, int(port)


def shown_address(host: str, port: int) -> str:
    """An address for messages; the port is 0 for a socket's path."""
    return f"{host}:{port}" if port else host


def usual_password() -> str:
    """The password that other clients use: MPD_PASSWORD, or the part of MPD_HOST before the @.

    A leading @ means an abstract socket.
    """
    named = os.environ.get("MPD_PASSWORD")
    return named or os.environ.get("MPD_HOST", "").strip().rpartition("@")[0]
