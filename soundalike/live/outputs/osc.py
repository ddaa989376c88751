"""Answers as Open Sound Control messages over UDP, for Pure Data, Max, TouchDesigner and others.

    /soundalike/label s f         the label and its probability, at each answer
    /soundalike/p/<slug> f        the probability of one label
    /soundalike/classes s…        all labels, at the start and every five seconds
    /wek/outputs f…               all probabilities in that order, as Wekinator sends them
    /soundalike/neighbour i s s f rank, artist, title, score
    /soundalike/silence i         1 in silence
    /soundalike/level f           decibels below full scale

The format `far-lab` sends what FAR-Lab's RealtimeAudioClassification sends instead: /neuralnet2
with three texts. It is the only module that imports python-osc.
"""

import re
import socket
import time
import unicodedata
from collections.abc import Sequence
from typing import Any

from embedder.errors import MissingExtra, UnknownChoice, UsageError
from soundalike.live.heard import Heard
from soundalike.live.sources.source import Warn, logger
from soundalike.live.stretches import Stretch

OSC_FORMATS = ("soundalike", "far-lab")
DEFAULT_PORT = 12000
CLASSES_EVERY_SECONDS = 5.0
_HIGHEST_PORT = 65535


class OscOutput:
    """Sends each answer to one address. Nobody has to listen there: that is said once."""

    def __init__(
        self,
        address: str,
        labels: Sequence[str],
        *,
        osc_format: str = "soundalike",
        warn: Warn = logger.warning,
    ) -> None:
        if osc_format not in OSC_FORMATS:
            raise UnknownChoice("OSC format", osc_format, OSC_FORMATS)
        self._builder = _message_builder()
        host, port = parse_address(address)
        self.address = f"{host}:{port}"
        self._socket = _connected(host, port)
        self._labels, self._slugs = tuple(labels), slugs_of(labels)
        self._format, self._warn = osc_format, warn
        self._is_absent = False
        self._classes_due_at = 0.0

    def hear(self, heard: Heard) -> None:
        """Send an answer."""
        if self._format == "far-lab":
            self._send_far_lab(heard)
            return
        now = time.monotonic()
        if now >= self._classes_due_at:
            self._classes_due_at = now + CLASSES_EVERY_SECONDS
            self._send("/soundalike/classes", *self._labels)
        chances = [heard.probabilities.get(label, 0.0) for label in self._labels]
        self._send("/soundalike/label", heard.label or "silence", heard.probability or 0.0)
        for slug, chance in zip(self._slugs, chances, strict=True):
            self._send(f"/soundalike/p/{slug}", chance)
        self._send("/wek/outputs", *chances)
        for neighbour in heard.neighbours:
            track = neighbour.track
            self._send(
                "/soundalike/neighbour", neighbour.rank, track.artist, track.title, neighbour.score
            )
        self._send("/soundalike/silence", int(heard.silence))
        self._send("/soundalike/level", heard.level)

    def end_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Nothing: each answer has been sent."""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send_far_lab(self, heard: Heard) -> None:
        chances = [heard.probabilities.get(label, 0.0) for label in self._labels]
        texts = ([heard.label or "silence"], chances, list(self._labels))
        self._send("/neuralnet2", *(str(text) for text in texts))

    def _send(self, address: str, *values: str | float) -> None:
        builder = self._builder(address)
        for value in values:
            builder.add_arg(value, {str: "s", int: "i", float: "f"}[type(value)])
        try:
            self._socket.send(builder.build().dgram)
        except ConnectionRefusedError:
            if not self._is_absent:
                self._is_absent = True
                self._warn(
                    f"nothing receives OSC at {self.address} yet; messages are sent all the same."
                )
        except OSError as error:
            if not self._is_absent:
                self._is_absent = True
                self._warn(f"OSC to {self.address} is not sent: {error.strerror or error}.")


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT, with 127.0.0.1 and 12000 for a part that is missing."""
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = ("", text) if text.strip().isdecimal() else (text.strip(), "")
    host = host.strip("[]") or "127.0.0.1"
    if port and not (port.isdecimal() and 0 < int(port) <= _HIGHEST_PORT):
        raise UsageError(f"{text!r}: give HOST:PORT, such as 127.0.0.1:{DEFAULT_PORT}")
    return host, int(port or DEFAULT_PORT)


def slugs_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Each label as a part of an OSC address: lower-case ASCII, no two the same."""
    slugs: list[str] = []
    for label in labels:
        ascii_text = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
        slug = base = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-") or "label"
        number = 2
        while slug in slugs:
            slug, number = f"{base}-{number}", number + 1
        slugs.append(slug)
    return tuple(slugs)


def _message_builder() -> Any:
    try:
        from pythonosc.osc_message_builder import OscMessageBuilder
    except ImportError as error:
        raise MissingExtra("--osc", "live") from error
    return OscMessageBuilder


def _connected(host: str, port: int) -> socket.socket:
    """A UDP socket with an address: the system then reports that nobody listens there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[
            0
        ]
        connection = socket.socket(family, kind, protocol)
        connection.connect(address)
    except OSError as error:
        raise UsageError(f"--osc {host}:{port}: {error.strerror or error}") from error
    return connection
