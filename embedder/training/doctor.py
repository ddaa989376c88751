"""The doctor: watches a run's embeddings and says in plain words when it learns nothing.

    point     tracks with different labels lie on nearly one point
    rank      the embeddings use hardly any of their dimensions
    margin    the triplet loss stands at its margin: positives are no nearer than negatives

Every network begins with one or the other, so a symptom counts only when it has lasted for
`stuck_steps` steps; each is told once a run. The doctor changes nothing unless `fallback` tells it
to, and then only how triplets are mined. What it knows goes into the run's state, so a run that is
gone on with is watched as if it had never stopped.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from embedder.config.training import DoctorConfig, ObjectiveConfig
from embedder.geometry import Geometry
from embedder.metrics.neighbourhood import effective_rank
from embedder.training.objectives.objective import Objective, ObjectiveValue
from embedder.training.objectives.relations import PairMasks, Relation
from embedder.training.objectives.targets import BatchTargets
from embedder.training.objectives.triplets import TripletObjective

N_BINS = 40
_POINT = 0.1
"""Of the margin: negatives nearer than this on average lie on one point for the loss."""
_USUAL_MARGIN = 0.2

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Histogram:
    """How far apart positives and negatives of the observed batches of one epoch lie."""

    epoch: int
    reach: float
    """The upper edge; the last bin takes what lies beyond."""
    positive: list[int] = field(default_factory=lambda: [0] * N_BINS)
    negative: list[int] = field(default_factory=lambda: [0] * N_BINS)


@dataclass(slots=True)
class Findings:
    """What the doctor knows; plain words and numbers, as they stand in the run's state."""

    lasting: dict[str, int] = field(default_factory=dict)
    """Steps that each symptom has lasted so far."""
    told: list[str] = field(default_factory=list)
    fallback: str = ""
    """How triplets are mined since the doctor stepped in."""
    epoch: int = 1
    rank_sum: float = 0.0
    n_observed: int = 0
    """Of the epoch under way."""
    first: Histogram | None = None
    """Of the first epoch ..."""
    latest: Histogram | None = None
    """... and of the last one."""

    @classmethod
    def from_state(cls, content: dict[str, Any]) -> "Findings":
        """Back from what `asdict` made."""
        found = cls(**content)
        for name in ("first", "latest"):
            histogram = content.get(name)
            setattr(found, name, Histogram(**histogram) if histogram else None)
        return found


