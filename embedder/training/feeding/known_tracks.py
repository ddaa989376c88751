"""The labels, artists, albums, tags and teacher vectors of a data set, as numbers for the loop.

Ids are numbers for labels, artists and albums; -1 is unknown. All sides share them, so that
held-out tracks can be compared with training tracks.
"""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.tables import nearest_hint
from embedder.errors import DatasetError
from embedder.training.feeding.sources import Rows
from embedder.training.feeding.word_vectors import tag_word_vectors
from embedder.training.objectives.latent import (
    cooccurrence_embedding,
    truncated_svd,
    word_embedding,
)
from embedder.training.objectives.targets import TrackTargets

Ids = NDArray[np.int64]
Matrix = NDArray[np.float32]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownTracks:
    """Labels and other facts of all tracks of a data set, as numbers."""

    labels: Ids
    label_names: tuple[str, ...]
    artists: Ids
    albums: Ids
    tags: Matrix | None
    tag_names: tuple[str, ...]
    teacher: Matrix | None
    label_similarity: Matrix | None

    def targets(
        self, rows: Rows, *, sampler: SamplerConfig, features: Matrix | None, needs_latent: bool
    ) -> TrackTargets:
        """The targets of the tracks at `rows`, in order. `features`: of all tracks, or None."""
        tags = None if self.tags is None else self.tags[rows]
        return TrackTargets(
            labels=self.labels[rows] if self.label_names else None,
            artists=self.artists[rows] if (self.artists[rows] >= 0).any() else None,
            albums=self.albums[rows] if (self.albums[rows] >= 0).any() else None,
            tags=tags,
            features=None if features is None else features[rows],
            latent=_latent(tags, self.tag_names, sampler) if needs_latent else None,
            teacher=None if self.teacher is None else self.teacher[rows],
            label_similarity=self.label_similarity,
        )

    def indicators(self, rows: Rows) -> NDArray[np.float64]:
        """1 for each label and tag that a track has: [tracks, labels + tags]."""
        labels = self.labels[rows, None] == np.arange(len(self.label_names))
        parts = [labels.astype(np.float64)]
        parts += [] if self.tags is None else [self.tags[rows].astype(np.float64)]
        return np.hstack(parts)


def known_tracks(dataset: Dataset, config: DatasetConfig) -> KnownTracks:
    """Numbers for labels, artists, albums and tags, and the teacher's vectors, if any."""
    labels, label_names = _numbered(
        (row.values(config.label_field) or ("",))[0] for row in dataset.rows
    )
    artists, _ = _numbered(row.group or "" for row in dataset.rows)
    albums, _ = _numbered(f"{row.group}\n{row.album}" if row.album else "" for row in dataset.rows)
    tags, tag_names = _tag_matrix(dataset, config.tag_field)
    similarity = _label_similarity(label_names, config)
    teacher = _teacher(dataset)
    return KnownTracks(labels, label_names, artists, albums, tags, tag_names, teacher, similarity)


def needs(relation: str, objectives: Iterable[ObjectiveConfig], sampler: SamplerConfig) -> bool:
    """Whether a run needs the positives of a relation."""
    of_objectives = {name for objective in objectives for name in objective.relations}
    return relation in of_objectives or (sampler.kind == "groups" and relation in sampler.relations)


def _numbered(names: Iterable[str]) -> tuple[Ids, tuple[str, ...]]:
    """Numbers in alphabetical order; an empty name is unknown, -1."""
    name_of_row = list(names)
    sorted_names = sorted(set(name_of_row) - {""})
    numbers = {name: number for number, name in enumerate(sorted_names)}
    ids = np.array([numbers.get(name, -1) for name in name_of_row], dtype=np.int64)
    return ids, tuple(sorted_names)


def _tag_matrix(dataset: Dataset, tag_field: str) -> tuple[Matrix | None, tuple[str, ...]]:
    if not tag_field:
        return None, ()
    names = sorted({value for row in dataset.rows for value in row.values(tag_field)})
    columns = {name: column for column, name in enumerate(names)}
    tags = np.zeros((len(dataset.rows), len(names)), dtype=np.float32)
    for at, row in enumerate(dataset.rows):
        tags[at, [columns[value] for value in row.values(tag_field)]] = 1.0
    return tags, tuple(names)


