"""Recognise versions of one song: live takes, remasters, remixes, radio edits.

A title keeps the parts that make another song ("Part 2", "Reprise") and loses the names of
versions. Pure: texts in, a key out.
"""

import re
import unicodedata
from functools import lru_cache

from index.catalogue.records import TrackRecord

_VERSION_WORDS = (
    r"live|unplugged|acoustic|demo|remaster(?:ed)?|re-?recorded|re-?mix(?:ed)?|mix|"
    r"edit|radio|single|album|extended|club|dub|12\"|7\"|12 ?inch|7 ?inch|version|take|outtake|"
    r"alternate|alternative|instrumental|karaoke|a ?cappella|mono|stereo|bonus|deluxe|original|"
    r"session|sessions|rehearsal|bootleg|mashup|rework|rmx|vip|explicit|clean|"
    r"feat\.?|ft\.?|featuring|with"
)
_NAMES_A_VERSION = re.compile(rf"(?<!\w)(?:{_VERSION_WORDS})(?!\w)")
_BRACKETED = re.compile(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]")
_TAIL = re.compile(r"\s+[-–—:]\s+([^-–—:]*)$")
_UNBRACKETED = re.compile(
    r"\s+(?:(?:\d{4}\s+)?remaster(?:ed)?(?:\s+\d{4})?|radio edit|"
    r"(?:feat\.?|ft\.|featuring)\s.*)$"
)
_GUEST = re.compile(r"\s+(?:feat\.?|ft\.?|featuring)\s.*$|\s*[(\[](?:feat\.?|ft\.?|featuring)\s.*$")
_NO_LETTER = re.compile(r"[\W_]+")


def version_key(track: TrackRecord) -> tuple[str, str] | None:
    """Equal for versions of one song by one artist; None if the title or the artist is unknown."""
    song = song_of(track.title)
    artist = main_artist(track.artist)
    return (artist, song) if song and artist else None


@lru_cache(maxsize=65_536)
def song_of(title: str) -> str:
    """A title without version names, accents and punctuation."""
    text = title.casefold().strip()
    if not text:
        return ""
    core = _without_versions(text)
    return _letters(core) or _letters(text) or text


@lru_cache(maxsize=65_536)
def main_artist(artist: str) -> str:
    """An artist without guests, letter case and accents."""
    text = artist.casefold().strip()
    core = _GUEST.sub("", text)
    return _letters(core) or text


def _without_versions(text: str) -> str:
    while True:
        shorter = _BRACKETED.sub(lambda m: "" if _NAMES_A_VERSION.search(m[1]) else m[0], text)
        tail = _TAIL.search(shorter)
        if tail and _NAMES_A_VERSION.search(tail[1]):
            shorter = shorter[: tail.start()]
        shorter = _UNBRACKETED.sub("", shorter).strip()
        if shorter == text or not _letters(shorter):
            return text
        text = shorter


def _letters(text: str) -> str:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    text = text.replace("&", " and ").replace("'", "").replace("’", "")
    return _NO_LETTER.sub(" ", text).strip()
