"""An entry of a playlist file, and the forms of its path. Pure but for checks of existence.

Playlists have Windows paths, percent-encoded URIs, names in Latin-1. A path here is a string as in
the file system; bytes that are not UTF-8 are surrogates. What no file name can hold becomes U+FFFD.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_IN_NO_PATH = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")
"""NUL, and surrogates that do not stand for a byte (PEP 383)."""
MAX_SECONDS = 1e9
"""About thirty years; a longer duration is nonsense."""


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """One track of a playlist."""

    path: str
    """An absolute path, or the address of a stream."""
    title: str = ""
    artist: str = ""
    album: str = ""
    duration_seconds: float | None = None
    start_seconds: float | None = None
    """The start of the track in its file, if it is a part of it."""
    end_seconds: float | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it is a network address and not a file."""
        return not self.path.startswith("/") and bool(_SCHEME.match(self.path))


def path_from_text(text: str, folder: Path) -> str:
    """The path of an entry, in a playlist in `folder`."""
    text = _possible(text)
    if text.startswith("/"):  # most entries: none of the other checks applies
        return os.path.normpath(text)
    if _is_file_uri(text):
        return _absolute(_path_of_uri(text), folder)
    if _SCHEME.match(text):
        return text
    return _absolute(text, folder)


def path_from_uri(uri: str, folder: Path) -> str:
    """The path of a URI reference: XSPF percent-encodes relative paths too."""
    uri = _possible(uri)
    if _is_file_uri(uri) or not _SCHEME.match(uri):
        return _absolute(_path_of_uri(uri), folder)
    return uri


def path_from_bytes(line: bytes, folder: Path, *, is_utf8: bool) -> str:
    """The path of a line. A line that is not UTF-8 is read as Latin-1, as old programs wrote it,
    unless a file with these bytes exists or the playlist declares UTF-8.
    """
    try:
        return path_from_text(line.decode(), folder)
    except UnicodeDecodeError:
        raw = path_from_text(os.fsdecode(line), folder)
    if is_utf8 or os.path.lexists(raw):
        return raw
    guesses = [path_from_text(text, folder) for text in _legacy_texts(line)]
    return next((guess for guess in guesses if os.path.lexists(guess)), guesses[0])


def text_from_bytes(line: bytes) -> str:
    """A line as text, to show."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return _legacy_texts(line)[0]


def seconds_of(number: float | str) -> float | None:
    """A number of seconds in a playlist; None if it is negative, not finite, or too large."""
    try:
        seconds = float(number)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return seconds if 0 <= seconds <= MAX_SECONDS else None


def uri_of(path: str, *, is_relative: bool = False) -> str:
    """A path as a file URI, or as a relative reference; any byte survives."""
    quoted = quote(os.fsencode(path), safe="/!$&'()*+,;=@~")
    return quoted if is_relative else f"file://{quoted}"


def path_in_playlist(path: str, relative_to: Path | None) -> str:
    """An absolute path, or a path relative to a folder. A relative path that looks like a drive, an
    address or a comment starts with `./`.
    """
    if relative_to is None:
        return path
    relative = os.path.relpath(path, relative_to)
    is_plain = not (relative.startswith("#") or {*relative} & {":", "\\"})
    return relative if is_plain else f"./{relative}"


def _possible(path: str) -> str:
    return _IN_NO_PATH.sub("\ufffd", path)


def _is_file_uri(text: str) -> bool:
    return text[: len("file:")].lower() == "file:"


def _path_of_uri(uri: str) -> str:
    rest = uri[len("file:") :] if _is_file_uri(uri) else uri
    if rest.startswith("//"):  # file://host/path
        rest = "/" + rest[2:].partition("/")[2]
    path = _possible(os.fsdecode(unquote_to_bytes(os.fsencode(rest))))
    # The colon of a drive is not quoted; the colon in a folder's name is.
    is_on_drive = rest.startswith("/") and rest[2:3] == ":" and _DRIVE.match(path[1:])
    return path[1:] if is_on_drive else path


def _absolute(path: str, folder: Path) -> str:
    if _DRIVE.match(path) or path.startswith("\\\\"):
        return path if os.name == "nt" else path.replace("\\", "/")
    if "\\" in path and "/" not in path:  # a Windows path
        literal = os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 - thrice as fast
        path = literal if os.path.lexists(literal) else path.replace("\\", "/")
    if not path.startswith("/"):
        path = os.path.join(folder, path)  # noqa: PTH118 - thrice as fast
    return os.path.normpath(path)


def _legacy_texts(line: bytes) -> list[str]:
    texts = []
    for encoding in ("cp1252", "latin-1"):
        try:
            texts.append(line.decode(encoding))
        except UnicodeDecodeError:
            continue
    return texts
