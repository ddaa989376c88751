"""The interface of objectives: from vectors and targets to a loss and the doctor's numbers."""

from abc import abstractmethod
from dataclasses import dataclass, field

import torch
from torch import nn

from embedder.geometry import Geometry
from embedder.training.objectives.relations import PairMasks
from embedder.training.objectives.targets import BatchTargets


@dataclass(frozen=True, slots=True)
class ObjectiveValue:
    """The loss of a batch, and statistics of its pairs: scalar tensors on its device.

    active_share: triplets (of all in the batch) whose positive is not nearer than the negative by
    the margin; NaN where the batch has no triplets. positive_distance, negative_distance: means,
    NaN without such pairs. parts: the loss of each objective of a multi-task run, unweighted.
    """

    loss: torch.Tensor
    active_share: torch.Tensor
    positive_distance: torch.Tensor
    negative_distance: torch.Tensor
    parts: dict[str, torch.Tensor] = field(default_factory=dict)
    by_pairs: dict[str, torch.Tensor] = field(default_factory=dict)
    """The mean distance of positives for each objective that learns from pairs; NaN without any."""


class Objective(nn.Module):
    """A loss with, perhaps, weights of its own (proxies, heads) that the model does not keep."""

    name: str = ""

    @abstractmethod
    def forward(
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,
    ) -> ObjectiveValue:
        """embeddings: float32 [batch, size], on their geometry. The loss is zero, with a gradient
        of zeros, if the batch holds nothing to learn from.
        """

    def __call__(  # nn.Module's own is untyped
        self,
        embeddings: torch.Tensor,
        targets: BatchTargets,
        *,
        generator: torch.Generator | None = None,
    ) -> ObjectiveValue:
        """`forward`, with its types."""
        value = super().__call__(embeddings, targets, generator=generator)
        assert isinstance(value, ObjectiveValue)  # noqa: S101  # of our own subclasses
        return value


def pair_value(
    loss: torch.Tensor,
    distances: torch.Tensor,
    masks: PairMasks,
    *,
    margin: float,
    learns_from: str = "",
) -> ObjectiveValue:
    """A loss and the statistics of its pairs. distances: [batch, batch].

    learns_from: the name of an objective that learns nothing without a positive pair.
    """
    detached = distances.detach()
    positive_distance = detached[masks.positive].mean()
    return ObjectiveValue(
        loss=loss,
        active_share=active_share(detached, masks, margin=margin),
        positive_distance=positive_distance,
        negative_distance=detached[masks.negative].mean(),
        by_pairs={learns_from: positive_distance} if learns_from else {},
    )


def relation_value(
    loss: torch.Tensor,
    embeddings: torch.Tensor,
    masks: PairMasks,
    *,
    geometry: Geometry,
    margin: float,
) -> ObjectiveValue:
    """The same for a loss that does not compute distances itself."""
    with torch.no_grad():
        distances = geometry.pairwise(embeddings, embeddings)
    return pair_value(loss, distances, masks, margin=margin)


def plain_value(loss: torch.Tensor) -> ObjectiveValue:
    """A loss without pairs."""
    unknown = torch.full((), float("nan"), device=loss.device)
    return ObjectiveValue(loss, unknown, unknown, unknown)


def active_share(distances: torch.Tensor, masks: PairMasks, *, margin: float) -> torch.Tensor:
    """Share of all triplets of the batch that violate the margin; NaN without triplets."""
    anchors, positives = masks.positive.nonzero(as_tuple=True)
    negative = masks.negative[anchors]
    limit = distances[anchors, positives][:, None] + margin
    active = (distances[anchors] < limit) & negative
    return active.sum() / negative.sum()


def zero_loss(embeddings: torch.Tensor) -> torch.Tensor:
    """A loss of zero with a gradient of zeros."""
    return (embeddings * 0).sum()
