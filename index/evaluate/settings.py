"""The settings of an evaluation. This module imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from embedder.errors import UnknownChoice, UsageError
from index.labels.kinship import ARTIST_FIELDS

Group = Literal["artist", "album", "track"]
GROUPS: tuple[Group, ...] = ("artist", "album", "track")
SHOWN_AT = (1, 5, 10)
"""Precision, recall and NDCG are always given at these k, and at the k of the settings."""
TAGS_SHOWN_AT = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The protocol; without folds and split, each track is a query against all others."""

    field: str = "genre"
    k: int = 10
    n_folds: int = 0
    has_split: bool = False
    """The training side holds the reference tracks, the test (or validation) side the queries."""
    group: Group = "artist"
    """Neighbours that share this with the query are left out; see `apart`."""
    seed: int = 0
    n_draws: int = 1000
    """Bootstrap draws."""
    with_map: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"-k {self.k}: give the number of neighbours, 1 or more")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give 0 or more")
        if self.n_folds and self.has_split:
            raise UsageError("give --folds or --split, not both")
        if self.n_folds < 0 or self.n_folds == 1:
            raise UsageError(f"--folds {self.n_folds}: give 2 or more")

    @property
    def apart(self) -> Group:
        """What neighbours must not share with the query.

        For a field that names artists, an artist's own tracks vote, as in `label`.
        """
        is_needed = self.group == "artist" and self.field in ARTIST_FIELDS
        return "track" if is_needed else self.group

    @property
    def shown_at(self) -> tuple[int, ...]:
        """Every k at which retrieval figures are given."""
        return tuple(sorted({*SHOWN_AT, self.k}))

    @property
    def hits_shown_at(self) -> tuple[int, ...]:
        """Every k at which a query counts as a hit or not: also those of multi-label retrieval."""
        return tuple(sorted({*self.shown_at, *TAGS_SHOWN_AT}))

    @property
    def depth(self) -> int:
        """How many neighbours are looked up."""
        return max(self.hits_shown_at)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user named: a split, a model or a baseline, and others to compare with it."""

    split: str = ""
    model: str | None = None
    baseline: str | None = None
    compare: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.model and self.baseline:
            raise UsageError("give --model or --baseline, not both; --compare adds others")


def checked_group(name: str) -> Group:
    """The name as a Group; raises UnknownChoice."""
    for group in GROUPS:
        if name == group:
            return group
    raise UnknownChoice("group", name, GROUPS)
