"""A playlist as a table, with its length, what was left out, and how to make it again."""

from typing import TYPE_CHECKING, Any

from cli.options import Form, Globals
from cli.output import emit
from cli.talk import say
from index.catalogue.wording import counted

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
    line = f"{counted(len(playlist.tracks), 'track')}, {minutes}:{seconds:02d}"
    if playlist.dropped:
        dropped = ", ".join(f"{count} by {reason}" for reason, count in playlist.dropped.items())
        line += f"; left out: {dropped}"
    if playlist.seed is not None:
        line += f"; --seed {playlist.seed} makes the same playlist again"
    say(settings, line)


def _with_values(playlist: "Playlist") -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of the table, with the values that the order follows, and the columns."""
    target = playlist.score_target
    score = "score" if target in ("", "seed") else f"score_to_{target}"
    rows = []
    for entry in playlist.tracks:
        values = dict(entry.measured)
        if not values and playlist.value_fields:
            values = {playlist.value_fields[0]: "" if entry.value is None else f"{entry.value:g}"}
        shown = entry.score if score == "score" or entry.score is None else f"{entry.score:.2f}"
        rows.append(entry.to_json() | {score: shown} | values)
    columns = [score if name == "score" else name for name in COLUMNS]
    if not target:
        columns.remove(score)
    at = columns.index("duration_seconds") + 1
    new_columns = [name for name in playlist.value_fields if name not in columns]
    return rows, [*columns[:at], *new_columns, *columns[at:]]
