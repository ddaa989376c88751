"""`soundalike radio`: plays one like-sounding track after another."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.opening import opened_library
from cli.options import Form, Globals, TasteOption, TracksArgument, globals_of, read_tracks
from cli.output import flush, write_path
from cli.playing import ENDED, FAILED, find_player, play, play_command, single_keys
from cli.talk import say
from embedder.errors import BadInput

if TYPE_CHECKING:
    from index.catalogue.records import TrackRecord
    from index.playlists.radio import Radio

LIKE, DISLIKE, SKIP, QUIT = "+", "-", " ", "q"
KEYS = LIKE + DISLIKE + SKIP + QUIT
KEYS_HELP = "+ like, - dislike, space next track, q quit"
MAX_FAILED = 3
"""After so many tracks in a row that the player cannot play, something else is wrong."""


def run(
    context: typer.Context,
    seeds: TracksArgument,
    length: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop after N tracks.", show_default="never"),
    ] = None,
    taste: TasteOption = 0.7,
) -> None:
    """Play tracks that sound like some others, one after another.

    The keys are + (like), - (dislike, next track), space (skip to the next track) and q (quit).
    Likes, dislikes, skips and plays are stored, and change what comes next; see --taste. Music is
    played with mpv or ffplay. Without them, and with --paths, the paths are printed instead.

    $ soundalike radio song.mp3 --length 3 --paths
    Prints the paths of song.mp3 and of two more tracks.
    """
    from index.playlists.radio import Radio

    settings = globals_of(context)
    player = None if settings.form is not Form.TABLE else find_player()
    if player is None and settings.form is Form.TABLE:
        say(settings, "neither mpv nor ffplay is installed: the paths are printed")
    with opened_library(settings, "Choosing a track") as library:
        radio = Radio(library, read_tracks(settings, seeds), taste=taste)
        if player is None:
            _print_paths(settings, radio, length)
        else:
            with single_keys():
                _play_all(settings, radio, player, length)
    if radio.n_waiting:
        say(settings, f"{radio.n_waiting} events wait until the library can be written to")


def _print_paths(settings: Globals, radio: "Radio", length: int | None) -> None:
    n_printed = 0
    while n_printed != length and (track := radio.next()) is not None:
        write_path(settings, track.path)
        flush()
        n_printed += 1


def _play_all(settings: Globals, radio: "Radio", player: str, length: int | None) -> None:
    say(settings, KEYS_HELP)
    n_played = n_failed = 0
    while n_played != length and (track := radio.next()) is not None:
        n_played += 1
        say(settings, " - ".join(filter(None, (track.artist, track.title))) or track.path)
        ending = _play_one(settings, radio, player, track)
        if ending == QUIT:
            return
        n_failed = n_failed + 1 if ending == FAILED else 0
        if n_failed == MAX_FAILED:
            raise BadInput(f"{player} could not play {MAX_FAILED} tracks in a row.")


def _play_one(settings: Globals, radio: "Radio", player: str, track: "TrackRecord") -> str:
    """Play a track, and store what the listener did; returns what ended it."""
    events = play(play_command(player, track), KEYS)
    try:
        for event in events:
            if event == LIKE:
                radio.record(track, "like")
                say(settings, "  liked")
                continue
            kind = {ENDED: "play", SKIP: "skip", DISLIKE: "dislike"}.get(event)
            if kind is not None:
                radio.record(track, kind)  # type: ignore[arg-type]  # a kind, by the line above
            if event == FAILED:
                say(settings, f"{player} could not play {track.path}")
            return event
    finally:
        events.close()
    return ENDED
