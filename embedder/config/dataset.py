"""Which tracks of a data set are used, with which labels, on which side of the split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """How the data set is laid out; `auto` recognises it."""
    label_field: str = "genre"
    """The column or tag that holds the label. Empty: no labels."""
    tag_field: str = ""
    """A label field with several values, separated by `tag_separator`."""
    tag_separator: str = ";"
    """What separates the values of `tag_field`."""
    n_tags: int = 50
    """Keep this many of the most frequent tags; 0 keeps all."""
    merge_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Labels that mean the same become one, before the most frequent are chosen:
    {"female vocal" = ["female vocals", "woman singing"]}. `index --labels-from` merges them too,
    `evaluate` with `--split as-trained`."""
    label_similarity: tuple[tuple[str, str, float], ...] = ()
    """How alike (0…1) two labels are, for graded-contrastive: [["rock", "metal", 0.6]]."""
    limit_per_label: int = 0
    """Use at most this many training tracks of each label; 0 uses all."""
    limit_balance: Balance = "balanced"
    """`natural` keeps the labels' proportions; `limit_per_label` then holds on average."""
    min_per_label: int = 2
    """Leave out labels with fewer tracks than this."""
    split_column: str = "split"
    """The table's split, if it has this column. Otherwise the split is drawn at random."""
    split_by: str = "artist"
    """artist, album or track: what stays together. Copies of a recording always do."""
    validation_share: float = 0.1
    """The share of the tracks on the validation side of a random split."""
    test_share: float = 0.1
    """The share of the tracks on the test side of a random split."""
    learn_validation: bool = False
    """Train on the validation side too; then nothing is measured during the run."""
    fold: int = -1
    """Hold out this fold of `n_folds`, counted from 0; -1: no folds."""
    n_folds: int = 5
    """How many folds there are."""
    variant: str = ""
    """FMA: small or medium. MTG-Jamendo: a subset, such as genre."""
    audio_root: str = ""
    """The folder that a table's paths start from. Empty: the folder of the table."""
    cache_dir: str = ""
    """The folder of computed features. Empty: the platform's cache folder."""
    cache_gigabytes: float = 10.0
    """Delete the oldest features beyond this size. Cost: disk."""
    seed: int = 0
    """The seed of a random split."""
