"""`soundalike serve`: the library as a page and an API on one's own machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import globals_of
from cli.talk import say
from embedder.errors import MissingExtra

if TYPE_CHECKING:
    from soundalike.server.lyrion.router import Lyrion
    from soundalike.server.navidrome.crawl import Navidrome


def run(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="The address to answer on.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="0 for any free one.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="SOUNDALIKE_TOKEN",
            help="What every client must send; needed for a host that others can reach.",
            show_default=False,
        ),
    ] = None,
    player_user: Annotated[
        str, typer.Option(metavar="NAME", help="The name that players log in with.")
    ] = "soundalike",
    player_password: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="SOUNDALIKE_PLAYER_PASSWORD",
            help="The password for Subsonic players, at /rest/; without one, they may not log in.",
            show_default=False,
        ),
    ] = None,
    navidrome: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A Navidrome whose AudioMuse plugin asks this server.",
            show_default=False,
        ),
    ] = None,
    user: Annotated[
        str, typer.Option(metavar="NAME", help="The name to log in to Navidrome with.")
    ] = "admin",
    navidrome_password: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            envvar="SOUNDALIKE_NAVIDROME_PASSWORD",
            help="Its password; better given in the environment.",
            show_default=False,
        ),
    ] = "",
    lyrion: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Answer the plugin Bliss Mixer of Lyrion, whose music folder this is. Repeatable.",
            show_default=False,
        ),
    ] = None,
    lms: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="With --lyrion: tell Lyrion there which port answers, as bliss-mixer does.",
            show_default=False,
        ),
    ] = "",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name of this server.", show_default=False),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="Another page that may read answers (CORS).", show_default=False
        ),
    ] = None,
) -> None:
    """Serve the library as a page and an API, on this machine alone.

    Open the printed address in a browser to search, listen and make playlists. Programs use
    /api/v1/…, which answers as --json does. Ctrl-C ends it.

    $ soundalike serve --port 8000
    Prints http://127.0.0.1:8000/ and answers until it is interrupted.
    """
    _check_installed()
    from soundalike.server.serve import serve
    from soundalike.server.settings import ServerSettings

    settings = globals_of(context)
    serve(
        ServerSettings(
            settings.library_folder(),
            host=host,
            port=port,
            token=token,
            player_user=player_user,
            player_password=player_password,
            allowed_hosts=tuple(allow_host or ()),
            allowed_origins=tuple(allow_origin or ()),
        ),
        navidrome=_navidrome(navidrome, user, navidrome_password),
        lyrion=_lyrion(lyrion or [], lms),
        on_start=lambda address: say(settings, f"{address}  (Ctrl-C ends it)"),
    )


def _check_installed() -> None:
    """Raise MissingExtra if a package of the server is not installed."""
    try:
        import soundalike.server.serve  # noqa: F401 - to see whether it can be imported
    except ModuleNotFoundError as error:
        if error.name not in {"fastapi", "starlette", "uvicorn", "pydantic"}:
            raise
        raise MissingExtra("soundalike serve", "serve") from error


def _navidrome(url: str | None, user: str, password: str) -> "Navidrome | None":
    """The Navidrome that the options name, if they name one."""
    if url is None:
        return None
    from soundalike.server.navidrome.crawl import Navidrome

    return Navidrome(url, user, password)


def _lyrion(folders: list[Path], lms: str) -> "Lyrion | None":
    """The Lyrion that the options name, if they name one."""
    if not folders and not lms:
        return None
    from soundalike.server.lyrion.names import music_folder
    from soundalike.server.lyrion.router import Lyrion

    return Lyrion(tuple(map(music_folder, folders)), lms)
