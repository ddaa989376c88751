"""The page: files of this package, and the token with which the page may change something."""

from html import escape
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from soundalike.server.context import Context
from soundalike.server.gate import COOKIE

PAGE = Path(str(files("soundalike.server"))) / "page"
HEAD = "head.html"
"""What stands at the top of every page."""
HEAD_MARK = "{{head}}"
TOKEN_MARK = "{{page_token}}"  # noqa: S105 - replaced by the token
NAVIDROME_MARK = "{{navidrome}}"
COOKIE_SECONDS = 30 * 24 * 3600


def page_router(context: Context, *, has_navidrome: bool = False) -> APIRouter:
    """`/`: the page itself. `/api/docs`: the page about the API."""
    router = APIRouter(include_in_schema=False)
    page = _filled("index.html", context).replace(NAVIDROME_MARK, "yes" if has_navidrome else "no")
    docs = _filled("docs.html", context)

    @router.get("/")
    def index(request: Request) -> Response:
        """The page. A token in the address becomes a cookie, and leaves the address."""
        token = context.settings.token
        if token is None or "token" not in request.query_params:
            return HTMLResponse(page)
        reply = RedirectResponse("/", status_code=303)
        reply.set_cookie(
            COOKIE, token, max_age=COOKIE_SECONDS, httponly=True, samesite="strict", path="/"
        )
        return reply

    @router.get("/api/docs")
    def describe() -> Response:
        """The API for people, with examples that can be sent."""
        return HTMLResponse(docs)

    return router


def _filled(name: str, context: Context) -> str:
    """A page with the token that it sends with changes."""
    head, text = ((PAGE / file).read_text(encoding="utf-8") for file in (HEAD, name))
    return text.replace(HEAD_MARK, head.rstrip()).replace(
        TOKEN_MARK, escape(context.settings.page_token)
    )
