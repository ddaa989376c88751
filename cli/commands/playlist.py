"""`soundalike playlist`: a playlist that continues from tracks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.help_pages import PlainCommand
from cli.opening import opened_library
from cli.options import ForceOption, Globals, TasteOption, globals_of, read_tracks
from cli.playlist_shown import show_playlist
from cli.talk import say
from embedder.errors import UsageError

if TYPE_CHECKING:
    from index.playlists.request import PlaylistRequest
    from index.playlists.results import Playlist

MPD_DEFAULT = "localhost:6600"


class Command(PlainCommand):
    """A command whose `--mpd` may stand without an address, which Typer does not support."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does it, after the empty address was put in."""
        return super().parse_args(ctx, with_empty_address(args))


def with_empty_address(words: list[str]) -> list[str]:
    """The same words, with an empty one after an `--mpd` without an address."""
    from index.playlists.files.mpd_queue import is_address

    filled: list[str] = []
    for at, word in enumerate(words):
        filled.append(word)
        if word == "--":
            return filled + words[at + 1 :]
        if word == "--mpd" and not any(map(is_address, words[at + 1 : at + 2])):
            filled.append("")
    return filled


def run(
    context: typer.Context,
    seeds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SEED...",
            help="Files, track ids, words that one track has, folders or playlists to start from; "
            "- reads paths from standard input, one a line. A single track opens the playlist.",
            show_default=False,
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="The number of tracks.", show_default="20"),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="The length in minutes instead, to within one track."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="TRACK", help="Lead step by step to this last track.")
    ] = None,
    via: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACK", help="Pass by this track on the way. Repeatable."),
    ] = None,
    drift: Annotated[
        float | None,
        typer.Option(metavar="D", help="Drift away from the seeds: 0.05 is slow, 0.5 fast."),
    ] = None,
    where: Annotated[
        str,
        typer.Option(metavar="FILTER", help="Use only these tracks, as in query: 'genre=jazz'."),
    ] = "",
    arc: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD:SHAPE",
            help="Let a number rise, fall, peak or valley, such as energy:rise. FIELD is any tag "
            "with numbers, a model's tag, such as sounds.mellow, or measured from the sound: "
            "energy, tempo, loudness, brightness.",
        ),
    ] = None,
    mix: Annotated[
        bool,
        typer.Option(
            "--mix",
            help="Choose and order the tracks for mixing: tempo within 6 %, keys that fit, "
            "energy that changes little.",
        ),
    ] = False,
    order: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Put an existing playlist in order for mixing, and change no more."
        ),
    ] = None,
    per_artist: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N tracks of an artist.")
    ] = None,
    per_album: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N tracks of an album.")
    ] = None,
    spacing: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="At least N others between two tracks of an artist or album."
        ),
    ] = None,
    allow_versions: Annotated[
        bool,
        typer.Option(
            "--allow-versions", help="Allow several versions of a song, such as a live take."
        ),
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACK", help="Leave out this track, folder or playlist. Repeatable."),
    ] = None,
    recent: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Leave out the tracks in FILE: paths, one a line, or a playlist."
        ),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="S", help="Leave out lower scores.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="INT", help="The same seed gives the same playlist."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="rediscover: what you liked or played twice, and not for a year. daily-mix: near "
            "to three tracks that you like, others each day.",
        ),
    ] = "",
    taste: TasteOption = 0.0,
    judged: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Continue from a playlist that you have judged."
        ),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(
            metavar="PLACES", help="With --from: positions of the tracks you like, such as 1,3-5."
        ),
    ] = "",
    drop: Annotated[
        str,
        typer.Option(
            metavar="PLACES", help="With --from: positions of the tracks to avoid, such as 2."
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write the playlist to a .m3u8, .m3u, .xspf or .json file.",
        ),
    ] = None,
    relative_to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With -o: write paths relative to this folder."),
    ] = None,
    force: ForceOption = False,
    mpd: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST:PORT]",
            help="Add the playlist to the queue of a running MPD. Without an address, MPD_HOST "
            "and MPD_PORT are used.",
            show_default=MPD_DEFAULT,
        ),
    ] = None,
) -> None:
    """Make a playlist from tracks, to a track, or with a filter.

    By default, no song appears twice in any version, and tracks of an artist or album are few and
    kept apart. The command prints how many tracks each rule left out, and which rule is to blame
    if the playlist is too short.

    $ soundalike playlist song.mp3 --length 15 -o evening.m3u8
    Writes a playlist of 15 tracks that opens with song.mp3.
    """
    from index.playlists.request import Arc, PlaylistRequest, parse_places

    settings = _checked(context, output, relative_to, force=force)
    request = PlaylistRequest(
        seeds=tuple(read_tracks(settings, seeds or ())),
        length=length,
        minutes=minutes,
        to=to,
        via=tuple(via or ()),
        drift=drift,
        where=where,
        arc=None if arc is None else Arc.parse(arc),
        per_artist=per_artist,
        per_album=per_album,
        spacing=spacing,
        allow_versions=allow_versions,
        exclude=tuple(exclude or ()),
        recent=recent,
        min_score=min_score,
        seed=seed,
        judged=judged,
        kind=kind,
        taste=taste,
        keep=parse_places(keep),
        drop=parse_places(drop),
        mix=mix,
        order=order,
    )
    playlist = _made(settings, request)
    _deliver(settings, playlist, output=output, relative_to=relative_to, force=force, mpd=mpd)


def _made(settings: Globals, request: "PlaylistRequest") -> "Playlist":
    with opened_library(settings, "Making the playlist") as library:
        return library.playlist(request)


def _checked(
    context: typer.Context, output: Path | None, relative_to: Path | None, *, force: bool
) -> Globals:
    """The global options; raises UsageError if the file cannot be written."""
    from index.playlists.files.files import check_writable

    if output is not None:
        check_writable(output, force=force)
    elif relative_to is not None:
        raise UsageError("--relative-to is for the paths in a file: give -o as well")
    return globals_of(context)


def _deliver(
    settings: Globals,
    playlist: "Playlist",
    *,
    output: Path | None,
    relative_to: Path | None,
    force: bool,
    mpd: str | None,
) -> None:
    """Save the playlist, queue it and print it, as far as each was asked for."""
    for note in playlist.notes:
        say(settings, note)
    if output is not None:
        playlist.save(output, relative_to=relative_to, force=force)
        say(settings, f"{len(playlist.tracks)} tracks in {output}")
    _queue(settings, playlist, mpd)
    show_playlist(settings, playlist)


def _queue(settings: Globals, playlist: "Playlist", address: str | None) -> None:
    if address is None:
        return
    from index.playlists.files.mpd_queue import queue_on_mpd

    queued = queue_on_mpd([entry.track for entry in playlist.tracks], address)
    say(settings, f"{queued.n_queued} tracks queued on {queued.address}")
    for reason in queued.problems:
        say(settings, reason)
