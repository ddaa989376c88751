"""Puts tracks at the end of the queue of a running Music Player Daemon.

MPD knows files by their place under its music folder. A client on MPD's own machine is told that
folder and names files that lie elsewhere by their full path; from another machine, the ends of the
paths are looked for in MPD's database.
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
    """What became of the tracks."""

    address: str
    n_queued: int
    problems: tuple[str, ...]
    """Tracks that MPD would not take, and why."""


def usual_address() -> str:
    """Where people's other MPD clients look: MPD_HOST, with its password if it holds one, and
    MPD_PORT; else this machine's.
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
    """Whether a word may stand for an MPD, and not for a track: no file, id or option does."""
    path = Path(text)
    is_name = text.isdecimal() or text.startswith("-") or (path.exists() and not path.is_socket())
    return bool(text) and not is_name


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of HOST, HOST:PORT, [v6]:PORT or a socket's path; the port is 0 for a path.

    An empty text stands for the usual address.
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
    """Queue tracks in their order; raises BadInput where no MPD answers."""
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
            f"MPD took none of the tracks, such as {problems[0]}. Its music_directory must hold "
            "them, or reach it by its socket's path."
        )
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    shown = f"{host}:{port}" if port else host
    return Queued(shown, n_queued, tuple(problems))


def _add(client: Any, names: "_Names", track: TrackRecord) -> str:
    """Queue one track; why it could not be, empty where it was."""
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
    """What MPD calls a file."""

    def __init__(self, client: Any, *, is_local: bool) -> None:
        from mpd import CommandError

        self._client = client
        self._is_local = is_local
        try:
            answer = client.config()  # only told to clients at its socket
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
        """Ends of the path, the longest that MPD knows first."""
        parts = PurePath(path).parts[1:]
        for first in range(len(parts)):
            end = "/".join(parts[first:])
            if self._client.find("file", end):
                yield end
                return


def _password_of(host: str) -> str:
    """What stands before the @ of MPD_HOST; an @ in front of all is an abstract socket's."""
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
        raise BadInput(f"{where}: MPD did not go on ({error})") from error
    finally:
        client.disconnect()
