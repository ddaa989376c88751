"""What a playlist asks for. Wrong combinations raise UsageError, with advice."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from embedder.errors import UnknownChoice, UsageError
from index.search.request import check_tracks
from index.taste.request import check_taste

Shape = Literal["rise", "fall", "peak", "valley"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
DEFAULT_LENGTH = 20
MAX_LENGTH = 10_000
KINDS = ("rediscover", "daily-mix")


@dataclass(frozen=True, slots=True)
class Arc:
    """A number that goes up or down over the list: a tag, or energy or tempo as measured."""

    field: str
    shape: Shape

    @classmethod
    def parse(cls, text: str) -> "Arc":
        """From FIELD:SHAPE."""
        field, _, shape = text.rpartition(":")
        for name in SHAPES:
            if field and shape == name:
                return cls(field.strip().lower(), name)
        if not field:
            raise UsageError(f"arc {text!r}: give FIELD:SHAPE, such as energy:rise")
        raise UnknownChoice("shape of an arc", shape, SHAPES)


@dataclass(frozen=True, slots=True)
class PlaylistRequest:
    """A playlist. Tracks are ids or paths; seeds may be folders and playlist files too."""

    seeds: tuple[str, ...] = ()
    length: int | None = None
    minutes: float | None = None
    to: str | None = None
    via: tuple[str, ...] = ()
    drift: float | None = None
    where: str = ""
    arc: Arc | None = None
    per_artist: int | None = None
    """None: a limit that fits the length, and is ignored if there are too few tracks."""
    per_album: int | None = None
    spacing: int | None = None
    """Tracks between two of one artist or album. None: a few, ignored if tracks are too few."""
    allow_versions: bool = False
    exclude: tuple[str, ...] = ()
    recent: Path | None = None
    min_score: float | None = None
    seed: int | None = None
    judged: Path | None = None
    """A playlist to continue, with tracks to keep and to drop."""
    keep: tuple[int, ...] = ()
    """Places in it, from 1, of tracks to keep; the playlist goes towards them."""
    kind: str = ""
    """`rediscover` or `daily-mix`: a playlist that starts from the listener's events."""
    taste: float = 0.0
    """How much the listener's events change the choice, from 0 to 1."""
    drop: tuple[int, ...] = ()
    """Places in it of tracks to drop; the playlist goes away from them."""
    mix: bool = False
    """Order the tracks for mixing: by tempo, key and energy."""
    order: Path | None = None
    """A playlist whose entries are put in order for mixing; nothing is added or left out."""

    def __post_init__(self) -> None:
        check_tracks(self, "seeds", "via", "exclude")
        check_taste(self.taste)
        if self.kind and self.kind not in KINDS:
            raise UnknownChoice("kind of playlist", self.kind, KINDS)
        if self.kind and (self.to is not None or self.judged is not None):
            raise UsageError("give --kind alone, without --to and --from")
        if self.length is not None and self.minutes is not None:
            raise UsageError("give --length or --minutes, not both")
        if self.length is not None and not 1 <= self.length <= MAX_LENGTH:
            raise UsageError(f"length {self.length}: give 1 to {MAX_LENGTH} tracks")
        if self.minutes is not None and not 0 < self.minutes <= 100_000:
            raise UsageError(f"minutes {self.minutes:g}: give more than 0, up to 100000")
        if self.drift is not None and not 0 <= self.drift <= 1:
            raise UsageError(f"drift {self.drift:g}: give 0 (no drift) to 1 (large steps)")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min-score {self.min_score:g}: scores go from 0 to 1")
        if self.seed is not None and self.seed < 0:
            raise UsageError(f"seed {self.seed}: give 0 or more")
        if (self.keep or self.drop) and self.judged is None:
            raise UsageError("--keep and --drop need a playlist: name it with --from")
        self._check_kind()

    def _check_kind(self) -> None:
        if self.order is not None:
            self._check_alone()
            return
        others = {"to": self.to, "arc": self.arc, "drift": self.drift}
        for name, value in others.items():
            if self.mix and value is not None:
                raise UsageError(f"--mix orders the tracks itself: leave out --{name}")
        if not (self.seeds or self.where or self.kind) and self.judged is None:
            raise UsageError("nothing to start from: give a track, a folder, a playlist or --where")
        if self.via and self.to is None:
            raise UsageError("--via needs a last track: give --to as well")
        if self.to is None:
            if self.arc is not None and self.drift is not None:
                raise UsageError("give --arc or --drift, not both")
            return
        if len(self.seeds) != 1:
            raise UsageError("--to starts from one track: give one, and others by --via")
        for name, given in (("arc", self.arc), ("drift", self.drift), ("from", self.judged)):
            if given is not None:
                raise UsageError(f"give --to or --{name}, not both")
        if self.length is not None and self.length < 2 + len(self.via):
            raise UsageError(f"length {self.length}: you named {2 + len(self.via)} tracks already")

    def _check_alone(self) -> None:
        """Raise UsageError for any other field beside `order`."""
        for name, value in PLAIN.items():
            if getattr(self, name) != value:
                raise UsageError(f"--order keeps the tracks of its list: leave out {name}")


PLAIN: dict[str, object] = {
    each.name: each.default for each in fields(PlaylistRequest) if each.name not in ("order", "mix")
}


def parse_places(text: str) -> tuple[int, ...]:
    """Places in a playlist, from 1: `1,3-5`."""
    places: list[int] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise UsageError(f"places {text!r}: give numbers and ranges, such as 1,3-5")
        begin, end = int(first), int(last or first)
        if not 1 <= begin <= end <= MAX_LENGTH:
            raise UsageError(f"places {text!r}: {part} is not a range of places from 1")
        places += range(begin, end + 1)
    return tuple(dict.fromkeys(places))
