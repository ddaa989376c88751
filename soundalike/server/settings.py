"""What a server may answer, to whom, and how much at once."""

import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from embedder.errors import UsageError

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
SHORTEST_TOKEN = 12
SHORTEST_PASSWORD = 6


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings of a server; a host that others can reach demands a token."""

    library: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    """What a client must send with every request. None: only this machine is answered."""
    allowed_hosts: tuple[str, ...] = ()
    """More names by which the server may be addressed."""
    allowed_origins: tuple[str, ...] = ()
    """Other pages that may read answers (CORS)."""
    player_user: str = "soundalike"
    player_password: str | None = None
    """What players log in with (Subsonic). None: they may not."""
    page_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """What the page sends with each request that changes something; new at every start."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"port {self.port}: give 1 to 65535, or 0 for a free one")
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise UsageError(f"--token: give {SHORTEST_TOKEN} characters or more")
        if self.token is None and not self.is_loopback:
            raise UsageError(
                f"--host {self.host} answers other machines: give a --token that they must send"
            )
        if self.player_password is not None and len(self.player_password) < SHORTEST_PASSWORD:
            raise UsageError(f"--player-password: give {SHORTEST_PASSWORD} characters or more")
        for origin in self.allowed_origins:
            if not origin.startswith(("http://", "https://")):
                raise UsageError(f"origin {origin!r}: give it as http://NAME or https://NAME")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK_NAMES or _is_loopback_address(self.host)

    def allows_host(self, name: str) -> bool:
        """Whether a request may address the server by a name.

        A page elsewhere can point a name of its own at this machine (DNS rebinding), so only
        known names are answered. An address is no name, and cannot be pointed anywhere.
        """
        if name in LOOPBACK_NAMES or name == self.host or name in self.allowed_hosts:
            return True
        return not self.is_loopback and _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback_address(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback
