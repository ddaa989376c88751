"""The options of `Library.search`'s short form: the fields of a `SearchRequest`, as keywords."""

from typing import TypedDict

from index.vectors.hubness import Correction


class SearchOptions(TypedDict, total=False):
    """Types alone; `SearchRequest` has the defaults and checks the values."""

    minus: tuple[str, ...]
    k: int
    min_score: float | None
    where: str
    per_artist: int | None
    per_album: int | None
    with_duplicates: bool
    start_seconds: float | None
    seconds: float | None
    correction: Correction | None
    explain: bool
