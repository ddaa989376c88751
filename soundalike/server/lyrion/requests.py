"""The questions of the plugin, with the field names of bliss-mixer. Unknown fields are ignored.

Flags are 0 or 1. `forest`, `adaptiveweights` and `debug` choose between the methods of bliss-mixer,
and have no meaning here.
"""

from typing import Annotated

from pydantic import BaseModel, Field

MAX_COUNT = 50
MAX_NAME = 4096
MAX_TRACKS = 1000
MAX_GROUPS = 500

Name = Annotated[str, Field(max_length=MAX_NAME)]
Names = Annotated[list[Name], Field(max_length=MAX_TRACKS)]
Number = Annotated[int, Field(ge=0, le=2**31)]
Flag = Annotated[int, Field(ge=0, le=65535)]
Group = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MAX_GROUPS)]


class Limits(BaseModel):
    """What both questions have in common."""

    count: Number = 5
    filtergenre: Flag = 0
    """1: only tracks of the same genre groups."""
    filterxmas: Flag = 0
    """1: no Christmas music, except in December."""
    min: Number = 0
    """The shortest track, in seconds; 0: any."""
    max: Number = 0
    """The longest track, in seconds; 0: any."""
    maxbpmdiff: Annotated[int, Field(ge=-32768, le=32767)] = 0
    """How far the tempo may be from that of the named tracks; 0: any."""
    genregroups: Annotated[list[Group], Field(max_length=MAX_GROUPS)] = []
    """Genres that go together; each may have `*`."""
    allgenres: Flag = 0
    """1: a track is in a group only if all its genres are."""

    @property
    def n_tracks(self) -> int:
        """How many tracks to answer with: 1 to 50, as bliss-mixer has it."""
        return min(max(self.count, 1), MAX_COUNT)


class MixQuestion(Limits):
    """A mix that goes on from tracks."""

    tracks: Names
    previous: Names = []
    """What is in the queue, the latest first; none of it comes again."""
    shuffle: Flag = 0
    norepart: Flag = 0
    """No artist of so many previous tracks, and no artist twice."""
    norepalb: Flag = 0
    """No album of so many previous tracks."""


class ListQuestion(Limits):
    """The tracks nearest to one."""

    track: Name
    byartist: Annotated[int, Field(ge=-32768, le=32767)] = 0
    """1: only tracks of the same artist."""
