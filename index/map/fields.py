"""What a map can be coloured by: a tag, a number or a property of the track, as a few categories.

Each field becomes at most 21 categories, with what is left over under "other" and what has no value
under "unknown"; numbers become up to seven steps.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UnknownChoice
from index.library_folder.open_library import OpenLibrary
from index.map.library_map import LibraryMap
from index.map.palette import MAX_CATEGORIES, REST, Swatch, category_swatches, step_swatches

Codes = NDArray[np.uint8]

OTHER, UNKNOWN = "other", "unknown"
USUAL_FIELDS = ("genre", "artist", "album", "year", "duration_seconds", "folder", "preservation")
UNCOLOURABLE = frozenset({"title", "path", "tracknumber", "date", "compilation"})
"""Different for each track, or there under a better name."""
MAX_FIELDS = 14
MAX_STEPS = 7
MIN_NUMBERS_SHARE = 0.9
MIN_DIFFERENT_NUMBERS = 10
"""Fewer different numbers are categories."""
SEPARATOR = ";"


@dataclass(frozen=True, slots=True, eq=False)
class MapField:
    """A field as colours. codes: uint8 [tracks], the place of each track's category."""

    name: str
    labels: tuple[str, ...]
    swatches: tuple[Swatch, ...]
    codes: Codes
    values: tuple[str, ...]
    """What each track has, as it is shown."""
    n_rest: int = 0
    """How many of the labels, at the end, are "other" and "unknown"."""
    is_ordered: bool = False

    @property
    def counts(self) -> tuple[int, ...]:
        """How many tracks each category has."""
        return tuple(np.bincount(self.codes, minlength=len(self.labels)).tolist())

    @property
    def title(self) -> str:
        """The field as a heading."""
        return {
            "duration_seconds": "length",
            "preservation": "how true its place is",
        }.get(self.name, self.name.replace("_", " "))


def field_names(library: OpenLibrary) -> list[str]:
    """Every field that a map can be coloured by: the usual ones, then those of most tracks."""
    filled = {name: n for name, n in library.catalogue.fields().items() if n}
    tags = sorted(filled, key=lambda name: (-filled[name], name))
    usual = [
        name
        for name in USUAL_FIELDS
        if name in filled or name in ("year", "duration_seconds", "folder", "preservation")
    ]
    return usual + [name for name in tags if name not in usual and name not in UNCOLOURABLE]


def default_field(names: Sequence[str]) -> str:
    """What a map is coloured by if nobody says: genre, artist, album, or else the folder."""
    return next(name for name in ("genre", "artist", "album", "folder") if name in names)


def chosen_field(library: OpenLibrary, name: str | None) -> str:
    """The field to colour by, by default the usual one; raises UnknownChoice with the fields."""
    names = field_names(library)
    if name is None:
        return default_field(names)
    found = {known.casefold(): known for known in [*names, *library.catalogue.fields()]}
    aliases = {"duration": "duration_seconds", "length": "duration_seconds"}
    wanted = aliases.get(name.casefold(), name.casefold())
    if wanted not in found:
        raise UnknownChoice("field", name, names)
    return found[wanted]


def map_fields(library: OpenLibrary, drawn: LibraryMap, *, first: str) -> list[MapField]:
    """The fields that a page offers, the chosen one first."""
    others = [name for name in field_names(library) if name != first]
    return [map_field(library, drawn, name) for name in [first, *others[: MAX_FIELDS - 1]]]


def map_field(library: OpenLibrary, drawn: LibraryMap, name: str) -> MapField:
    """One field of every track on the map."""
    match name:
        case "preservation":
            return _preservation_field(drawn)
        case "year":
            years = [track.year for track in drawn.tracks]
            return _number_field(name, years, [str(year or "") for year in years])
        case "duration_seconds":
            lengths = [track.duration_seconds for track in drawn.tracks]
            return _number_field(name, lengths, [_clock(value) for value in lengths])
        case "folder":
            return _category_field(name, [(_folder(track.path),) for track in drawn.tracks])
    values = library.catalogue.field_values(name)
    return tag_field(name, [values.get(track.id, ()) for track in drawn.tracks])


