"""What a list of tracks asks for."""

from dataclasses import dataclass
from typing import TypedDict

from embedder.errors import UsageError


@dataclass(frozen=True, slots=True)
class ListRequest:
    """The tracks of a library that have some words and match a filter; without both, all."""

    words: str = ""
    where: str = ""
    sort: str | None = None
    """A field; None: the best match first, or by id."""
    descending: bool = False
    limit: int | None = None
    """None: all."""
    offset: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.words, str):
            raise UsageError(f"words: give one text, not {type(self.words).__name__}")
        if self.limit is not None and self.limit < 0:
            raise UsageError(f"limit = {self.limit}: give 0 or more")
        if self.offset < 0:
            raise UsageError(f"offset = {self.offset}: give 0 or more")


class ListOptions(TypedDict, total=False):
    """The options of `Library.list`; `ListRequest` has the defaults and checks the values."""

    where: str
    sort: str | None
    descending: bool
    limit: int | None
    offset: int
