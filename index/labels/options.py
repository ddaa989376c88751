"""The options of `Library.label`'s short form: how to vote, and on which part of a track."""

from typing import Any, TypedDict

from index.labels.request import LabelRequest, VoteSettings

PART = {"start": "start_seconds", "seconds": "seconds"}
"""The options that are no fields of `VoteSettings`, with their fields of `LabelRequest`."""


class LabelOptions(TypedDict, total=False):
    """Types alone; `VoteSettings` and `LabelRequest` have the defaults and check the values."""

    field: str
    k: int
    class_balanced: bool
    include_artist: bool
    abstain: float
    several: bool | None
    start: float | None
    seconds: float | None


def label_request(tracks: tuple[str, ...], **options: Any) -> LabelRequest:
    """A request of `LabelOptions`."""
    part = {field: options.pop(name) for name, field in PART.items() if name in options}
    return LabelRequest(tracks, VoteSettings(**options), **part)
