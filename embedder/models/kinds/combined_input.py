"""The input of a combined model: each member's front end on its own parts of an excerpt.

The members' inputs travel as one tensor [batch, values]: each row begins with the shapes, so that
it can be taken apart again.

    | n axes | sizes … | values …  | n axes | sizes … | values … |      an entry for each member
"""

import math
from collections.abc import Sequence

import torch
import torchaudio
from torch import Tensor
from torch.nn import functional

from embedder.config.model import ExcerptConfig
from embedder.models.loaded import LoadedModel


class CombinedFrontEnd:
    """Waveform [batch, samples] to the members' inputs, side by side: [batch, values]."""

    def __init__(self, members: Sequence[LoadedModel], excerpts: ExcerptConfig) -> None:
        self.members = members
        self.parts = [parts_of(member.config.excerpts, excerpts) for member in members]

    def __call__(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Each member's front end on its own parts of the excerpt."""
        return packed(
            [
                self._input(member, n_parts, waveform, sample_rate)
                for member, n_parts in zip(self.members, self.parts, strict=True)
            ],
            n_rows=len(waveform),
        )

    def _input(
        self, member: LoadedModel, n_parts: int, waveform: Tensor, sample_rate: int
    ) -> Tensor:
        length = round(member.config.excerpts.excerpt_seconds * sample_rate)
        pieces = spread_parts(waveform, n_parts, length).flatten(0, 1)
        rate = member.sample_rate
        if rate and rate != sample_rate:
            pieces = torchaudio.functional.resample(pieces, sample_rate, rate)
            sample_rate = rate
        return member.front_end(pieces, sample_rate)


def parts_of(own: ExcerptConfig, excerpts: ExcerptConfig) -> int:
    """How many of a member's own excerpts are taken from each one of the combined model."""
    fitting = max(int(excerpts.excerpt_seconds / own.excerpt_seconds + 1e-6), 1)
    return min(math.ceil(own.n_excerpts / excerpts.n_excerpts), fitting)


def spread_parts(waveform: Tensor, n_parts: int, length: int) -> Tensor:
    """Parts of excerpts [batch, samples], spread evenly: [batch, parts, length]."""
    room = max(waveform.shape[1] - length, 0)
    starts = [round(room * (2 * part + 1) / (2 * n_parts)) for part in range(n_parts)]
    pieces = torch.stack([waveform[:, start : start + length] for start in starts], dim=1)
    return functional.pad(pieces, (0, length - pieces.shape[2]))


def packed(inputs: Sequence[Tensor], *, n_rows: int) -> Tensor:
    """Inputs [rows × parts, …] as one tensor [rows, values]."""
    entries = []
    for values in inputs:
        shape = values.shape[1:]
        head = torch.tensor([len(shape), *shape], dtype=torch.float32).expand(n_rows, -1)
        entries += [head, values.float().reshape(n_rows, -1)]
    return torch.cat(entries, dim=1)


def unpacked(features: Tensor, parts: Sequence[int]) -> list[Tensor]:
    """The inputs that `packed` put together, each [rows × parts, …]."""
    inputs = []
    position = 0
    for n_parts in parts:
        n_axes = int(features[0, position])
        shape = [int(size) for size in features[0, position + 1 : position + 1 + n_axes]]
        position += 1 + n_axes
        n_values = n_parts * math.prod(shape)
        values = features[:, position : position + n_values]
        inputs.append(values.reshape(len(features) * n_parts, *shape))
        position += n_values
    return inputs
