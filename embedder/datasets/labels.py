"""Labels in the cells of a table, how often each occurs, and which are kept."""

import ast
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from embedder.datasets.records import TrackRow
from embedder.datasets.tables import LIST_MARK
from embedder.errors import DatasetError

_logger = logging.getLogger(__name__)


def labels_in_cell(cell: str, separator: str) -> tuple[str, ...]:
    """The labels of a cell, in order and without repeats.

    `rock;pop` by its separator, `['rock', 'pop']` as Python writes a list, or a list column.
    """
    text = cell.strip()
    if not text:
        return ()
    if text.startswith(LIST_MARK):
        parts = text.split(LIST_MARK)
    elif text.startswith("[") and text.endswith("]"):
        parts = _written_list(text)
    else:
        parts = text.split(separator) if separator else [text]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _written_list(text: str) -> list[str]:
    try:
        values = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return [text]
    return [str(value) for value in values]


def count_labels(rows: Sequence[TrackRow], label_field: str) -> Counter[str]:
    """How many tracks carry each label of a field."""
    return Counter(value for row in rows for value in row.values(label_field))


def merge_labels(rows: Sequence[TrackRow], merges: Mapping[str, Sequence[str]]) -> list[TrackRow]:
    """Replace synonyms in every label field by the name that they are listed under."""
    name_of: dict[str, str] = {}
    for name, synonyms in merges.items():
        for synonym in synonyms:
            if name_of.setdefault(synonym, name) != name or synonym in merges:
                other = name_of[synonym] if name_of[synonym] != name else synonym
                raise DatasetError(
                    f"dataset.merge_labels: {synonym!r} is listed under {name!r} and is also "
                    f"{'a name' if other == synonym else f'under {other!r}'}. List it once."
                )
    absent = set(name_of) - {v for row in rows for values in row.labels.values() for v in values}
    if absent:
        _logger.warning(
            "dataset.merge_labels: no track has the label %s", ", ".join(sorted(absent))
        )
    return [
        replace(
            row,
            labels={
                field: tuple(dict.fromkeys(name_of.get(value, value) for value in values))
                for field, values in row.labels.items()
            },
        )
        for row in rows
    ]


def keep_frequent(rows: Sequence[TrackRow], label_field: str, n_labels: int) -> list[TrackRow]:
    """Keep the `n_labels` most frequent labels of a field; equal counts go by name."""
    counts = count_labels(rows, label_field)
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    kept_labels = set(ranked[:n_labels])
    return [
        replace(
            row,
            labels={
                **row.labels,
                label_field: tuple(v for v in row.values(label_field) if v in kept_labels),
            },
        )
        for row in rows
    ]


def check_label_counts(
    rows: Sequence[TrackRow], label_field: str, *, at_least: int, where: str = "data set"
) -> None:
    """Refuse labels with too few tracks; the message gives each label and its count."""
    counts = count_labels(rows, label_field)
    if not counts:
        raise DatasetError(f"no track of the {where} has a label in {label_field!r}.")
    rare = sorted((n, label) for label, n in counts.items() if n < at_least)
    if rare:
        named = ", ".join(f"{label!r} ({n})" for n, label in rare[:10])
        more = f" and {len(rare) - 10} more" if len(rare) > 10 else ""
        raise DatasetError(
            f"too few tracks in the {where} for {label_field} {named}{more}: each needs at "
            f"least {at_least}. Add tracks, leave the label out, or lower min_per_label."
        )
