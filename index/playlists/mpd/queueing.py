"""Add tracks to the queue of a running Music Player Daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from embedder.errors import BadInput, printable_path
from index.catalogue.records import TrackRecord
from index.playlists.mpd.addresses import parse_address, shown_address
from index.playlists.mpd.connection import connected
from index.playlists.mpd.songs import Songs

MAX_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Queued:
    """The result of queueing tracks."""

    address: str
    n_queued: int
    problems: tuple[str, ...]
    """Tracks that MPD did not accept, and why."""


def queue_on_mpd(tracks: Sequence[TrackRecord], address: str, *, starts: bool = False) -> Queued:
    """Queue tracks in their order; raises BadInput if no MPD answers.

    starts: play the first of them if MPD is stopped.
    """
    host, port = parse_address(address)
    problems: list[str] = []
    n_queued = 0
    with connected(address) as client:
        songs = Songs(client, is_local=port == 0)
        for track in tracks:
            song_id, reason = add(client, songs, track)
            if starts and song_id and not n_queued and client.status()["state"] == "stop":
                client.playid(song_id)
            n_queued += not reason
            if reason:
                problems.append(f"{printable_path(track.path)}: {reason}")
    if tracks and not n_queued:
        raise BadInput(not_accepted(songs, problems[0]))
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    return Queued(shown_address(host, port), n_queued, tuple(problems))


def not_accepted(songs: Songs, problem: str) -> str:
    """Why MPD took none of the tracks, and what to do."""
    root = f", which is {printable_path(songs.root)}" if songs.root else ""
    return (
        f"MPD accepted none of the tracks, such as {problem}. They must be in its "
        f"music_directory{root}, or the address must be its socket's path."
    )


def add(client: Any, songs: Songs, track: TrackRecord) -> tuple[str, str]:
    """Queue one track; returns its id in the queue, or an empty one and the reason."""
    from mpd import CommandError

    reason = "not in MPD's database"
    for name in songs.names_of(track.path):
        try:
            song_id = str(client.addid(name))
            if track.start_seconds is not None or track.end_seconds is not None:
                end = "" if track.end_seconds is None else f"{track.end_seconds:g}"
                client.rangeid(song_id, f"{track.start_seconds or 0:g}:{end}")
        except CommandError as error:
            reason = str(error).partition("} ")[2] or str(error)
        else:
            return song_id, ""
    return "", reason
