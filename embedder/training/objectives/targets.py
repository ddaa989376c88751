"""Labels, tags and features of the tracks of a data set, and of one batch.

`TrackTargets` holds a row for every track (numpy, made once by the data set). `.batch(rows)`
takes the rows of one batch to torch. `.facts()` is what building an objective needs: how many
labels there are, how common each tag is, and a sample of distances, which defines what counts as
near. -1 stands for an unknown id; a row of zeros for a track without tags; a row of NaN for
missing features, latent or teacher vectors.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from embedder.errors import DatasetError

Ids = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float32]

_PAIRS_FOR_RADII = 50_000


@dataclass(frozen=True, slots=True)
class BatchTargets:
    """The targets of the rows of a batch; None if the data set does not have them.

    labels, artists, albums, tracks: int64 [batch], -1 unknown; tags: float32 [batch, tags] of 0
    and 1; features, latent, teacher: float32 [batch, size], NaN unknown.
    """

    labels: torch.Tensor | None = None
    artists: torch.Tensor | None = None
    albums: torch.Tensor | None = None
    tracks: torch.Tensor | None = None
    tags: torch.Tensor | None = None
    features: torch.Tensor | None = None
    latent: torch.Tensor | None = None
    teacher: torch.Tensor | None = None

    def to(self, device: torch.device | str) -> "BatchTargets":
        """The same on another device."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return BatchTargets(
            **{name: None if v is None else v.to(device) for name, v in values.items()}
        )


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What building an objective needs to know about the whole data set.

    tag_counts: tracks with each tag. feature_distances, latent_distances: those of many random
    pairs, sorted, from which an objective takes what counts as near.
    label_similarity: float32 [labels, labels] of 0…1 for graded pairs, or None (equal or not).
    """

    n_labels: int = 0
    n_artists: int = 0
    n_albums: int = 0
    n_tracks: int = 0
    teacher_size: int = 0
    tag_counts: tuple[int, ...] = ()
    feature_distances: Matrix | None = None
    latent_distances: Matrix | None = None
    label_similarity: Matrix | None = None

    @property
    def n_tags(self) -> int:
        """Columns of the tag matrix."""
        return len(self.tag_counts)


@dataclass(frozen=True, slots=True)
class TrackTargets:
    """A row for every track of the data set; what is missing is None."""

    labels: Ids | None = None
    artists: Ids | None = None
    albums: Ids | None = None
    tracks: Ids | None = None
    tags: Matrix | None = None
    features: Matrix | None = None
    latent: Matrix | None = None
    teacher: Matrix | None = None
    label_similarity: Matrix | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self._columns().items()}
        if len(set(lengths.values())) > 1:
            lengths_text = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DatasetError(f"targets of different lengths: {lengths_text}")

    def __len__(self) -> int:
        return len(next(iter(self._columns().values()), ()))

    def batch(self, rows: npt.ArrayLike) -> BatchTargets:
        """The given rows as tensors; a row may come more than once (crops)."""
        at = np.asarray(rows, dtype=np.int64)
        tensors = {name: torch.from_numpy(values[at]) for name, values in self._columns().items()}
        if "tracks" not in tensors:
            tensors["tracks"] = torch.from_numpy(at.copy())
        return BatchTargets(**tensors)

    def facts(self, *, seed: int = 0) -> TargetFacts:
        """Counts over the whole data set, and distances of randomly drawn pairs."""
        generator = np.random.default_rng(seed)
        return TargetFacts(
            n_labels=_n_ids(self.labels),
            n_artists=_n_ids(self.artists),
            n_albums=_n_ids(self.albums),
            n_tracks=_n_ids(self.tracks) or len(self),
            teacher_size=0 if self.teacher is None else self.teacher.shape[1],
            tag_counts=() if self.tags is None else tuple(map(int, (self.tags > 0).sum(axis=0))),
            feature_distances=_sampled_distances(self.features, generator),
            latent_distances=_sampled_distances(self.latent, generator),
            label_similarity=self.label_similarity,
        )

    def _columns(self) -> dict[str, npt.NDArray[np.int64] | Matrix]:
        names = [item.name for item in fields(self) if item.name != "label_similarity"]
        return {name: v for name in names if (v := getattr(self, name)) is not None}


def standardised(features: npt.ArrayLike) -> Matrix:
    """Columns with mean 0 and deviation 1, so that they weigh the same; NaN rows stay."""
    values = np.asarray(features, dtype=np.float64)
    complete = values[~np.isnan(values).any(axis=1)]
    deviation = complete.std(axis=0)
    scaled = (values - complete.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(scaled, dtype=np.float32)


def _n_ids(ids: Ids | None) -> int:
    return 0 if ids is None or not len(ids) else int(ids.max()) + 1


def _sampled_distances(values: Matrix | None, generator: np.random.Generator) -> Matrix | None:
    """Sorted Euclidean distances of 50,000 pairs of complete rows, float32 [pairs]."""
    if values is None:
        return None
    complete = values[~np.isnan(values).any(axis=1)]
    if len(complete) < 2:
        return None
    first = generator.integers(len(complete), size=_PAIRS_FOR_RADII)
    second = (first + generator.integers(1, len(complete), size=_PAIRS_FOR_RADII)) % len(complete)
    distances = np.concatenate(
        [
            np.linalg.norm(complete[first[at]] - complete[second[at]], axis=1)
            for at in np.array_split(np.arange(_PAIRS_FOR_RADII), 20)
        ]
    )
    return np.sort(distances).astype(np.float32)
