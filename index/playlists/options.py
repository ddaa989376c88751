"""The options of `Library.playlist`'s short form: a `PlaylistRequest`'s fields as keywords."""

from pathlib import Path
from typing import TypedDict

from index.playlists.request import Arc


class PlaylistOptions(TypedDict, total=False):
    """Types alone; `PlaylistRequest` has the defaults and checks the values."""

    length: int | None
    minutes: float | None
    to: str | None
    via: tuple[str, ...]
    drift: float | None
    where: str
    arc: Arc | None
    per_artist: int | None
    per_album: int | None
    spacing: int | None
    allow_versions: bool
    exclude: tuple[str, ...]
    recent: Path | None
    min_score: float | None
    seed: int | None
    judged: Path | None
    keep: tuple[int, ...]
    drop: tuple[int, ...]
