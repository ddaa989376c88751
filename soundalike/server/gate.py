"""The gate before every route: who may ask, how much, and the headers of every answer.

    host ─▶ origin ─▶ lengths ─▶ failed logins ─▶ token ─▶ number in flight ─▶ route

It knows nothing of the library. Answers with a path of their own rules (players that log in with
their own protocol) are named in `OWN_LOGIN`.
"""

import json
import secrets
import time
from collections import deque
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soundalike.server.settings import ServerSettings

COOKIE = "soundalike_token"
PAGE_TOKEN_HEADER = "x-soundalike-token"  # noqa: S105 - the name of a header
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_LOGIN = ("/rest/",)
"""Routes of players that send a name and a password of their own with each request."""
FOREIGN_CHANGES = ("/rest/", "/api/mix", "/api/list")
"""Routes of other programs, which know no token of the page. Those of `/api/` change nothing."""
MAX_URL_BYTES = 8192
MAX_BODY_BYTES = 1 << 20
MAX_UPLOAD_BYTES = 128 << 20
UPLOADS = ("/api/v1/uploads",)
MAX_IN_FLIGHT = 64
MAX_FAILED_LOGINS = 20
FAILED_LOGIN_SECONDS = 60.0
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
}
RAW_HEADERS = [
    (name.encode(), value.encode())
    for name, value in (HEADERS | {"cache-control": "no-store"}).items()
]


class Gate:
    """ASGI middleware that lets requests through, or refuses them in one sentence."""

    def __init__(self, app: ASGIApp, *, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._n_in_flight = 0
        self._failed_logins: deque[float] = deque(maxlen=MAX_FAILED_LOGINS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = self._with_headers(send, headers)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(send)
            return
        self._n_in_flight += 1
        try:
            limit = MAX_UPLOAD_BYTES if scope["path"].startswith(UPLOADS) else MAX_BODY_BYTES
            await self._app(scope, _bounded(receive, limit), send)
        finally:
            self._n_in_flight -= 1

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[HTTPStatus, str] | None:
        """Why a request is not let through, or None."""
        if not self._settings.allows_host(_host_name(headers)):
            return HTTPStatus.MISDIRECTED_REQUEST, "unknown host: start the server with that name"
        origin = headers.get("origin")
        if origin is not None and not self._allows_origin(origin, headers):
            return HTTPStatus.FORBIDDEN, "requests of other pages are not answered"
        if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URL_BYTES:
            return HTTPStatus.REQUEST_URI_TOO_LONG, f"an address has at most {MAX_URL_BYTES} bytes"
        limit = MAX_UPLOAD_BYTES if scope["path"].startswith(UPLOADS) else MAX_BODY_BYTES
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {limit} bytes"
        refusal = self._wrong_token(scope, headers)
        if refusal is None and self._n_in_flight >= MAX_IN_FLIGHT:
            return HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once: try again"
        return refusal

    def _wrong_token(self, scope: Scope, headers: Headers) -> tuple[HTTPStatus, str] | None:
        path: str = scope["path"]
        has_own_login = path.startswith(OWN_LOGIN)
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        token = self._settings.token
        has_token = token is not None and _same(bearer, token)
        if token is not None and not has_own_login:
            if self._is_guessing():
                return HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens: wait a minute"
            if not has_token and not _same(_token_of(scope, headers), token):
                self._failed_logins.append(time.monotonic())
                return HTTPStatus.UNAUTHORIZED, "send the server's token"
        if scope["method"] in SAFE_METHODS or has_token or path.startswith(FOREIGN_CHANGES):
            return None
        if not _same(headers.get(PAGE_TOKEN_HEADER, ""), self._settings.page_token):
            return HTTPStatus.FORBIDDEN, f"a change needs the page's token ({PAGE_TOKEN_HEADER})"
        return None

    def _is_guessing(self) -> bool:
        """Whether there were so many wrong tokens that more are not even compared."""
        times = self._failed_logins
        is_full = len(times) == MAX_FAILED_LOGINS
        return is_full and time.monotonic() - times[0] < FAILED_LOGIN_SECONDS

    def _allows_origin(self, origin: str, headers: Headers) -> bool:
        if origin in self._settings.allowed_origins:
            return True
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()

    def _with_headers(self, send: Send, headers: Headers) -> Send:
        origin = headers.get("origin")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", [])
                given = {name for name, _ in own}
                missing = [header for header in RAW_HEADERS if header[0] not in given]
                message["headers"] = [*own, *missing]
                if origin is None:
                    await send(message)
                    return
                answer = MutableHeaders(scope=message)
                if origin in self._settings.allowed_origins:
                    answer["access-control-allow-origin"] = origin
                    answer["vary"] = "Origin"
                    answer["access-control-allow-headers"] = "authorization, content-type"
                    answer["access-control-allow-methods"] = "GET, POST, PUT, DELETE"
            await send(message)

        return send_with_headers


class BodyTooLarge(HTTPException):
    """A body that is longer than its declared length may be."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _bounded(receive: Receive, limit: int) -> Receive:
    """The same body, which ends in BodyTooLarge after so many bytes."""
    n_received = 0

    async def receive_bounded() -> Message:
        nonlocal n_received
        message = await receive()
        n_received += len(message.get("body", b""))
        if n_received > limit:
            raise BodyTooLarge
        return message

    return receive_bounded


def _host_name(headers: Headers) -> str:
    """The name that a request gives the server, without its port."""
    host = headers.get("host", "")
    return (urlsplit(f"//{host}").hostname or "") if _is_plain(host) else ""


def _is_plain(host: str) -> bool:
    return bool(host) and not set(host) & set("/@?#\\ ")


def _token_of(scope: Scope, headers: Headers) -> str:
    """The token in a cookie, or in the address with which the page is opened."""
    cookie = SimpleCookie()
    cookie.load(headers.get("cookie", ""))
    if COOKIE in cookie:
        return str(cookie[COOKIE].value)
    query = scope["query_string"].decode("latin-1") if scope["path"] == "/" else ""
    return str(dict(parse_qsl(query)).get("token", ""))


def _same(given: str, expected: str) -> bool:
    """Compared in a time that does not depend on where they differ."""
    return secrets.compare_digest(given.encode(), expected.encode())


async def _refuse(send: Send, status: HTTPStatus, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _preflight(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
