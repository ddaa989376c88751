"""Run the server until it is interrupted."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from embedder.errors import BadInput
from soundalike.server.app import create_app
from soundalike.server.settings import ServerSettings

if TYPE_CHECKING:
    from soundalike.server.lyrion.router import Lyrion
    from soundalike.server.navidrome.crawl import Navidrome

BACKLOG = 128
LAST_REQUESTS_SECONDS = 3


def serve(
    settings: ServerSettings,
    *,
    on_start: Callable[[str], None],
    navidrome: "Navidrome | None" = None,
    lyrion: "Lyrion | None" = None,
) -> None:
    """Answer requests until Ctrl-C; `on_start` gets the address of the page."""
    app = create_app(settings, navidrome=navidrome, lyrion=lyrion)
    with listening(settings) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
            h11_max_incomplete_event_size=16 << 10,
        )
        if lyrion is not None and lyrion.server:
            from soundalike.server.lyrion.announcing import announce

            announce(lyrion.server, port)  # requests wait in the socket until the server runs
        on_start(f"http://{_shown(settings.host)}:{port}/")
        uvicorn.Server(config).run(sockets=[listener])


def listening(settings: ServerSettings) -> socket.socket:
    """A socket at the address; raises BadInput if it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns delays of small packets off for sockets that name their protocol alone.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{_shown(settings.host)}:{settings.port}"
        raise BadInput(f"{where}: {error.strerror}. Give another --port or --host.") from error
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
