"""A playlist as a table, with its length, what was left out, and how to make it again."""

from typing import TYPE_CHECKING

from cli.options import Form, Globals
from cli.output import emit
from cli.talk import say

if TYPE_CHECKING:
    from index.playlists.results import Playlist

COLUMNS = ("position", "title", "artist", "album", "genre", "duration_seconds", "score", "path")


def show_playlist(settings: Globals, playlist: "Playlist") -> None:
    """Print it."""
    if settings.form is not Form.TABLE:
        emit(settings, playlist, rows=playlist.tracks, columns=COLUMNS)
        return
    rows, columns = _with_values(playlist)
    emit(settings, playlist, rows=rows, columns=columns)
    minutes, seconds = divmod(round(playlist.seconds), 60)
    line = f"{len(playlist.tracks)} tracks, {minutes}:{seconds:02d}"
    if playlist.dropped:
        dropped = ", ".join(f"{count} by {reason}" for reason, count in playlist.dropped.items())
        line += f"; left out: {dropped}"
    if playlist.seed is not None:
        line += f"; --seed {playlist.seed} makes the same playlist again"
    say(settings, line)
