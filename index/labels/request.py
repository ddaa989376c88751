"""What a vote on labels asks for."""

from dataclasses import dataclass, field

from embedder.errors import UsageError
from index.search.request import check_tracks


@dataclass(frozen=True, slots=True)
class VoteSettings:
    """The settings of a vote."""

    field: str = "genre"
    k: int = 20
    class_balanced: bool = False
    """Count all labels as if they were equally frequent."""
    include_artist: bool = False
    """Let other tracks by the query's artist vote."""
    abstain: float = 0.0
    """Name no label whose probability is lower."""
    several: bool | None = None
    """Whether a track may have several labels; None: decided by the library's tags."""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"k = {self.k}: give 1 or more")
        if not 0 <= self.abstain <= 1:
            raise UsageError(f"abstain = {self.abstain}: probabilities go from 0 to 1")


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """Tracks to label. They are ids, or paths of files inside or outside the library."""

    tracks: tuple[str, ...]
    settings: VoteSettings = field(default_factory=VoteSettings)
    start_seconds: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_tracks(self, "tracks")
        if not self.tracks:
            raise UsageError("no track to label: name a file or an id")
        if self.seconds is not None and self.seconds <= 0:
            raise UsageError(f"seconds = {self.seconds}: give more than 0")
        if self.start_seconds is not None and self.start_seconds < 0:
            raise UsageError(f"start = {self.start_seconds}: give 0 or more")
