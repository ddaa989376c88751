"""Combined models without torch: the members' front ends and networks as arrays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embedder.config.model import ExcerptConfig
from embedder.models.array_geometry import projected
from embedder.models.card import Card
from embedder.models.kinds.combined_file import Standard, read_standard
from embedder.models.kinds.combined_input import MemberRows, mean_parts, pack, unpack
from embedder.models.loaded import ArrayModel, Floats

BATCH_EXCERPTS = 16
"""Of a member's network: a track may have ten excerpts, and a batch many tracks."""


class CombinedArrays:
    """The two steps of a combined model. Threads may share it."""

    def __init__(
        self, members: Sequence[ArrayModel], excerpts: ExcerptConfig, standard: Standard
    ) -> None:
        self.members = members
        self.rows = MemberRows(members, excerpts)
        self.standard = standard
        self.tagger = next((n for n, member in enumerate(members) if member.tags), None)

    def front_end(self, rows: Floats, sample_rate: int) -> Floats:
        """Rows of excerpts [batch, samples] to the members' inputs [batch, values]."""
        parts = self.rows.split(rows, sample_rate)
        inputs = [
            member.front_end(part.samples, part.sample_rate)
            for member, part in zip(self.members, parts, strict=True)
        ]
        return pack(inputs, [part.shares for part in parts])

    def network(self, features: Floats) -> Floats:
        """[batch, values] to vectors, standardised, weighted, projected, of unit length; tags."""
        vectors = []
        tags = np.empty((len(features), 0), dtype=np.float32)
        for number, (values, shares) in enumerate(unpack(features, self.rows.n_parts)):
            member = self.members[number]
            audible = np.ascontiguousarray(values[shares.reshape(-1) > 0])
            outputs = [
                member.network(audible[start : start + BATCH_EXCERPTS])
                for start in range(0, len(audible), BATCH_EXCERPTS)
            ]
            own, probabilities = mean_parts(np.concatenate(outputs), shares, member.config)
            vectors.append(own)
            if number == self.tagger:
                tags = probabilities
        balanced = self.standard.apply(np.concatenate(vectors, axis=1))
        return np.concatenate([projected(balanced, "cosine"), tags], axis=1)


def load_combined_arrays(folder: Path, card: Card, members: Sequence[ArrayModel]) -> ArrayModel:
    """The model in a folder whose card was read and whose members were loaded."""
    model = CombinedArrays(members, card.config.excerpts, read_standard(folder, card, members))
    return ArrayModel(folder, card, model.front_end, model.network, tags=card.tag_head.tags)
