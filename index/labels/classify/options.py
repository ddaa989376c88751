"""The options of `Library.classify`'s short form, named as those of the command."""

from typing import Any, TypedDict

from index.labels.classify.request import ClassifyRequest

FIELD_OF = {"start": "start_seconds", "each": "each_seconds"}
"""The options whose names differ from the fields of `ClassifyRequest`."""


class ClassifyOptions(TypedDict, total=False):
    """Types alone; `ClassifyRequest` has the defaults and checks the values."""

    model: str
    field: str
    start: float | None
    seconds: float | None
    each: float | None


def classify_request(tracks: tuple[str, ...], **options: Any) -> ClassifyRequest:
    """A request of `ClassifyOptions`."""
    return ClassifyRequest(tracks, **{FIELD_OF.get(name, name): options[name] for name in options})
