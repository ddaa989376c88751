"""Where a playlist goes: to a file, to MPD's queue, and to the screen."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.opening import opened_library
from cli.options import Globals, globals_of
from cli.playlist_shown import show_playlist
from cli.talk import say
from embedder.errors import UsageError
from index.catalogue.wording import counted

if TYPE_CHECKING:
    from index.playlists.request import PlaylistRequest
    from index.playlists.results import Playlist

FOLLOWING_TASTE = 0.7
"""Without --taste: skips are to count while MPD is followed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to do with a playlist; raises UsageError if it cannot be done."""

    context: typer.Context
    output: Path | None
    relative_to: Path | None
    force: bool
    mpd: str | None
    """The address of an MPD; empty: the usual one. None: no MPD."""
    follow: bool

    def __post_init__(self) -> None:
        from index.playlists.files.files import check_writable

        if self.output is not None:
            check_writable(self.output, force=self.force)
        elif self.relative_to is not None:
            raise UsageError("--relative-to is for the paths in a file: give -o as well")
        if self.follow and self.mpd is None:
            raise UsageError("--follow follows a player: give --mpd as well")

    @property
    def settings(self) -> Globals:
        """The global options."""
        return globals_of(self.context)

    def follow_unless(self, start: object) -> None:
        """Follow MPD, and end the command, if there is nothing to start a playlist from."""
        if self.follow and not start:
            self._follow(where="")
            raise typer.Exit

    def deliver(self, request: "PlaylistRequest") -> None:
        """Make the playlist, save it, queue it and print it, as far as each was asked for."""
        with opened_library(self.settings, "Making the playlist") as library:
            playlist = library.playlist(request)
        for note in playlist.notes:
            say(self.settings, note)
        if self.output is not None:
            playlist.save(self.output, relative_to=self.relative_to, force=self.force)
            say(self.settings, f"{counted(len(playlist.tracks), 'track')} in {self.output}")
        if self.mpd is not None:
            self._queue(playlist, self.mpd)
        show_playlist(self.settings, playlist)
        if self.follow:
            self._follow(where=request.where)

    def _queue(self, playlist: "Playlist", address: str) -> None:
        from index.playlists.mpd.queueing import queue_on_mpd

        tracks = [entry.track for entry in playlist.tracks]
        queued = queue_on_mpd(tracks, address, starts=self.follow)
        say(self.settings, f"{counted(queued.n_queued, 'track')} queued on {queued.address}")
        for reason in queued.problems:
            say(self.settings, reason)

    def _follow(self, *, where: str) -> None:
        from index.playlists.mpd.following import Follower

        Follower(
            lambda: opened_library(self.settings, "Choosing a track"),
            self.mpd or "",
            taste=_taste_of(self.context),
            where=where,
            tell=lambda text: say(self.settings, text),
        ).follow()


def _taste_of(context: typer.Context) -> float:
    """--taste if it was given, otherwise that of following."""
    source = context.get_parameter_source("taste")
    is_default = source is None or source.name == "DEFAULT"
    return FOLLOWING_TASTE if is_default else float(context.params["taste"])
