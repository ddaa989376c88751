"""CUE sheets: one long file as several tracks. Text in, tracks out; opens nothing.

FILE "album.flac" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    INDEX 01 00:00:00        minutes:seconds:frames, 75 frames a second
"""

import re
from dataclasses import dataclass, replace

FRAMES_PER_SECOND = 75
_LINE = re.compile(r"^\s*(\w+)\s+(.*?)\s*$")
_QUOTED = re.compile(r'^"(.*)"|^(\S+)')


@dataclass(frozen=True, slots=True)
class CueTrack:
    """A track of a sheet: its file, start and end. end_seconds None: to the end of the file."""

    file_name: str
    number: int
    start_seconds: float
    end_seconds: float | None = None
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None


@dataclass(slots=True)
class _Sheet:
    """The values that have been read so far."""

    album: str = ""
    artist: str = ""
    genre: str = ""
    year: int | None = None
    file_name: str = ""
    number: int = 0
    title: str = ""
    track_artist: str = ""


def decode_cue(data: bytes) -> str:
    """A sheet's text: UTF-8 or UTF-16 by the mark, UTF-8 if it is valid, otherwise Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse_cue(text: str) -> list[CueTrack]:
    """The tracks of a sheet, by file and time; empty if the text is no sheet."""
    sheet = _Sheet()
    tracks: list[CueTrack] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        command, rest = match[1].upper(), match[2]
        if command == "INDEX":
            start = _seconds(rest)
            if start is not None and sheet.number > 0 and sheet.file_name:
                tracks.append(_track(sheet, start))
        else:
            _note(sheet, command, rest)
    following = [*tracks[1:], None]
    return [_ended(track, after) for track, after in zip(tracks, following, strict=False)]


def _note(sheet: _Sheet, command: str, rest: str) -> None:
    text = _unquoted(rest)
    if command == "FILE":
        sheet.file_name, sheet.number = text, 0
    elif command == "TRACK":
        digits = re.match(r"\d{1,4}", rest)
        sheet.number = int(digits[0]) if digits and rest.upper().endswith("AUDIO") else 0
        sheet.title = sheet.track_artist = ""
    elif command == "TITLE":
        if sheet.number:
            sheet.title = text
        else:
            sheet.album = text
    elif command == "PERFORMER":
        if sheet.number:
            sheet.track_artist = text
        else:
            sheet.artist = text
    elif command == "REM":
        key, _, value = rest.partition(" ")
        if key.upper() == "GENRE":
            sheet.genre = _unquoted(value)
        elif key.upper() == "DATE" and (digits := re.search(r"\d{4}", value)):
            sheet.year = int(digits[0])


def _track(sheet: _Sheet, start_seconds: float) -> CueTrack:
    return CueTrack(
        file_name=sheet.file_name,
        number=sheet.number,
        start_seconds=start_seconds,
        title=sheet.title,
        artist=sheet.track_artist or sheet.artist,
        album=sheet.album,
        genre=sheet.genre,
        year=sheet.year,
    )


def _ended(track: CueTrack, following: CueTrack | None) -> CueTrack:
    if following is None or following.file_name != track.file_name:
        return track
    return replace(track, end_seconds=following.start_seconds)


def _unquoted(text: str) -> str:
    match = _QUOTED.match(text.strip())
    return (match[1] if match[1] is not None else match[2]) if match else ""


def _seconds(text: str) -> float | None:
    """The time of an INDEX 01 line; INDEX 00 is the gap before a track."""
    match = re.match(r"0*1\s+(\d{1,6}):(\d{1,2}):(\d{1,2})$", text)
    if not match:
        return None
    minutes, seconds, frames = (int(group) for group in match.groups())
    return minutes * 60 + seconds + frames / FRAMES_PER_SECOND
