"""`soundalike playlist`: a playlist that continues from tracks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.help_pages import PlainCommand
from cli.options import ForceOption, PerAlbumOption, PerArtistOption, TasteOption, read_tracks
from cli.playlist_delivery import Delivery

MPD_DEFAULT = "localhost:6600"


class Command(PlainCommand):
    """A command whose `--mpd` may stand without an address, which Typer does not support."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does it, after the empty address was put in."""
        return super().parse_args(ctx, with_empty_address(args))


def with_empty_address(words: list[str]) -> list[str]:
    """The same words, with an empty one after an `--mpd` without an address."""
    from index.playlists.mpd.addresses import is_address

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
    per_artist: PerArtistOption = None,
    per_album: PerAlbumOption = None,
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
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="With --mpd: keep the queue filled with tracks like the one that plays, and learn "
            "from skips, until Ctrl-C. Needs no SEED.",
        ),
    ] = False,
) -> None:
    """Make a playlist from tracks, to a track, or with a filter.

    By default, no song appears twice in any version, and tracks of an artist or album are few and
    kept apart. The command prints how many tracks each rule left out, and which rule is to blame
    if the playlist is too short.

    $ soundalike playlist song.mp3 --length 15 -o evening.m3u8
    Writes a playlist of 15 tracks that opens with song.mp3.
    """
    from index.playlists.request import Arc, PlaylistRequest, parse_places

    delivery = Delivery(context, output, relative_to, force, mpd, follow)
    delivery.follow_unless(seeds or where or kind or judged or order)
    request = PlaylistRequest(
        seeds=tuple(read_tracks(delivery.settings, seeds or ())),
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
    delivery.deliver(request)