def _teacher(dataset: Dataset) -> Matrix | None:
    """The teacher's vectors, centred on the training side and of unit length."""
    if not dataset.extra_vectors:
        return None
    if len(dataset.extra_vectors) > 1:
        names = ", ".join(dataset.extra_vectors)
        raise DatasetError(f"{dataset.root.name}: several teachers ({names}); keep one")
    vectors = np.asarray(next(iter(dataset.extra_vectors.values())), dtype=np.float32)
    training = vectors[dataset.positions("train")]
    training = training[np.isfinite(training).all(axis=1)]
    scaled = (vectors - training.mean(axis=0)) / np.maximum(training.std(axis=0), 1e-3)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.maximum(lengths, 1e-9), dtype=np.float32)


def _label_similarity(names: Sequence[str], config: DatasetConfig) -> Matrix | None:
    """Similarities of labels: 1 to itself, to others as the settings say. None: no such setting."""
    if not config.label_similarity:
        return None
    similarity = np.eye(len(names), dtype=np.float32)
    for first, second, grade in config.label_similarity:
        for name in (first, second):
            if name not in names:
                raise DatasetError(
                    f"dataset.label_similarity: no track is labelled {name!r}. "
                    f"{nearest_hint(name, names)}"
                )
        if not 0 <= grade <= 1:
            raise DatasetError(
                f"dataset.label_similarity: {first} and {second} are alike by {grade}: give 0 to 1"
            )
        rows = [names.index(first), names.index(second)]
        similarity[rows, rows[::-1]] = grade
    return similarity


def _latent(tags: Matrix | None, names: Sequence[str], sampler: SamplerConfig) -> Matrix:
    if tags is None:
        raise DatasetError("the latent relation needs tags: give dataset.tag_field")
    if sampler.latent == "word-vectors":
        path = Path(sampler.word_vectors).expanduser()
        return word_embedding(tags, tag_word_vectors(path, names))
    size = min(sampler.latent_size, tags.shape[1])
    if sampler.latent == "svd":
        return truncated_svd(tags, size)
    return cooccurrence_embedding(tags, size)


def fitting_sampler(
    config: SamplerConfig, targets: TrackTargets, label_names: Sequence[str]
) -> SamplerConfig:
    """The settings, lowered to the label groups and the tracks a group that the data set has.

    Presets cannot know how many labels and tracks a folder has. A warning names what is lowered,
    and labels with too few tracks to take part.
    """
    if config.kind != "groups" or config.relations != ("label",) or targets.labels is None:
        return config
    counts = np.bincount(targets.labels[targets.labels >= 0], minlength=len(label_names))
    if config.small_groups == "leave-out":
        config = _with_fitting_tracks(config, counts)
        small = [
            name
            for name, n in zip(label_names, counts, strict=True)
            if 0 < n < config.tracks_per_group
        ]
        if small:
            _logger.warning(
                "fewer than %d training tracks, so these labels are left out: %s "
                "(sampler.small_groups = 'repeat' uses them)",
                config.tracks_per_group,
                ", ".join(small),
            )
    at_least = 1 if config.small_groups == "repeat" else config.tracks_per_group
    n_groups = int((counts >= at_least).sum())
    if not 2 <= n_groups < config.groups_per_batch:
        return config
    _logger.warning(
        "only %d label groups have enough tracks, so a batch has %d of them, not %d",
        n_groups,
        n_groups,
        config.groups_per_batch,
    )
    return dataclasses.replace(config, groups_per_batch=n_groups)


def _with_fitting_tracks(config: SamplerConfig, counts: NDArray[np.int64]) -> SamplerConfig:
    """If fewer than two labels have enough tracks: as many tracks a group as half of them have."""
    if (counts >= config.tracks_per_group).sum() >= 2:
        return config
    counts = np.sort(counts[counts > 0])[::-1]
    if len(counts) < 2 or (usual := int(counts[max(-(-len(counts) // 2), 2) - 1])) < 2:
        return config
    _logger.warning(
        "half of the labels have at most %d training tracks, so a batch has %d of each, not %d",
        usual,
        usual,
        config.tracks_per_group,
    )
    return dataclasses.replace(config, tracks_per_group=usual)
