"""What MPD plays at one moment, and what the listener did between two of them.

Pure: the client's answers in, a verdict out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from index.catalogue.event_rows import EventKind

ENOUGH = 0.5
ENOUGH_SECONDS = 240.0
"""Half of a track, or four minutes, is a play: the rule of Last.fm and ListenBrainz."""
LEAST_SECONDS = 1.0
"""A track that was heard for less was passed on the way to another one, or could not be played."""
END_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What MPD plays, and how far it is."""

    seen: float
    """The time of the look, in seconds of any clock that only goes forwards."""
    song: Mapping[str, str]
    """The current song; empty if there is none."""
    state: str
    """play, pause or stop."""
    elapsed_seconds: float
    duration_seconds: float | None
    position: int
    n_songs: int
    is_random: bool

    @property
    def song_id(self) -> str:
        """The song's place in MPD's memory; another one each time that it is queued."""
        return self.song.get("id", "")

    def heard_seconds(self, until: float) -> float:
        """How much of the song was heard at a later time, if nothing else happened."""
        heard = self.elapsed_seconds
        if self.state == "play":
            heard += until - self.seen
        return heard if self.duration_seconds is None else min(heard, self.duration_seconds)


def moment_of(status: Mapping[str, str], song: Mapping[str, str], *, seen: float) -> Moment:
    """A moment, from the answers to `status` and `currentsong`."""
    duration = status.get("duration")
    return Moment(
        seen=seen,
        song=song,
        state=status.get("state", "stop"),
        elapsed_seconds=float(status.get("elapsed", 0)),
        duration_seconds=float(duration) if duration else None,
        position=int(status.get("song", -1)),
        n_songs=int(status.get("playlistlength", 0)),
        is_random=status.get("random") == "1",
    )


def verdict(before: Moment, now: Moment) -> EventKind | None:
    """Whether the song of `before` was played or skipped; None: neither, or it still plays."""
    duration = before.duration_seconds
    if not before.song_id or duration is None or before.state == "stop":
        return None
    heard = before.heard_seconds(now.seen)
    if now.song_id == before.song_id and now.state != "stop":
        has_started_again = heard >= duration - END_SECONDS and now.elapsed_seconds < END_SECONDS
        return "play" if has_started_again and before.elapsed_seconds > END_SECONDS else None
    if heard >= min(ENOUGH * duration, ENOUGH_SECONDS):
        return "play"
    if now.song_id == before.song_id or not now.song_id:  # the music was stopped
        return None
    return "skip" if heard >= LEAST_SECONDS else None
