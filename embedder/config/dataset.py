"""Which tracks of a data set are used, with which labels, on which side of the split."""

from dataclasses import dataclass
from typing import Literal

Balance = Literal["balanced", "natural"]
DatasetLayout = Literal[
    "auto",
    "folders",
    "manifest",
    "gtzan",
    "fma",
    "magnatagatune",
    "mtg-jamendo",
    "arrays",
    "library",
]


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """Which tracks are used, with which labels, on which side of the split."""

    layout: DatasetLayout = "auto"
    label_field: str = "genre"
    tag_field: str = ""
    """A label field with several values, separated by `tag_separator`."""
    tag_separator: str = ";"
    n_tags: int = 50
    """Keep this many of the most frequent tags; 0 keeps all."""
    label_similarity: tuple[tuple[str, str, float], ...] = ()
    """How alike (0…1) two labels are, for graded-contrastive: [["rock", "metal", 0.6]]."""
    limit_per_label: int = 0
    """Use at most this many training tracks of each label; 0 uses all."""
    limit_balance: Balance = "balanced"
    """`natural` keeps the labels' proportions; `limit_per_label` then holds on average."""
    min_per_label: int = 2
    split_column: str = "split"
    """The table's split, if it has this column. Otherwise the split is drawn at random."""
    split_by: str = "artist"
    """artist, album or track: what stays together. Copies of a recording always do."""
    validation_share: float = 0.1
    test_share: float = 0.1
    learn_validation: bool = False
    """Train on the validation side too; then nothing is measured during the run."""
    fold: int = -1
    """Hold out this fold of `n_folds`, counted from 0; -1: no folds."""
    n_folds: int = 5
    variant: str = ""
    """FMA: small or medium. MTG-Jamendo: a subset, such as genre."""
    cache_dir: str = ""
    """The folder of computed features. Empty: the platform's cache folder."""
    cache_gigabytes: float = 10.0
    seed: int = 0
