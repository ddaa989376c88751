"""Adds tracks to the queue of a running Music Player Daemon.

MPD names files relative to its music folder. On MPD's own machine a client can ask for that folder,
and name other files by their full path. From another machine, the ends of the paths are looked up
in MPD's database.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from embedder.errors import BadInput, MissingExtra, UsageError, printable_path
from index.catalogue.records import TrackRecord

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 6600
TIMEOUT_SECONDS = 10.0
MAX_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Queued:
    """The result of queueing tracks."""

    address: str
    n_queued: int
    problems: tuple[str, ...]
    """Tracks that MPD did not accept, and why."""


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


def queue_on_mpd(tracks: Sequence[TrackRecord], address: str) -> Queued:
    """Queue tracks in their order; raises BadInput if no MPD answers."""
    host, port = parse_address(address)
    problems: list[str] = []
    n_queued = 0
    with _connected(host, port) as client:
        names = _Names(client, is_local=port == 0)
        for track in tracks:
            reason = _add(client, names, track)
            n_queued += not reason
            if reason:
                problems.append(f"{printable_path(track.path)}: {reason}")
    if tracks and not n_queued:
        raise BadInput(
            f"MPD accepted none of the tracks, such as {problems[0]}. They must be in its "
            "music_directory, or the address must be its socket's path."
        )
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    shown = f"{host}:{port}" if port else host
    return Queued(shown, n_queued, tuple(problems))


def _add(client: Any, names: "_Names", track: TrackRecord) -> str:
    """Queue one track; returns the reason if it failed, otherwise an empty text."""
    from mpd import CommandError

    reason = "not in MPD's database"
    for name in names.of(track.path):
        try:
            song_id = client.addid(name)
            if track.start_seconds is not None or track.end_seconds is not None:
                end = "" if track.end_seconds is None else f"{track.end_seconds:g}"
                client.rangeid(song_id, f"{track.start_seconds or 0:g}:{end}")
        except CommandError as error:
            reason = str(error).partition("} ")[2] or str(error)
        else:
            return ""
    return reason


class _Names:
    """MPD's names of files."""

    def __init__(self, client: Any, *, is_local: bool) -> None:
        from mpd import CommandError

        self._client = client
        self._is_local = is_local
        try:
            answer = client.config()  # MPD answers only clients at its socket
            self._root = answer if isinstance(answer, str) else answer.get("music_directory", "")
        except CommandError:
            self._root = ""

    def of(self, path: str) -> Iterator[str]:
        try:
            path.encode()
        except UnicodeEncodeError:
            return  # its protocol is UTF-8
        if "\n" in path:
            return
        if self._root and PurePath(path).is_relative_to(self._root):
            yield os.path.relpath(path, self._root)
        elif not self._root:
            yield from self._ends(path)
        if self._is_local:
            yield path

    def _ends(self, path: str) -> Iterator[str]:
        """The longest end of the path that is in MPD's database."""
        parts = PurePath(path).parts[1:]
        for first in range(len(parts)):
            end = "/".join(parts[first:])
            if self._client.find("file", end):
                yield end
                return


def _password_of(host: str) -> str:
    """The part of MPD_HOST before the @; a leading @ means an abstract socket."""
    return host.rpartition("@")[0]


@contextmanager
def _connected(host: str, port: int) -> Iterator[Any]:
    try:
        from mpd import MPDClient
        from mpd.base import MPDError
    except ImportError as error:
        raise MissingExtra("--mpd", "mpd") from error
    client = MPDClient()
    client.timeout = TIMEOUT_SECONDS
    where = f"{host}:{port}" if port else host
    try:
        client.connect(host, port or None)
    except (OSError, MPDError) as error:
        raise BadInput(f"{where}: no MPD answers there ({error}). Is it running?") from error
    try:
        password = os.environ.get("MPD_PASSWORD") or _password_of(os.environ.get("MPD_HOST", ""))
        if password:
            client.password(password)
        yield client
    except (OSError, MPDError) as error:
        raise BadInput(f"{where}: MPD failed ({error})") from error
    finally:
        client.disconnect()
