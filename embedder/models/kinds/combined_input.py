"""The input of a combined model: each member's front end on its own excerpts of a row.

`audio.excerpts` puts the members' excerpts side by side in a row, with zeros where a short track
has fewer. A member's mean leaves out excerpts that are silent, as it does when it is alone. The
members' inputs travel as one array [batch, values]; each row begins with the shapes, so that it
can be taken apart again:

    | n axes | sizes … | shares … | values … |  n axes | …      an entry for each member
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from embedder.audio.excerpts import SILENCE_PEAK, row_layout
from embedder.config.model import ExcerptConfig, ModelConfig
from embedder.models.array_geometry import projected
from embedder.models.loaded import OpenModel

Floats = NDArray[np.float32]
Values = TypeVar("Values")
"""A numpy array or a torch tensor."""


@dataclass(frozen=True, slots=True, eq=False)
class MemberPart:
    """What a member gets of rows.

    samples: float32 [rows × excerpts, samples]; shares: float32 [rows, excerpts], the part that
    each excerpt has in the row's mean
    """

    samples: Floats
    sample_rate: int
    shares: Floats


class MemberRows:
    """The places of the members' excerpts in a row."""

    def __init__(self, members: Sequence[OpenModel], excerpts: ExcerptConfig) -> None:
        own = [member.config.excerpts for member in members]
        self.excerpts = excerpts
        self.rates = [member.sample_rate for member in members]
        self.n_parts = [config.n_excerpts // excerpts.n_excerpts for config in own]
        # A member that is combined itself takes rows of its own.
        self._n_encoders = [max(len(config.members), 1) for config in own]

    def split(self, rows: Floats, native_rate: int) -> list[MemberPart]:
        """Rows [batch, samples] of a file with this rate, for each member."""
        layout = iter(row_layout(self.excerpts, native_rate))
        n_expected = sum(n * n_samples for n, n_samples in row_layout(self.excerpts, native_rate))
        if rows.shape[1] != n_expected:
            raise ValueError(f"rows have {n_expected} samples, not {rows.shape[1]}")
        parts = []
        first = 0
        for n_parts, rate, n_encoders in zip(
            self.n_parts, self.rates, self._n_encoders, strict=True
        ):
            own = []
            for n, n_samples in itertools.islice(layout, n_encoders):
                end = first + n * n_samples
                own.append(rows[:, first:end].reshape(len(rows) * n_parts, -1))
                first = end
            samples = np.concatenate(own, axis=1)
            parts.append(MemberPart(samples, rate or native_rate, _shares(samples, n_parts)))
        return parts


def _shares(samples: Floats, n_parts: int) -> Floats:
    """Equal for the excerpts of a row that are not silent; for all, if all are."""
    is_audible = (np.abs(samples).max(axis=1) >= SILENCE_PEAK).reshape(-1, n_parts)
    is_audible[~is_audible.any(axis=1)] = True
    shares: Floats = is_audible / is_audible.sum(axis=1, keepdims=True, dtype=np.float32)
    return shares


def pack(inputs: Sequence[Floats], shares: Sequence[Floats]) -> Floats:
    """Inputs [rows × parts, …] and shares [rows, parts] as one array [rows, values]."""
    entries = []
    for values, own_shares in zip(inputs, shares, strict=True):
        n_rows, shape = len(own_shares), values.shape[1:]
        head = np.array([len(shape), *shape], dtype=np.float32)
        entries += [np.tile(head, (n_rows, 1)), own_shares, values.reshape(n_rows, -1)]
    return np.concatenate(entries, axis=1)


def unpack(features: Values, n_parts: Sequence[int]) -> list[tuple[Values, Values]]:
    """What `pack` put together: inputs [rows × parts, …] and shares [rows, parts]."""
    table: Any = features
    entries = []
    position = 0
    for n in n_parts:
        n_axes = int(table[0, position])
        shape = [int(size) for size in table[0, position + 1 : position + 1 + n_axes]]
        position += 1 + n_axes
        shares = table[:, position : position + n]
        position += n
        n_values = n * math.prod(shape)
        values = table[:, position : position + n_values]
        entries.append((values.reshape(len(table) * n, *shape), shares))
        position += n_values
    return entries


def mean_parts(outputs: Floats, shares: Floats, config: ModelConfig) -> tuple[Floats, Floats]:
    """A member's vectors [rows, size] and tags [rows, tags] from the outputs of its excerpts.

    outputs: float32 [excerpts with a share, size + tags]; config: the member's
    """
    everything = np.zeros((shares.size, outputs.shape[1]), dtype=np.float32)
    everything[shares.reshape(-1) > 0] = outputs
    means = np.einsum("rp,rpv->rv", shares, everything.reshape(*shares.shape, -1))
    own = means[:, : config.embedding_size]
    if config.geometry == "cosine":
        own = projected(own, "cosine")
    return own, means[:, config.embedding_size :]
