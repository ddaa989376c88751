"""What a frozen network makes of every track, computed once: a head trains on it in seconds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from embedder.backbones.network import EmbeddingNetwork
from embedder.datasets.dataset import Dataset
from embedder.datasets.records import LeftOut
from embedder.encoder import TrackEncoder
from embedder.encodings import EncodingFailure
from embedder.errors import DatasetError
from embedder.features.front_end import FrontEnd
from embedder.loaded_model import LoadedModel
from embedder.training.sources import BatchSource, Rows, in_batches

ENCODING_BATCH = 64
Vectors = NDArray[np.float32]


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
    workers: int,
    device: str = "auto",
    on_progress: Callable[[int, int], None] | None = None,
) -> VectorSource:
    """The vectors of any encoder for every excerpt of every track; unreadable ones are left out."""
    paths = [row.path for row in dataset.rows if row.path is not None]
    if dataset.store is not None or len(paths) < len(dataset.rows):
        raise DatasetError(
            f"{dataset.root.name}: brings arrays, and {model.name} ({model.kind}) hears audio "
            "files only"
        )
    encoder = TrackEncoder(model, device=device)
    kept: list[int] = []
    failures: list[LeftOut] = []
    parts: list[Vectors] = []
    for position, result in enumerate(encoder.encode_many(paths, workers=workers)):
        if isinstance(result, EncodingFailure):
            failures.append(LeftOut(result.path, result.reason))
        else:
            kept.append(position)
            parts.append(result.excerpt_vectors)
        if on_progress is not None:
            on_progress(position + 1, len(paths))
    if not kept:
        raise DatasetError(
            f"{dataset.root.name}: none of its {len(paths)} tracks can be read. The first: "
            f"{failures[0].path} ({failures[0].reason})."
        )
    return VectorSource(
        torch.from_numpy(np.concatenate(parts)),
        first_of_each([len(part) for part in parts]),
        np.array(kept, dtype=np.int64),
        tuple(failures),
    )
