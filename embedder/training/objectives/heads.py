"""Objectives with a linear head: distillation and multi-label tagging."""

import torch
from torch import nn
from torch.nn import functional

from embedder.errors import DatasetError
from embedder.training.objectives.objective import Objective, ObjectiveValue, plain_value, zero_loss
from embedder.training.objectives.targets import BatchTargets


class DistillationObjective(Objective):
    """1 - cosine between a teacher's vector and a linear head's prediction of it.

    The head is thrown away after training, so the vectors may have another size and geometry
    than the teacher's.
    """

    name = "distillation"

    def __init__(
        self, *, embedding_size: int, teacher_size: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        if not teacher_size:
            raise DatasetError("distillation needs teacher vectors; this data set has none")
        self.head = seeded_linear(embedding_size, teacher_size, generator=generator)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,  # noqa: ARG002  # the common call
    ) -> ObjectiveValue:
        """See `Objective`."""
        if targets.teacher is None:
            raise DatasetError("distillation needs teacher vectors; this data set has none")
        has_target = ~targets.teacher.isnan().any(dim=1)
        if not has_target.any():
            return plain_value(zero_loss(embeddings))
        prediction = self.head(embeddings[has_target])
        target = targets.teacher[has_target].to(prediction.dtype)
        return plain_value((1 - functional.cosine_similarity(prediction, target, dim=1)).mean())


class TaggingObjective(Objective):
    """Binary cross-entropy of every tag from a linear head. Rows without tags are left out."""

    name = "tagging"

    def __init__(self, *, embedding_size: int, n_tags: int, generator: torch.Generator) -> None:
        super().__init__()
        if not n_tags:
            raise DatasetError("tagging needs tags; this data set has none")
        self.head = seeded_linear(embedding_size, n_tags, generator=generator)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,  # noqa: ARG002  # the common call
    ) -> ObjectiveValue:
        """See `Objective`."""
        if targets.tags is None:
            raise DatasetError("tagging needs tags; this data set has none")
        has_target = (targets.tags > 0).any(dim=1)
        if not has_target.any():
            return plain_value(zero_loss(embeddings))
        logits = self.head(embeddings[has_target])
        target = (targets.tags[has_target] > 0).to(logits.dtype)
        return plain_value(functional.binary_cross_entropy_with_logits(logits, target))

    def probabilities(self, embeddings: torch.Tensor) -> torch.Tensor:
        """float32 [batch, tags], each between 0 and 1; they need not sum to 1."""
        return torch.sigmoid(self.head(embeddings))


def seeded_linear(n_in: int, n_out: int, *, generator: torch.Generator) -> nn.Linear:
    """Torch's linear layer with weights from `generator`; torch's draws from the global one."""
    # On the meta device nothing is drawn.
    layer = nn.Linear(n_in, n_out, device="meta").to_empty(device=generator.device)
    bound = n_in**-0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
