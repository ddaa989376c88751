"""Records as plain JSON values and as JSON text: what the command line prints and the server sends.

Pure: it writes nothing.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from urllib.parse import quote

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

SURROGATE = re.compile("[\ud800-\udfff]")
CONTROL = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON allows within a string, and a terminal may obey: controls, lines, directions."""
FIRST_BYTE = 0xDC00  # PEP 383: Python reads the byte 0xff of a file's name as U+DCFF


def to_plain(value: object) -> Json:
    """A record, array or path as values that JSON knows; NaN and infinity become null."""
    to_json: Callable[[], object] | None = getattr(value, "to_json", None)
    if to_json is not None and not isinstance(value, type):
        return to_plain(to_json())
    if value is None or (isinstance(value, bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((to_plain(item) for item in value), key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    to_list: Callable[[], object] | None = getattr(value, "tolist", None)
    if to_list is not None:  # arrays, tensors and their scalars, without importing them
        return to_plain(to_list())
    raise TypeError(f"{type(value).__name__} has no form in JSON; give it a to_json method")


def to_row(value: object) -> dict[str, Json]:
    """A record as a mapping; anything else stands under `value`."""
    plain = to_plain(value)
    return plain if isinstance(plain, dict) else {"value": plain}


def dump(value: object, *, indent: int | None = None) -> str:
    r"""JSON text in valid UTF-8: a path's byte that is not text becomes `\xff`, as in messages.

    A record with such a path also gets `location`, a file URI with the exact bytes.
    """
    plain = to_plain(value)
    text = _json_text(plain, indent=indent)
    if text.isascii() or not SURROGATE.search(text):
        return text
    return SURROGATE.sub(_escaped, _json_text(_with_locations(plain), indent=indent))


def _json_text(plain: Json, *, indent: int | None) -> str:
    text = json.dumps(plain, ensure_ascii=False, indent=indent, allow_nan=False)
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _with_locations(plain: Json) -> Json:
    """The same values; a record whose absolute `path` is not UTF-8 gets `location`."""
    if isinstance(plain, list):
        return [_with_locations(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    record = {name: _with_locations(item) for name, item in plain.items()}
    path = plain.get("path")
    if isinstance(path, str) and path.startswith("/") and SURROGATE.search(path):
        with suppress(UnicodeEncodeError):  # a surrogate that stands for no byte
            record["location"] = f"file://{quote(path.encode('utf-8', 'surrogateescape'))}"
    return record


def _escaped(match: re.Match[str]) -> str:
    """A surrogate as an escaped byte, within a JSON string; U+FFFD if it stands for no byte."""
    code = ord(match[0])
    is_byte = FIRST_BYTE <= code <= FIRST_BYTE + 0xFF
    return f"\\\\x{code - FIRST_BYTE:02x}" if is_byte else "\ufffd"
