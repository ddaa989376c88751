"""Limit the training tracks of each label, to try something quickly.

Only the training side shrinks, so that scores stay comparable. With one seed, the tracks of a
smaller limit are among those of a larger one.
"""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np

from embedder.config.dataset import Balance
from embedder.datasets.dataset import Dataset
from embedder.errors import ConfigError, UnknownChoice


def limit_per_label(
    dataset: Dataset,
    n_tracks: int,
    *,
    label_field: str = "genre",
    balance: Balance = "balanced",
    seed: int = 0,
) -> Dataset:
    """Keep at most `n_tracks` training tracks for each label; the others go to no side.

    `natural` keeps the labels' proportions, with `n_tracks` for each label on average. Tracks by
    different artists come first. A track with several labels counts for each of them, and is kept
    if any of them needs it. Without a split, every track counts as training.
    """
    if n_tracks < 1:
        raise ConfigError(f"limit_per_label {n_tracks}: give at least 1.")
    if balance not in ("balanced", "natural"):
        raise UnknownChoice("balance", balance, ["balanced", "natural"])
    dataset.require_field(label_field)
    has_split = any(row.split for row in dataset.rows)
    candidates = [i for i, row in enumerate(dataset.rows) if row.split == "train" or not has_split]
    limits = _limits(dataset, candidates, n_tracks, label_field, balance)
    n_chosen: Counter[str] = Counter()
    kept_positions = set()
    for position in _artists_in_turn(dataset, candidates, np.random.default_rng([seed, 4])):
        labels = dataset.rows[position].values(label_field)
        if any(n_chosen[label] < limits[label] for label in labels):
            n_chosen.update(labels)
            kept_positions.add(position)
    if not has_split:
        return dataset.subset(sorted(kept_positions))
    dropped = set(candidates) - kept_positions
    rows = tuple(
        replace(row, split="") if i in dropped else row for i, row in enumerate(dataset.rows)
    )
    origin = f"{dataset.split_origin}; at most {n_tracks} training tracks a {label_field}"
    return replace(dataset, rows=rows, split_origin=origin)


def _limits(
    dataset: Dataset, candidates: list[int], n_tracks: int, label_field: str, balance: Balance
) -> dict[str, int]:
    counts = Counter(v for i in candidates for v in dataset.rows[i].values(label_field))
    if balance == "balanced":
        return dict.fromkeys(counts, n_tracks)
    mean = sum(counts.values()) / max(1, len(counts))
    return {label: max(1, round(n_tracks * n / mean)) for label, n in counts.items()}


def _artists_in_turn(
    dataset: Dataset, candidates: list[int], generator: np.random.Generator
) -> list[int]:
    """All candidates in random order: each artist's second track comes after all first tracks."""
    turn: defaultdict[str, int] = defaultdict(int)
    ranked: list[tuple[int, int, int]] = []
    for position in np.array(candidates, dtype=np.int64)[generator.permutation(len(candidates))]:
        group = dataset.rows[position].group
        name = group if group is not None else f"track {position}"
        ranked.append((turn[name], len(ranked), int(position)))
        turn[name] += 1
    return [position for _, _, position in sorted(ranked)]
