"""Training, validation and test sides: the stored ones, drawn ones, or folds.

A drawn split is the same for the same seed, puts every track on exactly one side, and keeps artists
and copies of a recording together. A stored split is kept, except for training tracks that are
copies of held-out ones: they go to no side, so that scores stay comparable and honest.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedder.config.dataset import DatasetConfig
from embedder.datasets.allotment import allot
from embedder.datasets.dataset import Dataset
from embedder.datasets.duplicates import find_repeats
from embedder.datasets.grouping import LinkedSets
from embedder.datasets.labels import check_label_counts
from embedder.datasets.records import SIDES, Side
from embedder.datasets.selection import limit_per_label
from embedder.errors import ConfigError, DatasetError, UnknownChoice

_APART_BY = ("artist", "album", "track")
_DRAWN = "drawn "


def split_configured(dataset: Dataset, config: DatasetConfig) -> Dataset:
    """Apply the settings of a training run: split, limit and check labels."""
    if config.fold >= 0:
        split = fold_dataset(
            dataset,
            n_folds=config.n_folds,
            fold=config.fold,
            label_field=config.label_field,
            apart_by=config.split_by,
            seed=config.seed,
            validation_share=config.validation_share,
        )
    else:
        split = split_dataset(
            dataset,
            label_field=config.label_field,
            apart_by=config.split_by,
            shares=(config.validation_share, config.test_share),
            seed=config.seed,
        )
    if config.learn_validation:
        split = _with_validation_learnt(split)
    if config.limit_per_label:
        split = limit_per_label(
            split,
            config.limit_per_label,
            label_field=config.label_field or config.tag_field,
            balance=config.limit_balance,
            seed=config.seed,
        )
    if config.label_field:
        training = [split.rows[i] for i in split.positions("train")]
        check_label_counts(
            training, config.label_field, at_least=config.min_per_label, where="training side"
        )
    return split


def split_dataset(
    dataset: Dataset,
    *,
    label_field: str = "genre",
    apart_by: str = "artist",
    shares: tuple[float, float] = (0.1, 0.1),
    seed: int = 0,
) -> Dataset:
    """Keep the stored split, or draw one by `shares` (validation, test) of all tracks.

    A stored split without a validation side gets one, drawn from its training side.
    """
    _check_shares(shares)
    blocks = track_blocks(dataset, apart_by)
    generator = np.random.default_rng([seed, 1])
    if not any(row.split for row in dataset.rows):
        all_shares = (1.0 - sum(shares), *shares)
        sides = _draw(dataset, blocks, all_shares, label_field=label_field, generator=generator)
        return _with_sides(dataset, sides, f"{_DRAWN}{_apart(dataset, apart_by)}, seed {seed}")
    dataset = _without_leaks(dataset)
    training = dataset.positions("train")
    if shares[0] <= 0 or len(dataset.positions("validation")) or not len(training):
        return dataset
    drawn_sides = _draw(
        dataset.subset(training),
        blocks[training],
        (1.0 - shares[0], shares[0], 0.0),
        label_field=label_field,
        generator=generator,
    )
    sides = [row.split for row in dataset.rows]
    for position, side in zip(training, drawn_sides, strict=True):
        sides[position] = side
    origin = (
        f"{dataset.split_origin}; validation drawn from training "
        f"{_apart(dataset, apart_by)}, seed {seed}"
    )
    return _with_sides(dataset, sides, origin)


def is_drawn(dataset: Dataset) -> bool:
    """Whether all sides were drawn, so that no test side is one that others measure on."""
    return dataset.split_origin.startswith(_DRAWN)


def fold_dataset(
    dataset: Dataset,
    *,
    n_folds: int,
    fold: int,
    label_field: str = "genre",
    apart_by: str = "artist",
    seed: int = 0,
    validation_share: float = 0.0,
) -> Dataset:
    """One of `n_folds` as the test side; the validation side is drawn from the rest.

    All folds of one seed come from one partition, whatever the stored split says.
    """
    if n_folds < 2 or not 0 <= fold < n_folds:
        raise ConfigError(f"fold {fold} of {n_folds}: folds count from 0, and there are 2 or more.")
    _check_shares((validation_share, 0.0))
    folds = _fold_of_each(dataset, n_folds, label_field=label_field, apart_by=apart_by, seed=seed)
    sides: list[Side] = ["test" if number == fold else "train" for number in folds]
    plain = _with_sides(
        dataset, sides, f"fold {fold} of {n_folds} drawn {_apart(dataset, apart_by)}, seed {seed}"
    )
    if not validation_share:
        return plain
    training = plain.positions("train")
    drawn_sides = _draw(
        plain.subset(training),
        track_blocks(dataset, apart_by)[training],
        (1.0 - validation_share, validation_share, 0.0),
        label_field=label_field,
        generator=np.random.default_rng([seed, 3, fold]),
    )
    for position, side in zip(training, drawn_sides, strict=True):
        sides[position] = side
    return _with_sides(dataset, sides, plain.split_origin)


def track_blocks(dataset: Dataset, apart_by: str) -> NDArray[np.int64]:
    """A number for each track, equal for tracks that must stay together, int64 [tracks]."""
    if apart_by not in _APART_BY:
        raise UnknownChoice("split_by", apart_by, _APART_BY)
    links = LinkedSets()
    for position, first in enumerate(find_repeats(dataset).sets):
        links.link([position, first])
        row = dataset.rows[position]
        name = {"artist": row.group, "album": row.album or None, "track": None}[apart_by]
        if name is not None:
            links.link([position, f"name {name}"])
    numbers: dict[object, int] = {}
    return np.array(
        [numbers.setdefault(links.root(i), len(numbers)) for i in range(len(dataset.rows))],
        dtype=np.int64,
    )


def _fold_of_each(
    dataset: Dataset, n_folds: int, *, label_field: str, apart_by: str, seed: int
) -> NDArray[np.int64]:
    blocks = track_blocks(dataset, apart_by)
    counts = _block_counts(dataset, blocks, label_field)
    if len(counts) < n_folds:
        raise DatasetError(_too_few_blocks(dataset, len(counts), n_folds))
    of_block = allot(counts, [1.0 / n_folds] * n_folds, generator=np.random.default_rng([seed, 2]))
    return of_block[blocks]


def _draw(
    dataset: Dataset,
    blocks: NDArray[np.int64],
    shares: Sequence[float],
    *,
    label_field: str,
    generator: np.random.Generator,
) -> list[Side]:
    _, blocks = np.unique(blocks, return_inverse=True)
    counts = _block_counts(dataset, blocks, label_field)
    n_sides = sum(share > 0 for share in shares)
    if len(counts) < n_sides:
        raise DatasetError(_too_few_blocks(dataset, len(counts), n_sides))
    of_block = allot(counts, shares, generator=generator)
    return [SIDES[number] for number in of_block[blocks]]


def _block_counts(
    dataset: Dataset, blocks: NDArray[np.int64], label_field: str
) -> NDArray[np.float64]:
    """Tracks and tracks of each label in each block, float [blocks, 1 + labels]."""
    labels = sorted({value for row in dataset.rows for value in row.values(label_field)})
    columns = {label: number for number, label in enumerate(labels, start=1)}
    counts = np.zeros((int(blocks.max(initial=-1)) + 1, 1 + len(labels)))
    for block, row in zip(blocks, dataset.rows, strict=True):
        counts[block, 0] += 1
        for value in row.values(label_field):
            counts[block, columns[value]] += 1
    return counts


def _without_leaks(dataset: Dataset) -> Dataset:
    """Training tracks that are copies of held-out ones go to no side."""
    sets = find_repeats(dataset).sets
    held_out = {
        first
        for first, row in zip(sets, dataset.rows, strict=True)
        if row.split in ("validation", "test")
    }
    leaks = [
        i for i, row in enumerate(dataset.rows) if row.split == "train" and sets[i] in held_out
    ]
    if not leaks:
        return dataset
    sides: list[Side] = [row.split for row in dataset.rows]
    for position in leaks:
        sides[position] = ""
    origin = f"{dataset.split_origin}, less {len(leaks)} training tracks that repeat held-out ones"
    return _with_sides(dataset, sides, origin)


def _with_validation_learnt(dataset: Dataset) -> Dataset:
    sides: list[Side] = [
        "train" if row.split == "validation" else row.split for row in dataset.rows
    ]
    return _with_sides(
        dataset, sides, f"{dataset.split_origin}; validation side used for training too"
    )


def _with_sides(dataset: Dataset, sides: Sequence[Side], origin: str) -> Dataset:
    rows = tuple(replace(row, split=side) for row, side in zip(dataset.rows, sides, strict=True))
    return replace(dataset, rows=rows, split_origin=origin)


def _apart(dataset: Dataset, apart_by: str) -> str:
    """What the split keeps apart, in words; also if no artist or album is known."""
    has_names = {
        "artist": any(row.group for row in dataset.rows),
        "album": any(row.album for row in dataset.rows),
        "track": True,
    }
    return f"by {apart_by}" if has_names[apart_by] else f"by track, as no {apart_by} is known"


def _check_shares(shares: tuple[float, float]) -> None:
    if min(shares) < 0 or sum(shares) >= 1:
        raise ConfigError(
            f"validation_share {shares[0]} and test_share {shares[1]}: each must be at least 0, "
            "and their sum less than 1."
        )


def _too_few_blocks(dataset: Dataset, n_blocks: int, n_sides: int) -> str:
    return (
        f"{dataset.root.name}: {len(dataset.rows)} tracks by {n_blocks} artist(s) cannot be split "
        f"into {n_sides} sides with different artists. Set split_by to track, or add music."
    )
