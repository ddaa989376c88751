"""Every song that a Navidrome has, over its Subsonic API; and playlists that it is to keep."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from embedder.errors import BadInput, UsageError

PAGE = 500
TIMEOUT_SECONDS = 30.0
MAX_BYTES = 64 << 20
MAX_ALBUMS = 1_000_000


@dataclass(frozen=True, slots=True)
class Navidrome:
    """Where a Navidrome is, and who asks it."""

    url: str
    user: str
    password: str

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise UsageError(f"--navidrome {self.url}: give it as http://HOST:PORT")


@dataclass(frozen=True, slots=True)
class NavidromeSong:
    """A song as Navidrome names it."""

    id: str
    path: str
    title: str
    artist: str
    album: str
    seconds: float | None
    musicbrainz_id: str


def songs_of(server: Navidrome) -> Iterator[NavidromeSong]:
    """All songs, album by album; raises BadInput if the server does not answer."""
    for offset in range(0, MAX_ALBUMS, PAGE):
        question = {"type": "alphabeticalByName", "size": PAGE, "offset": offset}
        albums = _ask(server, "getAlbumList2", question).get("albumList2", {}).get("album", [])
        for album in albums:
            answer = _ask(server, "getAlbum", {"id": album["id"]})
            yield from map(_song, answer.get("album", {}).get("song", []))
        if len(albums) < PAGE:
            return


def create_playlist(server: Navidrome, name: str, song_ids: Sequence[str]) -> None:
    """A new playlist there; raises BadInput if the server refuses."""
    _ask(server, "createPlaylist", {"name": name, "songId": list(song_ids)}, is_long=True)


def _song(entry: dict[str, Any]) -> NavidromeSong:
    seconds = entry.get("duration")
    return NavidromeSong(
        id=str(entry["id"]),
        path=str(entry.get("path", "")),
        title=str(entry.get("title", "")),
        artist=str(entry.get("artist", "")),
        album=str(entry.get("album", "")),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        musicbrainz_id=str(entry.get("musicBrainzId", "")),
    )


def _ask(
    server: Navidrome, name: str, parameters: dict[str, object], *, is_long: bool = False
) -> dict[str, Any]:
    """The answer to a request; a long one is posted, since addresses have a limit."""
    salt = secrets.token_hex(8)
    digest = hashlib.md5((server.password + salt).encode(), usedforsecurity=False).hexdigest()
    login = {
        "u": server.user,
        "t": digest,
        "s": salt,
        "v": "1.16.1",
        "c": "soundalike",
        "f": "json",
    }
    address = f"{server.url.rstrip('/')}/rest/{name}"
    query = urlencode(login | parameters, doseq=True)
    data = query.encode() if is_long else None
    shown = urlsplit(server.url).netloc
    try:
        # The scheme is http or https, and the address is the user's own.
        request = Request(address if is_long else f"{address}?{query}", data)  # noqa: S310 - its scheme was checked
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - its scheme was checked
            document = json.loads(answer.read(MAX_BYTES))["subsonic-response"]
    except (OSError, URLError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"Navidrome at {shown} does not answer ({error})") from error
    if document.get("status") != "ok":
        reason = document.get("error", {}).get("message", "no reason")
        raise BadInput(f"Navidrome at {shown} refuses: {reason}")
    return dict(document)
