"""What a map asks for."""

from dataclasses import dataclass, replace

from index.map.layout import LayoutSettings


@dataclass(frozen=True, slots=True)
class MapRequest:
    """The settings of a map; None keeps the setting of the saved map."""

    dimensions: int = 2
    neighbours: int | None = None
    min_distance: float | None = None
    seed: int | None = None
    is_fresh: bool = False
    """Lay out all tracks again, even if there is a saved layout."""

    def settings(self, saved: LayoutSettings | None) -> LayoutSettings:
        """The checked settings: those given here, then those of the saved map, then defaults."""
        base = saved or LayoutSettings(dimensions=self.dimensions)
        given = {
            name: value
            for name in ("neighbours", "min_distance", "seed")
            if (value := getattr(self, name)) is not None
        }
        return replace(base, **given)
