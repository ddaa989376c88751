"""The tracks that a text names: an id, a path, or words that only one track has.

An id or an existing file comes first. A text that looks like a path is never taken for words:
`AC/DC` is one only where a folder `AC` is. Words that several tracks have are never guessed at.
"""

import os
from collections.abc import Callable
from pathlib import Path

from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import AmbiguousTrack, Candidate, printable_path
from index.catalogue.catalogue import Catalogue
from index.catalogue.records import TrackRecord
from index.library_folder.finding.listing import list_tracks
from index.library_folder.finding.request import ListRequest

Choose = Callable[[AmbiguousTrack], int]
"""Takes words with their candidates, and returns the id of the one that is meant."""
MOST_CANDIDATES = 20
MORE_SUFFIXES = frozenset({"m3u", "m3u8", "xspf", "cue"})


def is_id(text: str) -> bool:
    """Whether a text is a track's id."""
    return text.isascii() and text.isdigit()


def names_id_alone(text: str) -> bool:
    """Whether a text is an id, and no file has that name: then no path need be looked up."""
    return is_id(text) and not os.path.lexists(text)


def looks_like_path(text: str) -> bool:
    """Whether a text is meant as a path: by its beginning, its suffix, or a folder that exists."""
    if Path(text).suffix.lower().lstrip(".") in AUDIO_SUFFIXES | MORE_SUFFIXES:
        return True
    text = text.replace(os.sep, "/")
    first, separator, _ = text.partition("/")
    return bool(separator) and (first in ("", ".", "..") or first[0] == "~" or _is_folder(first))


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):  # too long a name, or one with NUL
        return False


def tracks_with_words(
    catalogue: Catalogue, text: str, *, choose: Choose | None = None
) -> list[TrackRecord]:
    """The one track that has all words; none if no track has.

    If several tracks have them, `choose` says which one is meant; without it, AmbiguousTrack is
    raised. Words that name a file outside the library stand for this file, so they match nothing.
    """
    if looks_like_path(text) or not text.strip() or os.path.lexists(text):
        return []
    matches = list_tracks(catalogue, ListRequest(text, limit=MOST_CANDIDATES))
    if matches.total <= 1:
        return list(matches)
    candidates = [as_candidate(track) for track in matches]
    error = AmbiguousTrack(text, candidates, total=matches.total)
    if choose is None:
        raise error
    return catalogue.tracks([choose(error)])


def as_candidate(track: TrackRecord) -> Candidate:
    """A track as it is offered for a choice; a file's name stands in for a missing title."""
    return Candidate(track.id, track.artist, track.title or printable_path(Path(track.path).name))
