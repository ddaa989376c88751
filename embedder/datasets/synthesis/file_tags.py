"""Write the tags of synthesised songs: Vorbis comments, ID3 frames, MP4 atoms."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import TALB, TCON, TDRC, TIT2, TMOO, TPE1, TRCK
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE

from embedder.errors import UnknownChoice

# mutagen is only partly annotated.
_Open = Callable[[Path], Any]
_Frame = Callable[..., Any]

_TITLE: _Frame = TIT2
_ARTIST: _Frame = TPE1
_ALBUM: _Frame = TALB
_GENRE: _Frame = TCON
_MOOD: _Frame = TMOO
_DATE: _Frame = TDRC
_TRACK: _Frame = TRCK

_COMMENTED: dict[str, _Open] = {".flac": FLAC, ".ogg": OggOpus}
_FRAMED: dict[str, _Open] = {".mp3": MP3, ".wav": WAVE}
_ATOMIC: dict[str, _Open] = {".m4a": MP4}


@dataclass(frozen=True, slots=True)
class SongTags:
    """The tags of a song."""

    title: str
    artist: str
    album: str
    genre: str
    mood: str
    year: int
    track_number: int
    n_tracks: int


def write_tags(path: Path, tags: SongTags) -> None:
    """Replace the tags of an audio file in place."""
    suffix = path.suffix.lower()
    try:
        if suffix in _COMMENTED:
            _write_comments(_COMMENTED[suffix](path), tags)
        elif suffix in _FRAMED:
            _write_frames(_FRAMED[suffix](path), tags)
        elif suffix in _ATOMIC:
            _write_atoms(_ATOMIC[suffix](path), tags)
        else:
            raise UnknownChoice("format", suffix, (*_COMMENTED, *_FRAMED, *_ATOMIC))
    except MutagenError as error:
        if error.args and isinstance(error.args[0], OSError):  # such as a full disk
            raise error.args[0] from error
        raise


def _write_comments(file: Any, tags: SongTags) -> None:
    file.update(
        {
            "title": tags.title,
            "artist": tags.artist,
            "album": tags.album,
            "genre": tags.genre,
            "mood": tags.mood,
            "date": str(tags.year),
            "tracknumber": str(tags.track_number),
            "tracktotal": str(tags.n_tracks),
        }
    )
    file.save()


def _write_frames(file: Any, tags: SongTags) -> None:
    if file.tags is None:
        file.add_tags()
    for frame, text in (
        (_TITLE, tags.title),
        (_ARTIST, tags.artist),
        (_ALBUM, tags.album),
        (_GENRE, tags.genre),
        (_MOOD, tags.mood),
        (_DATE, str(tags.year)),
        (_TRACK, f"{tags.track_number}/{tags.n_tracks}"),
    ):
        file.tags.add(frame(text=text))
    file.save()


def _write_atoms(file: Any, tags: SongTags) -> None:
    file.update(
        {
            "\xa9nam": [tags.title],
            "\xa9ART": [tags.artist],
            "\xa9alb": [tags.album],
            "\xa9gen": [tags.genre],
            "\xa9day": [str(tags.year)],
            "trkn": [(tags.track_number, tags.n_tracks)],
            "----:com.apple.iTunes:MOOD": [tags.mood.encode()],
        }
    )
    file.save()
