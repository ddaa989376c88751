"""The fields that colour a map: a tag, a number or a property of the track, as a few categories.

Each field has at most 21 categories; smaller ones are "other", tracks without a value "unknown".
Numbers are divided into up to seven steps.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import UnknownChoice
from index.catalogue.field_rows import MEASURED
from index.catalogue.sounds import is_sound_field
from index.library_folder.open_library import OpenLibrary
from index.map.library_map import LibraryMap
from index.map.palette import MAX_CATEGORIES, REST, Swatch, category_swatches, step_swatches

Codes = NDArray[np.uint8]

OTHER, UNKNOWN = "other", "unknown"
USUAL_FIELDS = ("genre", "artist", "album", "year", "duration_seconds", "folder", "preservation")
UNCOLOURABLE = frozenset({"title", "path", "tracknumber", "date", "compilation"})
"""Different for each track, or in the list under a better name."""
MAX_FIELDS = 14
MAX_STEPS = 7
MIN_NUMBERS_SHARE = 0.9
MIN_DIFFERENT_NUMBERS = 10
"""Fewer different numbers are treated as categories."""
SEPARATOR = ";"


@dataclass(frozen=True, slots=True, eq=False)
class MapField:
    """A field as colours. codes: uint8 [tracks], the number of each track's category."""

    name: str
    labels: tuple[str, ...]
    swatches: tuple[Swatch, ...]
    codes: Codes
    values: tuple[str, ...]
    """Each track's value, as text."""
    n_rest: int = 0
    """The number of labels, at the end, that are "other" or "unknown"."""
    is_ordered: bool = False

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of tracks in each category."""
        return tuple(np.bincount(self.codes, minlength=len(self.labels)).tolist())

    @property
    def title(self) -> str:
        """The field as a heading."""
        return {
            "duration_seconds": "length",
            "preservation": "neighbours nearby",
        }.get(self.name, self.name.replace("_", " "))


def field_names(library: OpenLibrary) -> list[str]:
    """Every field that can colour a map: the usual ones, then the other tags, most tracks first."""
    filled = {name: n for name, n in library.catalogue.fields().items() if n}
    # A model's tags and measured values come last: they are many, and every track has all.
    tags = sorted(
        filled,
        key=lambda name: (
            is_sound_field(name) or name.startswith(MEASURED),
            -filled[name],
            name,
        ),
    )
    usual = [
        name
        for name in USUAL_FIELDS
        if name in filled or name in ("year", "duration_seconds", "folder", "preservation")
    ]
    return usual + [name for name in tags if name not in usual and name not in UNCOLOURABLE]


def default_field(names: Sequence[str]) -> str:
    """The field that colours a map by default: genre, artist, album, otherwise the folder."""
    return next(name for name in ("genre", "artist", "album", "folder") if name in names)


def chosen_field(library: OpenLibrary, name: str | None) -> str:
    """The field with this name, or the default one; raises UnknownChoice with the fields."""
    names = field_names(library)
    if name is None:
        return default_field(names)
    by_folded = {field.casefold(): field for field in [*names, *library.catalogue.field_names()]}
    aliases = {"duration": "duration_seconds", "length": "duration_seconds"}
    folded = aliases.get(name.casefold(), name.casefold())
    if folded not in by_folded:
        raise UnknownChoice("field", name, names)
    return by_folded[folded]


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
    """A tag of every track: numbers if nearly all values are numbers, otherwise categories."""
    numbers = [_number(texts[0]) if texts else None for texts in values]
    n_filled = sum(1 for texts in values if texts)
    n_numbers = sum(1 for number in numbers if number is not None)
    is_number = n_filled and n_numbers >= MIN_NUMBERS_SHARE * n_filled
    if is_number and len(set(numbers)) > MIN_DIFFERENT_NUMBERS:
        return _number_field(name, numbers, [texts[0] if texts else "" for texts in values])
    return _category_field(name, values)


def _category_field(name: str, values: Sequence[tuple[str, ...]]) -> MapField:
    """The largest categories by size. A track with several values has the most common one."""
    parts = [
        [piece.strip() for text in texts for piece in text.split(SEPARATOR)] for texts in values
    ]
    spellings = Counter(piece for pieces in parts for piece in pieces if piece)
    sizes: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for spelling, count in spellings.most_common():
        shown.setdefault(spelling.casefold(), spelling)
        sizes[spelling.casefold()] += count
    main_keys = [
        max((p.casefold() for p in pieces if p), key=lambda key: (sizes[key], key), default="")
        for pieces in parts
    ]
    by_size = sorted(Counter(key for key in main_keys if key).items(), key=lambda x: (-x[1], x[0]))
    keys = [key for key, _ in by_size[:MAX_CATEGORIES]]
    shown_values = tuple("; ".join(piece for piece in pieces if piece) for pieces in parts)
    named = [(key, shown[key]) for key in keys]
    return _field(name, main_keys, named, category_swatches(len(keys)), shown_values)


def _number_field(name: str, numbers: Sequence[float | None], texts: Sequence[str]) -> MapField:
    """Steps with about the same number of tracks, named by their lowest and highest value."""
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
    filled_steps = sorted({step for step in steps if step}, key=int)
    named = []
    for step in filled_steps:
        inside = [
            (number, text)
            for number, text, own_step in zip(numbers, texts, steps, strict=True)
            if own_step == step and number is not None
        ]
        low, high = min(inside)[1], max(inside)[1]
        named.append((step, low if low == high else f"{low} – {high}"))
    return _field(
        name, steps, named, step_swatches(len(filled_steps)), tuple(texts), is_ordered=True
    )


def _preservation_field(drawn: LibraryMap) -> MapField:
    k = max(drawn.near.k, 1)
    counts = np.rint(drawn.preservation * k).astype(int)
    steps = [
        "0" if c < 0.25 * k else "1" if c < 0.5 * k else "2" if c < 0.75 * k else "3"
        for c in counts
    ]
    named = [
        ("0", "few"),
        ("1", "some"),
        ("2", "many"),
        ("3", "most"),
    ]
    texts = tuple(f"{count} of {k}" for count in counts)
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
    """Number the categories; any other key is "other", an empty key "unknown"."""
    codes: Mapping[str, int] = {key: code for code, (key, _) in enumerate(named)}
    n_named = len(named)
    numbers = np.array(
        [codes.get(key, n_named if key else n_named + 1) for key in keys], dtype=np.uint8
    )
    labels = [label for _, label in named]
    rest = [code for code in (n_named, n_named + 1) if (numbers == code).any()]
    if rest == [n_named + 1]:  # without "other", "unknown" takes its number
        numbers[numbers == n_named + 1] = n_named
    labels += [OTHER if code == n_named else UNKNOWN for code in rest]
    return MapField(
        name=name,
        labels=tuple(labels),
        swatches=swatches + (REST,) * len(rest),
        codes=numbers,
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
