"""Answers of the Subsonic protocol: one mapping, as XML or as JSON.

In XML a scalar is an attribute, a mapping a child, a list several children; `value` is the text of
its element, and `Child` makes a scalar a child. Errors are answers with HTTP status 200.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from starlette.responses import Response

PROTOCOL = "1.16.1"
NAMESPACE = "http://subsonic.org/restapi"
SERVER = {
    "version": PROTOCOL,
    "type": "soundalike",
    "serverVersion": "0.1.0",
    "openSubsonic": True,
}
GENERIC, MISSING_PARAMETER, WRONG_LOGIN, TOKEN_UNSUPPORTED = 0, 10, 40, 41
MECHANISM_UNSUPPORTED, CONFLICTING, WRONG_KEY, NOT_ALLOWED, NOT_FOUND = 42, 43, 44, 50, 70
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, such as the escapes of a terminal."""

Scalar = str | int | float | bool
Value = object


class SubsonicError(Exception):
    """An error of the protocol, with its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Child:
    """A scalar that is an element of its own in XML."""

    value: Scalar


def reply(payload: Mapping[str, Value], *, form: str, callback: str = "") -> Response:
    """An answer in the form that the player asked for: xml, json or jsonp."""
    return _written({"status": "ok", **SERVER, **payload}, form=form, callback=callback)


def failure(error: SubsonicError, *, form: str, callback: str = "") -> Response:
    """An error as the protocol has it."""
    error_part = {"code": error.code, "message": error.message}
    document = {"status": "failed", **SERVER, "error": error_part}
    return _written(document, form=form, callback=callback)


def _written(document: Mapping[str, Value], *, form: str, callback: str) -> Response:
    if form == "xml":
        root = ET.Element("subsonic-response", xmlns=NAMESPACE)
        _fill(root, document)
        body = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return Response(body, media_type="application/xml")
    text = json.dumps({"subsonic-response": _plain(document)}, ensure_ascii=False)
    if form == "jsonp" and re.fullmatch(r"[\w$.]{1,100}", callback):
        return Response(f"{callback}({text});", media_type="application/javascript")
    return Response(text, media_type="application/json")


def _plain(value: Value) -> Value:
    if isinstance(value, Child):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _fill(element: ET.Element, fields: Mapping[str, Value]) -> None:
    for name, value in fields.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            _fill(ET.SubElement(element, name), value)
        elif isinstance(value, list):
            for part in value:
                child = ET.SubElement(element, name)
                if isinstance(part, Mapping):
                    _fill(child, part)
                else:
                    child.text = _text(part)
        elif isinstance(value, Child):
            ET.SubElement(element, name).text = _text(value.value)
        elif name == "value":
            element.text = _text(value)
        else:
            element.set(name, _text(value))


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).encode("utf-8", "backslashreplace").decode()
    return NOT_XML.sub("\ufffd", text)