class Doctor:
    """Looks at every `every_steps`-th step."""

    def __init__(
        self,
        config: DoctorConfig,
        objectives: Sequence[ObjectiveConfig],
        *,
        objective: Objective,
        relation: Relation | None,
        geometry: Geometry,
    ) -> None:
        """`relation`: what a positive is; None for objectives that know no pairs."""
        self.config = config
        self.findings = Findings()
        self._objectives = tuple(objectives)
        self._objective = objective
        self._relation = relation
        self._geometry = geometry

    def is_due(self, step: int) -> bool:
        """Whether it wants to see this step (counted from 1)."""
        return step % self.config.every_steps == 0

    def observe(
        self, step: int, value: ObjectiveValue, embeddings: Tensor, targets: BatchTargets
    ) -> str:
        """Look at a step; a warning where there is something new to say, else an empty text."""
        points = embeddings.detach().float().cpu()
        rank = effective_rank(points.numpy())
        self.findings.rank_sum += rank
        self.findings.n_observed += 1
        masks = None if self._relation is None else self._relation(targets.to("cpu"))
        negative_mean = self._look_at_pairs(points, masks) if masks is not None else math.nan
        symptoms = {
            "point": negative_mean < self._point_limit(),
            "rank": rank < self._rank_limit(masks, points),
            "margin": self._is_at_margin(value),
        }
        return self._tell(step, symptoms, rank=rank, negative_mean=negative_mean)

    def end_epoch(self) -> dict[str, float]:
        """What goes into the epoch's record; the next epoch starts with an empty histogram."""
        found = self.findings
        numbers = {"effective_rank": found.rank_sum / found.n_observed} if found.n_observed else {}
        found.rank_sum, found.n_observed, found.epoch = 0.0, 0, found.epoch + 1
        if found.first is None:
            found.first = found.latest
        return numbers

    def save(self) -> dict[str, Any]:
        """Everything it knows, for the run's state."""
        return asdict(self.findings)

    def restore(self, content: dict[str, Any]) -> None:
        """Know again what `save` gave, and mine triplets as they were mined."""
        self.findings = Findings.from_state(content)
        if self.findings.fallback:
            self.fall_back(self.findings.fallback)

    def fall_back(self, kind: str) -> bool:
        """Change how triplets are mined from now on; False where that changes nothing."""
        changed = False
        for part in self._objective.modules():
            if isinstance(part, TripletObjective):
                config = _GENTLER[kind](part.config)
                changed |= config != part.config
                part.change(config)
        if changed:
            self.findings.fallback = kind
        return changed

    def _look_at_pairs(self, points: Tensor, masks: PairMasks) -> float:
        distances = self._geometry.pairwise(points, points)
        positive, negative = distances[masks.positive], distances[masks.negative]
        self._count(positive, negative)
        return float(negative.mean()) if len(negative) else math.nan

    def _count(self, positive: Tensor, negative: Tensor) -> None:
        found = self.findings
        if found.latest is None or found.latest.epoch != found.epoch:
            found.latest = Histogram(found.epoch, self._reach(positive, negative))
        for counts, distances in (
            (found.latest.positive, positive),
            (found.latest.negative, negative),
        ):
            scaled = distances.clamp(0, found.latest.reach) / found.latest.reach * N_BINS
            added = torch.bincount(scaled.long().clamp_max(N_BINS - 1), minlength=N_BINS).tolist()
            counts[:] = [a + b for a, b in zip(counts, added, strict=True)]

    def _reach(self, positive: Tensor, negative: Tensor) -> float:
        if self._geometry.kind == "cosine":
            return 2.0
        together = torch.cat([positive, negative])
        return max(1.5 * float(together.max()), 1e-6) if len(together) else 1.0

    def _point_limit(self) -> float:
        margins = [o.margin for o in self._objectives if o.kind == "triplet" and not o.soft_margin]
        return _POINT * min([*margins, _USUAL_MARGIN])

    def _rank_limit(self, masks: PairMasks | None, points: Tensor) -> float:
        """C groups that are told apart perfectly need only C - 1 directions."""
        n_groups = len(points) if masks is None else _count_groups(masks)
        return min(self.config.min_effective_rank, 0.75 * (n_groups - 1))

    def _is_at_margin(self, value: ObjectiveValue) -> bool:
        for at, objective in enumerate(self._objectives):
            if objective.kind != "triplet" or objective.margin <= 0:
                continue
            is_soft = objective.soft_margin or self.findings.fallback == "soft-margin"
            stuck_at = math.log(2.0) if is_soft else objective.margin
            loss = float(value.parts.get(f"{at}-triplet", value.loss).detach())
            if abs(loss - stuck_at) <= self.config.stuck_tolerance * stuck_at:
                return True
        return False

    def _tell(
        self, step: int, symptoms: dict[str, bool], *, rank: float, negative_mean: float
    ) -> str:
        found = self.findings
        for name, is_there in symptoms.items():
            lasted = found.lasting.get(name, 0) + self.config.every_steps
            found.lasting[name] = lasted if is_there else 0
        new = [
            name
            for name, lasted in found.lasting.items()
            if lasted >= self.config.stuck_steps and name not in found.told
        ]
        if not new:
            return ""
        found.told += new
        words = {
            "point": "the network puts all tracks on nearly one point (tracks that differ are "
            f"{negative_mean:.2g} apart), so it tells nothing apart",
            "rank": f"the vectors use {rank:.1f} directions of all that they have, so most of what "
            "the network could tell apart is lost",
            "margin": "the triplet loss stands at its margin: a track's likes are no nearer to it "
            "than the others",
        }
        lasted = found.lasting[new[0]]
        said = f"step {step}, for {lasted} steps: " + "; ".join(words[name] for name in new)
        text = f"{said}. {self._advice()}"
        _logger.warning("%s", text)
        return text

    def _advice(self) -> str:
        kind = self.config.fallback
        if kind != "none" and not self.findings.fallback and self.fall_back(kind):
            return f"As told by doctor.fallback, training goes on with {_NAMES[kind]}."
        return (
            "What helps most often: a lower optimiser.learning_rate, a longer "
            "schedule.warm_up_share, mining = 'semi-hard' or soft_margin = true."
        )


_NAMES = {"semi-hard": "semi-hard triplets", "soft-margin": "a soft margin"}
_GENTLER: dict[str, Callable[[ObjectiveConfig], ObjectiveConfig]] = {
    "semi-hard": lambda config: replace(config, mining="semi-hard"),
    "soft-margin": lambda config: replace(config, soft_margin=True),
}


def _count_groups(masks: PairMasks) -> int:
    """How many groups the rows fall into by their positives."""
    alike = masks.positive | torch.eye(len(masks.positive), dtype=torch.bool)
    return len(np.unique(alike.numpy(), axis=0))
