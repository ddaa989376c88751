"""The options of `Library.search`'s short form: those of `soundalike query`, as keywords."""

from pathlib import Path
from typing import Any, TypedDict

from index.search.request import SearchRequest
from index.vectors.hubness import Correction

FIELD_OF = {"start": "start_seconds", "hubness": "correction"}
"""The request's fields that have another name than the option."""


class SearchOptions(TypedDict, total=False):
    """Types alone; `SearchRequest` has the defaults and checks the values."""

    minus: tuple[str, ...]
    k: int
    min_score: float | None
    where: str
    per_artist: int | None
    per_album: int | None
    no_duplicates: bool
    start: float | None
    seconds: float | None
    hubness: Correction | None
    explain: bool
    listen: bool
    text: str
    from_playlist: Path | None
    taste: float


def search_request(tracks: tuple[str, ...], **options: Any) -> SearchRequest:
    """A request of `SearchOptions`."""
    if "no_duplicates" in options:
        options["with_duplicates"] = not options.pop("no_duplicates")
    return SearchRequest(tracks, **{FIELD_OF.get(name, name): options[name] for name in options})
