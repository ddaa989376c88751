"""Features of a frozen network, computed once for every track: a head trains on them in seconds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from embedder.datasets.dataset import Dataset
from embedder.datasets.draws import uniform
from embedder.datasets.feature_cache import FeatureCache, digest_of_file, digest_of_settings
from embedder.datasets.records import LeftOut
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, EncodingResult
from embedder.errors import DatasetError, printable_path
from embedder.features.front_end import FrontEnd
from embedder.models.loaded import LoadedModel
from embedder.networks.network import EmbeddingNetwork
from embedder.training.feeding.sources import BatchSource, Rows, in_batches

ENCODING_BATCH = 64
Vectors = NDArray[np.float32]
OnProgress = Callable[[int, int], None]
"""Called with the number of finished tracks and of all tracks."""


@dataclass(frozen=True, slots=True)
class VectorSource:
    """A batch source whose inputs are vectors of one column: float32 [batch, size, 1]."""

    vectors: Tensor
    """float32 [excerpts, size], track by track."""
    first_rows: Rows
    """int64 [tracks + 1]: the first excerpt of each track, and the end of the last one."""
    dataset_rows: Rows
    failures: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.dataset_rows)

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One random excerpt of each track."""
        draws = uniform((len(rows),), generator=generator, dtype=torch.float64).numpy()
        counts = self.first_rows[rows + 1] - self.first_rows[rows]
        vector_rows = self.first_rows[rows] + np.minimum(
            (draws * counts).astype(np.int64), counts - 1
        )
        return self.vectors[torch.from_numpy(vector_rows)][:, :, None]

    def readable_crops(self, rows: Rows, *, generator: torch.Generator) -> tuple[Rows, Tensor]:
        """As `crops`, with the places of the rows: all of them can be read."""
        return np.arange(len(rows)), self.crops(rows, generator=generator)

    def excerpts(self, row: int) -> Tensor:
        """All excerpts of a track: float32 [excerpts, size, 1]."""
        return self.vectors[self.first_rows[row] : self.first_rows[row + 1], :, None]


def first_of_each(counts: ArrayLike) -> Rows:
    """The first excerpt of each track, and the end of the last one."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@torch.no_grad()
def backbone_features(
    source: BatchSource, network: EmbeddingNetwork, front_end: FrontEnd, *, device: torch.device
) -> VectorSource:
    """The inputs of the projection, for each excerpt of each track of a source."""
    network.to(device).eval()
    front_end.to(device).eval()
    counts = np.zeros(len(source), dtype=np.int64)
    parts: list[Tensor] = []
    for owners, levels in in_batches(source, np.arange(len(source)), batch_size=ENCODING_BATCH):
        counts += np.bincount(owners, minlength=len(source))
        normalised = front_end.normalisation(levels.to(device))
        parts.append(network.features(normalised).float().cpu())
    return VectorSource(
        torch.cat(parts), first_of_each(counts), source.dataset_rows, tuple(source.failures)
    )


def encoder_vectors(
    dataset: Dataset,
    model: LoadedModel,
    *,
    cache: FeatureCache | None = None,
    workers: int | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> VectorSource:
    """The vectors of any encoder for every excerpt of every track; unreadable files are left out.

    `cache` comes from `vector_cache`: the next run does not encode the same files again.
    """
    paths = [row.path for row in dataset.rows if row.path is not None]
    if dataset.store is not None or len(paths) < len(dataset.rows):
        raise DatasetError(
            f"{dataset.root.name}: it has arrays, and {model.name} ({model.kind}) reads audio "
            "files only"
        )
    vectors = _cached_vectors(paths, cache)
    failures: list[LeftOut] = []
    missing_rows = [row for row in range(len(paths)) if row not in vectors]
    n_cached = len(vectors)
    results = _encoded([paths[row] for row in missing_rows], model, workers=workers, device=device)
    for n_done, (row, result) in enumerate(zip(missing_rows, results, strict=True), start=1):
        if isinstance(result, EncodingFailure):
            failures.append(LeftOut(result.path, result.reason))
        else:
            vectors[row] = result.excerpt_vectors
            if cache is not None:
                cache.put(digest_of_file(paths[row]), result.excerpt_vectors)
        if on_progress is not None:
            on_progress(n_cached + n_done, len(paths))
    if not vectors:
        first = failures[0]
        raise DatasetError(
            f"{dataset.root.name}: none of its {len(paths)} tracks can be read. The first: "
            f"{printable_path(first.path)} ({first.reason})."
        )
    rows = sorted(vectors)
    return VectorSource(
        torch.from_numpy(np.concatenate([vectors[row] for row in rows])),
        first_of_each([len(vectors[row]) for row in rows]),
        np.array(rows, dtype=np.int64),
        tuple(failures),
    )


def vector_cache(folder: Path, model: LoadedModel, *, max_bytes: int) -> FeatureCache:
    """A cache of a model's vectors by the content of the files."""
    return FeatureCache(
        folder, digest_of_settings(["vectors", model.fingerprint]), max_bytes=max_bytes
    )


def _encoded(
    paths: list[Path], model: LoadedModel, *, workers: int | None, device: str
) -> Iterator[EncodingResult]:
    if paths:
        yield from TrackEncoder(model, device=device).encode_many(paths, workers=workers)


def _cached_vectors(paths: list[Path], cache: FeatureCache | None) -> dict[int, Vectors]:
    """The stored vectors of excerpts, by the position of the path."""
    vectors_by_row: dict[int, Vectors] = {}
    if cache is None:
        return vectors_by_row
    for row, path in enumerate(paths):
        try:
            vectors = cache.get(digest_of_file(path))
        except OSError:  # the encoder reports what is wrong with the file
            continue
        if vectors is not None:
            vectors_by_row[row] = vectors
    return vectors_by_row
