"""The options of `Library.label`'s short form: how to vote, and on which part of a track."""

from typing import Any, TypedDict

from index.labels.request import LabelRequest, VoteSettings

PART = ("start_seconds", "seconds")


class LabelOptions(TypedDict, total=False):
    """Types alone; `VoteSettings` and `LabelRequest` have the defaults and check the values."""

    field: str
    k: int
    class_balanced: bool
    include_artist: bool
    abstain: float
    several: bool | None
    start_seconds: float | None
    seconds: float | None


def label_request(tracks: tuple[str, ...], **options: Any) -> LabelRequest:
    """A request of `LabelOptions`."""
    part = {name: options.pop(name) for name in PART if name in options}
    return LabelRequest(tracks, VoteSettings(**options), **part)
