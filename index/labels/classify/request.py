"""What `classify` asks for."""

from dataclasses import dataclass

from embedder.errors import UsageError
from index.search.request import check_tracks

LEAST_WINDOW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """Tracks to classify: paths of files, or ids of the library."""

    tracks: tuple[str, ...]
    model: str = ""
    """A model's name, its folder or a run's folder. Empty: the library's, if it has labels."""
    field: str = ""
    """The label field, for a model with several heads. Empty: the first."""
    start_seconds: float | None = None
    seconds: float | None = None
    each_seconds: float | None = None
    """Also classify every stretch of this length, one after another."""

    def __post_init__(self) -> None:
        check_tracks(self, "tracks")
        if not self.tracks:
            raise UsageError("no track to classify: name a file or an id")
        if self.seconds is not None and self.seconds <= 0:
            raise UsageError(f"seconds = {self.seconds}: give more than 0")
        if self.start_seconds is not None and self.start_seconds < 0:
            raise UsageError(f"start = {self.start_seconds}: give 0 or more")
        if self.each_seconds is not None and self.each_seconds < LEAST_WINDOW_SECONDS:
            raise UsageError(
                f"each = {self.each_seconds}: give {LEAST_WINDOW_SECONDS} seconds or more"
            )
