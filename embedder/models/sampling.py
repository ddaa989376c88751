"""What a model says of a sample of tracks: mean and deviation of each dimension, and directions.

Encoders differ in scale by orders of magnitude, from dimension to dimension too. Standardised
vectors, minus the mean and divided by the deviation, count every dimension alike.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from embedder.audio.decoders import Decoder
from embedder.audio.excerpts import load_excerpts
from embedder.audio.suffixes import AUDIO_SUFFIXES
from embedder.errors import AudioError, BadInput, UsageError, printable_path
from embedder.models.loaded import LoadedModel

MAX_TRACKS = 400
MIN_TRACKS = 10
MIN_DEVIATION = 1e-4


def sample_files(folder: Path, *, seed: int = 0) -> list[Path]:
    """Up to 400 audio files below a folder, drawn by a seed; refuses too few."""
    if not folder.is_dir():
        raise BadInput(f"{printable_path(folder)}: no such folder")
    files = sorted(
        path for path in folder.rglob("*") if path.suffix.lower().lstrip(".") in AUDIO_SUFFIXES
    )
    if len(files) > MAX_TRACKS:
        drawn = np.random.default_rng(seed).choice(len(files), MAX_TRACKS, replace=False)
        files = [files[number] for number in sorted(drawn.tolist())]
    return files


def sample_vectors(
    model: LoadedModel,
    paths: Iterable[Path],
    network: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """The vector of each track that can be read: float32 [tracks, size].

    network: another network on the front end's output than the model's own.
    """
    call = network or model.network
    vectors = []
    with Decoder() as decoder, torch.inference_mode():
        for path in paths:
            try:
                excerpts = decoder.run(
                    path,
                    load_excerpts,
                    path,
                    model.config.excerpts,
                    sample_rate=model.config.front_end.sample_rate,
                )
            except AudioError:
                continue
            features = model.front_end(torch.from_numpy(excerpts.samples), excerpts.sample_rate)
            vectors.append(call(features).float().cpu().mean(dim=0))
    if len(vectors) < MIN_TRACKS:
        raise BadInput(
            f"the sample has {len(vectors)} tracks that can be read, and at least {MIN_TRACKS} "
            "are needed to estimate a mean and a deviation"
        )
    return torch.stack(vectors)


def mean_and_factor(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each dimension [size], and one over its deviation [size]."""
    deviation = vectors.std(dim=0, unbiased=False).clamp_min(MIN_DEVIATION)
    return vectors.mean(dim=0), 1 / deviation


def principal_directions(vectors: Tensor, size: int) -> Tensor:
    """The main directions [size, dimensions] of vectors [tracks, dimensions] around zero."""
    most = min(vectors.shape)
    if not 1 <= size <= most:
        raise UsageError(f"size {size}: a sample of {len(vectors)} tracks gives 1 to {most}")
    _, _, directions = torch.linalg.svd(vectors.double(), full_matrices=False)
    # The sign of a direction is arbitrary: its largest value becomes positive.
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    main: Tensor = (directions * largest.sign())[:size].float()
    return main
