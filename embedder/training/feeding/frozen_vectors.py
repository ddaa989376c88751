"""What a frozen network makes of every track, computed once: a head trains on it in seconds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from embedder.datasets.dataset import Dataset
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
"""Called with the tracks that are done and all of them."""


@dataclass(frozen=True, slots=True)
class VectorSource:
    """A batch source of vectors, as inputs of one column: float32 [batch, size, 1]."""

    vectors: Tensor
    """float32 [excerpts, size], track by track."""
    first_rows: Rows
    """int64 [tracks + 1]: where the excerpts of each track begin."""
    dataset_rows: Rows
    failures: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.dataset_rows)

    def crops(self, rows: Rows, *, generator: torch.Generator) -> Tensor:
        """One random excerpt of each track."""
        draws = torch.rand(len(rows), generator=generator, dtype=torch.float64).numpy()
        counts = self.first_rows[rows + 1] - self.first_rows[rows]
        chosen = self.first_rows[rows] + np.minimum((draws * counts).astype(np.int64), counts - 1)
        return self.vectors[torch.from_numpy(chosen)][:, :, None]

    def readable_crops(self, rows: Rows, *, generator: torch.Generator) -> tuple[Rows, Tensor]:
        """As `crops`, with the places of the rows: all of them can be read."""
        return np.arange(len(rows)), self.crops(rows, generator=generator)

    def excerpts(self, row: int) -> Tensor:
        """All of a track."""
        return self.vectors[self.first_rows[row] : self.first_rows[row + 1], :, None]


def first_of_each(counts: ArrayLike) -> Rows:
    """Where each track's excerpts begin, and where the last one's end."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@torch.no_grad()
def backbone_features(
    source: BatchSource, network: EmbeddingNetwork, front_end: FrontEnd, *, device: torch.device
) -> VectorSource:
    """What the projection starts from, for each excerpt of each track of a source."""
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
    """The vectors of any encoder for every excerpt of every track; unreadable ones are left out.

    `cache` is of `vector_cache`: what was heard once is not heard again by the next run.
    """
    paths = [row.path for row in dataset.rows if row.path is not None]
    if dataset.store is not None or len(paths) < len(dataset.rows):
        raise DatasetError(
            f"{dataset.root.name}: brings arrays, and {model.name} ({model.kind}) hears audio "
            "files only"
        )
    known = _kept_vectors(paths, cache)
    failures: list[LeftOut] = []
    missing = [at for at in range(len(paths)) if at not in known]
    n_known = len(known)
    heard = _heard([paths[at] for at in missing], model, workers=workers, device=device)
    for n_done, (at, result) in enumerate(zip(missing, heard, strict=True), start=1):
        if isinstance(result, EncodingFailure):
            failures.append(LeftOut(result.path, result.reason))
        else:
            known[at] = result.excerpt_vectors
            if cache is not None:
                cache.put(digest_of_file(paths[at]), result.excerpt_vectors)
        if on_progress is not None:
            on_progress(n_known + n_done, len(paths))
    if not known:
        first = failures[0]
        raise DatasetError(
            f"{dataset.root.name}: none of its {len(paths)} tracks can be read. The first: "
            f"{printable_path(first.path)} ({first.reason})."
        )
    rows = sorted(known)
    return VectorSource(
        torch.from_numpy(np.concatenate([known[at] for at in rows])),
        first_of_each([len(known[at]) for at in rows]),
        np.array(rows, dtype=np.int64),
        tuple(failures),
    )


def vector_cache(folder: Path, model: LoadedModel, *, max_bytes: int) -> FeatureCache:
    """A cache of a model's vectors, by the content of files."""
    return FeatureCache(
        folder, digest_of_settings(["vectors", model.fingerprint]), max_bytes=max_bytes
    )


def _heard(
    paths: list[Path], model: LoadedModel, *, workers: int | None, device: str
) -> Iterator[EncodingResult]:
    if paths:
        yield from TrackEncoder(model, device=device).encode_many(paths, workers=workers)


def _kept_vectors(paths: list[Path], cache: FeatureCache | None) -> dict[int, Vectors]:
    found: dict[int, Vectors] = {}
    if cache is None:
        return found
    for at, path in enumerate(paths):
        try:
            vectors = cache.get(digest_of_file(path))
        except OSError:  # the encoder will say what is wrong with it
            continue
        if vectors is not None:
            found[at] = vectors
    return found
