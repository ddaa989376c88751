"""A playlist. JSON field names are stable: added to, never renamed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from index.catalogue.records import Json, TrackRecord


@dataclass(frozen=True, slots=True)
class PlaylistTrack:
    """A track at its place in a playlist."""

    track: TrackRecord
    position: int
    """From 1."""
    score: float | None = None
    """How near it is to the target of its place, 0…1."""
    step: float | None = None
    """The distance from the track before it."""
    value: float | None = None
    """Its value in the field of an arc."""
    measured: Mapping[str, str] = field(default_factory=dict)
    """What is shown beside it when the order is for mixing: tempo, key and energy."""
    is_given: bool = False
    """The request named it, or kept it."""
    is_long_step: bool = False
    """On a path: the step from the track before is much longer than the others."""

    def to_json(self) -> Json:
        """The track's fields, then those of its place."""
        return self.track.to_json() | {
            "position": self.position,
            "score": self.score,
            "step": self.step,
            "value": self.value,
            "measured": dict(self.measured),
            "given": self.is_given,
            "long_step": self.is_long_step,
        }


@dataclass(frozen=True, slots=True)
class Block:
    """The rule that kept a playlist from its full length."""

    rule: str
    n_removed: int
    """The number of tracks that this rule alone kept out."""

    def to_json(self) -> Json:
        """`{"rule", "removed"}`."""
        return {"rule": self.rule, "removed": self.n_removed}


@dataclass(frozen=True, slots=True)
class Playlist:
    """Tracks in playing order."""

    tracks: tuple[PlaylistTrack, ...]
    dropped: Mapping[str, int]
    """The number of tracks that each rule kept out."""
    seed: int | None
    """The same seed gives the same playlist; None if nothing is random."""
    notes: tuple[str, ...] = ()
    blocked_by: Block | None = None
    value_fields: tuple[str, ...] = ()
    """What the order follows: the field of an arc, or tempo, key and energy."""
    score_target: str = "seed"
    """What a score is measured to: seed, way, walk, kept; empty if there are no scores."""

    @property
    def seconds(self) -> float:
        """The playing time; tracks of unknown length count as zero."""
        return sum(place.track.duration_seconds or 0.0 for place in self.tracks)

    def save(self, path: Path, *, relative_to: Path | None = None, force: bool = False) -> None:
        """Write it as .m3u8, .m3u, .xspf or .json; an existing file is replaced only by `force`."""
        from index.playlists.files.files import write_playlist

        write_playlist(
            path,
            [place.track for place in self.tracks],
            document=self.to_json(),
            relative_to=relative_to,
            force=force,
        )

    def to_json(self) -> Json:
        """`{"tracks": […], "seconds", "dropped": {reason: count}, …}`."""
        return {
            "tracks": [track.to_json() for track in self.tracks],
            "seconds": round(self.seconds, 3),
            "dropped": dict(self.dropped),
            "seed": self.seed,
            "value_fields": list(self.value_fields),
            "score_target": self.score_target,
            "blocked_by": None if self.blocked_by is None else self.blocked_by.to_json(),
            "notes": list(self.notes),
        }
