"""Listening histories in files: what ListenBrainz, Last.fm and `taste export` write.

    .json, .jsonl   ListenBrainz listens and feedback; recent and loved tracks of Last.fm's API;
                    lastfmstats; `taste export`
    .csv            artist, album, track, date in columns, with a header or without
    .zip            ListenBrainz's export of all data: the .json and .jsonl files in it

Pure but for reading: which track of the library is meant is decided in `matching`.
"""

import csv
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from embedder.errors import BadInput, NotFound, printable_path
from index.catalogue.event_rows import EVENT_KINDS, EventKind

MAX_BYTES = 512 * 2**20
"""A file, or all files in an archive, beyond this is not a history."""
MAX_MEMBERS = 10_000
MILLISECONDS = 10**11
"""Later times are in milliseconds: as seconds, this is the year 5138."""
DATES = ("%d %b %Y %H:%M", "%d %b %Y, %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
COLUMNS = {
    "artist": ("artist", "artist_name", "artist name"),
    "title": ("track", "title", "track_name", "track name", "song", "name"),
    "album": ("album", "release_name", "album name"),
    "date": ("uts", "date", "timestamp", "time", "utc_time", "listened_at"),
    "recording_id": ("track_mbid", "recording_mbid", "mbid"),
    "kind": ("event",),
    "path": ("path",),
}
_WHOLE = re.compile("-?[0-9]+")
PLAIN_COLUMNS = ("artist", "album", "title", "date")
"""The columns of a CSV file without a header."""


_UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError),  # NotImplementedError is a RuntimeError
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What reading a damaged archive raises."""


@dataclass(frozen=True, slots=True)
class Listen:
    """An event of a history, of a track by its names."""

    artist: str
    title: str
    album: str
    recording_ids: tuple[str, ...]
    """MusicBrainz ids of the recording."""
    kind: EventKind
    happened: int
    source: str
    path: str = ""


def read_listens(path: Path) -> Iterator[Listen | None]:
    """The events in a file; None for each entry that names no track or no time."""
    for name, data in _texts(path):
        try:
            if name.endswith(".csv"):
                yield from _from_csv(data)
            else:
                yield from _from_json(data, is_lines=name.endswith(".jsonl"))
        except (ValueError, RecursionError, csv.Error) as error:
            raise BadInput(
                f"{printable_path(path)}: {name} cannot be read ({error}). Give a history of "
                "ListenBrainz or Last.fm as .json, .jsonl, .csv or .zip."
            ) from error


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of a file, or of each history in an archive."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{printable_path(path)}: more than {MAX_BYTES >> 20} MB.")
        if path.suffix.lower() == ".zip":
            yield from _members(path)
        else:
            yield path.name.lower(), path.read_bytes().decode("utf-8-sig", "replace")
    except FileNotFoundError as error:
        raise NotFound(f"{printable_path(path)}: no such file.") from error
    except _UNREADABLE as error:
        raise BadInput(f"{printable_path(path)}: cannot be read ({error}).") from error


def _members(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.infolist()
            if member.filename.lower().endswith((".json", ".jsonl"))
        ]
        if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_BYTES:
            raise BadInput(f"{printable_path(path)}: more than {MAX_BYTES >> 20} MB.")
        for member in members:
            yield member.filename.lower(), archive.read(member).decode("utf-8", "replace")


def _from_json(text: str, *, is_lines: bool) -> Iterator[Listen | None]:
    if is_lines:
        lines = filter(str.strip, text.split("\n"))
        yield from (_entry(json.loads(line)) for line in lines)
        return
    document = json.loads(text)
    entries, kind = _entries_in(document)
    yield from (_entry(entry, kind) for entry in entries)


def _entries_in(document: Any) -> tuple[Sequence[Any], EventKind]:
    """The list of events in a document, and the kind of those that do not say it."""
    if isinstance(document, list):
        # Last.fm's pages may be a list of lists.
        nested = document and all(isinstance(page, list) for page in document)
        return ([entry for page in document for entry in page] if nested else document), "play"
    if isinstance(document, dict):
        for name in ("events", "scrobbles", "listens", "feedback"):
            if isinstance(document.get(name), list):
                return document[name], "play"
        for name, kind in (("recenttracks", "play"), ("lovedtracks", "like")):
            tracks = _mapping(document.get(name)).get("track")
            if isinstance(tracks, list):
                return tracks, cast("EventKind", kind)
        if "payload" in document:
            return _entries_in(document["payload"])
    return [], "play"


def _entry(entry: Any, kind: EventKind = "play") -> Listen | None:
    """One entry of any of the known kinds of JSON."""
    fields = _mapping(entry)
    names = _mapping(fields.get("track_metadata")) or fields
    more = _mapping(names.get("additional_info"))
    mapped = _mapping(names.get("mbid_mapping"))
    is_brainz = bool(_mapping(fields.get("track_metadata"))) or "score" in fields
    if "score" in fields:
        if fields["score"] not in (1, -1):
            return None
        kind = "like" if fields["score"] == 1 else "dislike"
    if fields.get("event") in EVENT_KINDS:
        kind = fields["event"]
    ids = (
        *(more.get("recording_mbid"), mapped.get("recording_mbid")),
        *(fields.get("recording_mbid"), fields.get("mbid"), fields.get("recording_id")),
    )
    source = "listenbrainz" if is_brainz else "lastfm"
    return _listen(
        artist=_text(_first(names, "artist_name", "artist")),
        title=_text(_first(names, "track_name", "title", "name", "track")),
        album=_text(_first(names, "release_name", "album")),
        ids=ids,
        kind=kind,
        when=_first(fields, "listened_at", "created", "date", "time", "timestamp"),
        source=_text(fields.get("source")) if "event" in fields else source,
        path=_text(fields.get("path")) if "event" in fields else "",
    )


def _from_csv(text: str) -> Iterator[Listen | None]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    head = [name.strip().lower().partition("#")[0] for name in next(rows, [])]
    places = {
        field: head.index(name)
        for field, names in COLUMNS.items()
        for name in reversed(names)
        if name in head
    }
    if not {"artist", "title"} <= places.keys():
        places = {field: place for place, field in enumerate(PLAIN_COLUMNS)}
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    for row in rows:
        if not row:
            continue
        values = {field: row[at] for field, at in places.items() if at < len(row)}
        kind = values.get("kind", "play")
        yield _listen(
            artist=values.get("artist", ""),
            title=values.get("title", ""),
            album=values.get("album", ""),
            ids=(values.get("recording_id"),),
            kind=kind if kind in EVENT_KINDS else "play",
            when=values.get("date"),
            source="lastfm",
            path=values.get("path", ""),
        )


def _listen(
    *,
    artist: str,
    title: str,
    album: str,
    ids: Sequence[Any],
    kind: EventKind,
    when: object,
    source: str,
    path: str,
) -> Listen | None:
    happened = _seconds(when)
    recording_ids = tuple(dict.fromkeys(_text(some).lower() for some in ids if _text(some)))
    has_name = (artist.strip() and title.strip()) or recording_ids or path
    if happened is None or not has_name:
        return None
    return Listen(
        artist.strip(), title.strip(), album.strip(), recording_ids, kind, happened, source, path
    )


def _seconds(when: object) -> int | None:
    """A time as seconds since 1970: a number of seconds or milliseconds, or a date in UTC."""
    if isinstance(when, dict):  # Last.fm's {"uts": …, "#text": …}
        when = _first(when, "uts", "#text")
    if isinstance(when, bool) or when is None:
        return None
    text = str(when).strip() if isinstance(when, str) else ""
    if isinstance(when, int | float) or _WHOLE.fullmatch(text):
        try:
            number = float(when) if isinstance(when, int | float) else float(text)
        except OverflowError:  # a whole number of hundreds of digits
            return None
        number = number / 1000 if number > MILLISECONDS else number
        return int(number) if 0 < number < MILLISECONDS else None
    for pattern in DATES:
        try:
            return _positive(datetime.strptime(text, pattern).replace(tzinfo=UTC))
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _positive(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _positive(moment: datetime) -> int | None:
    seconds = int(moment.timestamp())
    return seconds if seconds > 0 else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def _text(value: object) -> str:
    """A text, or the text of one of Last.fm's records, such as {"#text": "Cher"}."""
    if isinstance(value, dict):
        value = _first(value, "name", "#text")
    return value if isinstance(value, str) else ""
