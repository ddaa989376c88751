"""What a job does, as a record that crosses to the process that does it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["index", "map"]


@dataclass(frozen=True, slots=True)
class IndexTask:
    """Bring the library up to date with folders."""

    library: Path
    paths: tuple[Path, ...]
    prune: bool = False

    @property
    def kind(self) -> Kind:
        """The name of the kind of job."""
        return "index"

    def to_json(self) -> dict[str, object]:
        """The message to the process."""
        return {
            "kind": self.kind,
            "library": str(self.library),
            "paths": [str(path) for path in self.paths],
            "prune": self.prune,
        }


@dataclass(frozen=True, slots=True)
class MapTask:
    """Lay out the map of the library."""

    library: Path
    dimensions: int = 2

    @property
    def kind(self) -> Kind:
        """The name of the kind of job."""
        return "map"

    def to_json(self) -> dict[str, object]:
        """The message to the process."""
        return asdict(self) | {"kind": self.kind, "library": str(self.library)}


Task = IndexTask | MapTask
