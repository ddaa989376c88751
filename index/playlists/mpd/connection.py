"""A connection to MPD, whose failures say where it was and what to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from embedder.errors import BadInput, MissingExtra
from index.playlists.mpd.addresses import parse_address, shown_address, usual_password

TIMEOUT_SECONDS = 10.0


def opened(address: str) -> Any:
    """A connected client; raises BadInput if no MPD answers, or not with this password."""
    try:
        from mpd import MPDClient
        from mpd.base import MPDError
    except ImportError as error:
        raise MissingExtra("--mpd", "mpd") from error
    host, port = parse_address(address)
    client = MPDClient()
    client.timeout = TIMEOUT_SECONDS
    where = shown_address(host, port)
    try:
        client.connect(host, port or None)
    except (OSError, MPDError) as error:
        raise BadInput(f"{where}: no MPD answers there ({error}). Is it running?") from error
    try:
        password = usual_password()
        if password:
            client.password(password)
    except (OSError, MPDError) as error:
        close(client)
        raise BadInput(f"{where}: MPD failed ({error})") from error
    return client


def close(client: Any) -> None:
    """End a connection, whatever its state."""
    client.disconnect()


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client for a block; what fails inside is BadInput."""
    client = opened(address)
    from mpd.base import MPDError

    try:
        yield client
    except (OSError, MPDError) as error:
        where = shown_address(*parse_address(address))
        raise BadInput(f"{where}: MPD failed ({error})") from error
    finally:
        close(client)


def start_waiting(client: Any, subsystems: Sequence[str]) -> None:
    """Let MPD tell when one of some subsystems changes; no other command may come meanwhile.

    The package's own `idle` blocks until there is news, and cannot be given up from outside.
    """
    client._write_command("idle", list(subsystems))


def news(client: Any) -> list[str]:
    """The subsystems that have changed, once the client can be read."""
    return [name for _, name in client._parse_pairs(client._read_lines())]


def stop_waiting(client: Any) -> list[str]:
    """Wait no longer; returns what has changed in the last moment."""
    client._write_command("noidle")
    return news(client)