def tag_field(name: str, values: Sequence[tuple[str, ...]]) -> MapField:
    """A tag of every track: as numbers if nearly all of them are, else as categories."""
    numbers = [_number(found[0]) if found else None for found in values]
    n_filled = sum(1 for found in values if found)
    n_numbers = sum(1 for number in numbers if number is not None)
    is_number = n_filled and n_numbers >= MIN_NUMBERS_SHARE * n_filled
    if is_number and len(set(numbers)) > MIN_DIFFERENT_NUMBERS:
        return _number_field(name, numbers, [found[0] if found else "" for found in values])
    return _category_field(name, values)


def _category_field(name: str, values: Sequence[tuple[str, ...]]) -> MapField:
    """The largest categories by size. A track with several values counts for the commonest."""
    parts = [
        [piece.strip() for text in found for piece in text.split(SEPARATOR)] for found in values
    ]
    spellings = Counter(piece for found in parts for piece in found if piece)
    sizes: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for spelling, count in spellings.most_common():
        shown.setdefault(spelling.casefold(), spelling)
        sizes[spelling.casefold()] += count
    mains = [
        max((p.casefold() for p in found if p), key=lambda key: (sizes[key], key), default="")
        for found in parts
    ]
    by_size = sorted(Counter(key for key in mains if key).items(), key=lambda x: (-x[1], x[0]))
    keys = [key for key, _ in by_size[:MAX_CATEGORIES]]
    texts = tuple("; ".join(piece for piece in found if piece) for found in parts)
    return _field(
        name, mains, [(key, shown[key]) for key in keys], category_swatches(len(keys)), texts
    )


def _number_field(name: str, numbers: Sequence[float | None], texts: Sequence[str]) -> MapField:
    """Steps of about equally many tracks, named by what the tracks in them have."""
    present = np.array([number for number in numbers if number is not None], dtype=np.float64)
    edges = (
        np.unique(np.quantile(present, np.linspace(0, 1, MAX_STEPS + 1)[1:-1]))
        if len(present)
        else present
    )
    steps = [
        "" if number is None else str(int(np.searchsorted(edges, number, side="right")))
        for number in numbers
    ]
    found = sorted({step for step in steps if step}, key=int)
    named = []
    for step in found:
        inside = [
            (number, text)
            for number, text, its in zip(numbers, texts, steps, strict=True)
            if its == step and number is not None
        ]
        low, high = min(inside)[1], max(inside)[1]
        named.append((step, low if low == high else f"{low} – {high}"))
    return _field(name, steps, named, step_swatches(len(found)), tuple(texts), is_ordered=True)


def _preservation_field(drawn: LibraryMap) -> MapField:
    k = max(drawn.near.k, 1)
    counts = np.rint(drawn.preservation * k).astype(int)
    steps = [
        "0" if c < 0.25 * k else "1" if c < 0.5 * k else "2" if c < 0.75 * k else "3"
        for c in counts
    ]
    named = [
        ("0", "misleading"),
        ("1", "loose"),
        ("2", "fair"),
        ("3", "true"),
    ]
    texts = tuple(f"{count} of {k} neighbours nearby" for count in counts)
    return _field("preservation", steps, named, step_swatches(4), texts, is_ordered=True)


def _field(
    name: str,
    keys: Sequence[str],
    named: Sequence[tuple[str, str]],
    swatches: tuple[Swatch, ...],
    values: tuple[str, ...],
    *,
    is_ordered: bool = False,
) -> MapField:
    """Number the categories; what is not among them is other, an empty key is unknown."""
    codes: Mapping[str, int] = {key: code for code, (key, _) in enumerate(named)}
    n_named = len(named)
    found = np.array(
        [codes.get(key, n_named if key else n_named + 1) for key in keys], dtype=np.uint8
    )
    labels = [label for _, label in named]
    rest = [place for place in (n_named, n_named + 1) if (found == place).any()]
    if rest == [n_named + 1]:  # no "other": "unknown" takes its place
        found[found == n_named + 1] = n_named
    labels += [OTHER if place == n_named else UNKNOWN for place in rest]
    return MapField(
        name=name,
        labels=tuple(labels),
        swatches=swatches + (REST,) * len(rest),
        codes=found,
        values=values,
        n_rest=len(rest),
        is_ordered=is_ordered,
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _folder(path: str) -> str:
    return Path(path).parent.name
