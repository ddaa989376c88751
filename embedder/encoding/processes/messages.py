"""Measured values as JSON, between an encoding process and its parent."""

from base64 import b64decode, b64encode
from typing import Any

from embedder.features.measuring.records import Measured, Values


def message_of(measured: Measured) -> dict[str, Any]:
    """What was measured, as JSON."""
    return {
        "measurer": measured.measurer,
        "version": measured.version,
        "fields": dict(measured.values.fields),
        "data": b64encode(measured.values.data).decode("ascii"),
    }


def measured_of(message: dict[str, Any]) -> Measured:
    """The reverse of `message_of`."""
    values = Values(message["fields"], b64decode(message["data"]))
    return Measured(message["measurer"], message["version"], values)
