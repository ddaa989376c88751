"""Who a player says it is: a name with a password, a salted digest of it, or a key.

The password is one that was set for players, and never the system's.
"""

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Mapping

from soundalike.server.rest.replies import (
    CONFLICTING,
    MISSING_PARAMETER,
    NOT_ALLOWED,
    WRONG_KEY,
    WRONG_LOGIN,
    SubsonicError,
)

MAX_FAILURES = 20
FAILURE_SECONDS = 60.0
HEX_PREFIX = "enc:"
OFF = "players may not log in: start the server with --player-password"


class Logins:
    """Checks logins, and slows down guessing."""

    def __init__(self, *, user: str, password: str | None) -> None:
        self._user = user
        self._password = password
        self._failures: deque[float] = deque(maxlen=MAX_FAILURES)

    def check(self, parameters: Mapping[str, str]) -> None:
        """Raise SubsonicError if the login of a request is missing or wrong."""
        if self._password is None:
            raise SubsonicError(NOT_ALLOWED, OFF)
        is_full = len(self._failures) == MAX_FAILURES
        if is_full and time.monotonic() - self._failures[0] < FAILURE_SECONDS:
            raise SubsonicError(WRONG_LOGIN, "too many wrong logins: wait a minute")
        key = parameters.get("apiKey")
        if key is not None:
            if any(name in parameters for name in ("u", "p", "t", "s")):
                raise SubsonicError(CONFLICTING, "give a key, or a name and a password")
            if not _same(key, self._password):
                self._fail(WRONG_KEY, "wrong key")
            return
        given = parameters.keys()
        if not (given >= {"u", "p"} or given >= {"u", "t", "s"}):
            raise SubsonicError(MISSING_PARAMETER, "give u with p, or u with t and s")
        if not (_same(parameters["u"], self._user) & self._is_right(parameters, self._password)):
            self._fail(WRONG_LOGIN, "wrong name or password")

    def _is_right(self, parameters: Mapping[str, str], password: str) -> bool:
        if "t" in parameters:
            salted = (password + parameters.get("s", "")).encode()
            digest = hashlib.md5(salted, usedforsecurity=False).hexdigest()
            return _same(parameters["t"].lower(), digest)
        given = parameters["p"]
        if given.startswith(HEX_PREFIX):
            try:
                given = bytes.fromhex(given.removeprefix(HEX_PREFIX)).decode()
            except ValueError:
                return False
        return _same(given, password)

    def _fail(self, code: int, message: str) -> None:
        self._failures.append(time.monotonic())
        raise SubsonicError(code, message)


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(
        given.encode("utf-8", "replace"), expected.encode("utf-8", "replace")
    )
