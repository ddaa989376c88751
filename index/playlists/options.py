"""The options of `Library.playlist`'s short form: those of `soundalike playlist`, as keywords."""

from pathlib import Path
from typing import Any, TypedDict

from index.playlists.request import Arc, PlaylistRequest

FIELD_OF = {"from_": "judged"}
"""The request's field that has another name than the option; `from` is a word of Python."""


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
    kind: str
    taste: float
    from_: Path | None
    keep: tuple[int, ...]
    drop: tuple[int, ...]
    mix: bool
    order: Path | None


def playlist_request(seeds: tuple[str, ...], **options: Any) -> PlaylistRequest:
    """A request of `PlaylistOptions`."""
    return PlaylistRequest(seeds, **{FIELD_OF.get(name, name): options[name] for name in options})
