"""The doctor: it watches the vectors of a run and warns if the run learns nothing.

    point     tracks with different labels lie on nearly one point
    rank      the vectors use hardly any of their dimensions
    margin    the triplet loss equals its margin: positives are no nearer than negatives
    pairs     an objective that learns from pairs found no positive pair in a whole epoch

Every network begins with some of these symptoms, so one counts only after `stuck_steps` steps, and
the doctor warns of it once a run. It changes nothing unless `fallback` is set, and then only how
triplets are mined. Its findings are saved in the run's state, so a resumed run is watched as if it
had never stopped.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import DoctorConfig
from embedder.geometry import Geometry
from embedder.metrics.neighbourhood import effective_rank
from embedder.training.objectives.objective import Objective, ObjectiveValue
from embedder.training.objectives.relations import PairMasks, Relation
from embedder.training.objectives.targets import BatchTargets
from embedder.training.objectives.triplets import TripletObjective

N_BINS = 40
_POINT = 0.1
"""As a share of the margin: negatives that are nearer on average count as one point."""
_USUAL_MARGIN = 0.2

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Histogram:
    """Distances of positives and negatives in the observed batches of one epoch."""

    epoch: int
    reach: float
    """The upper edge; the last bin counts larger distances too."""
    positive: list[int] = field(default_factory=lambda: [0] * N_BINS)
    negative: list[int] = field(default_factory=lambda: [0] * N_BINS)


@dataclass(slots=True)
class Findings:
    """The findings of the doctor, as they are saved in the run's state."""

    lasting: dict[str, int] = field(default_factory=dict)
    """How many steps each symptom has lasted so far."""
    told: list[str] = field(default_factory=list)
    fallback: str = ""
    """The doctor's change of how triplets are mined, if it made one."""
    epoch: int = 1
    rank_sum: float = 0.0
    n_observed: int = 0
    """Observed steps of the current epoch."""
    first: Histogram | None = None
    """Of the first epoch."""
    latest: Histogram | None = None
    """Of the latest epoch."""

    @classmethod
    def from_state(cls, content: dict[str, Any]) -> "Findings":
        """The findings that `asdict` turned into `content`."""
        findings = cls(**content)
        for name in ("first", "latest"):
            histogram = content.get(name)
            setattr(findings, name, Histogram(**histogram) if histogram else None)
        return findings


class Doctor:
    """Observes every `every_steps`-th step."""

    def __init__(
        self,
        config: DoctorConfig,
        objectives: Sequence[ObjectiveConfig],
        *,
        objective: Objective,
        relation: Relation | None,
        geometry: Geometry,
    ) -> None:
        """`relation`: which pairs are positive; None for objectives without pairs."""
        self.config = config
        self.findings = Findings()
        self._objectives = tuple(objectives)
        self._objective = objective
        self._relation = relation
        self._geometry = geometry
        self._positive_distances: dict[str, list[Tensor]] = {}
        """Of each objective that learns from pairs, in every step since the last epoch's end."""

    def is_due(self, step: int) -> bool:
        """Whether this step, counted from 1, is to be observed."""
        return step % self.config.every_steps == 0

    def observe(
        self, step: int, value: ObjectiveValue, embeddings: Tensor, targets: BatchTargets
    ) -> str:
        """Observe a step; return a warning, or an empty text if there is nothing new."""
        vectors = embeddings.detach().float().cpu()
        rank = effective_rank(vectors.numpy())
        self.findings.rank_sum += rank
        self.findings.n_observed += 1
        masks = None if self._relation is None else self._relation(targets.to("cpu"))
        negative_mean = self._observe_pairs(vectors, masks) if masks is not None else math.nan
        symptoms = {
            "point": negative_mean < self._point_limit(),
            "rank": rank < self._rank_limit(masks, vectors),
            "margin": self._is_at_margin(value),
        }
        return self._warn(step, symptoms, rank=rank, negative_mean=negative_mean)

    def note_pairs(self, value: ObjectiveValue) -> None:
        """Remember, at every step, whether each objective had a positive pair."""
        for name, distance in value.by_pairs.items():
            self._positive_distances.setdefault(name, []).append(distance)

    def find_lacking_pairs(self) -> list[str]:
        """At the end of an epoch: a warning of objectives without a positive pair in all of it."""
        lacking = [
            name
            for name, distances in self._positive_distances.items()
            if f"pairs of {name}" not in self.findings.told
            and bool(torch.stack(distances).isnan().all())
        ]
        self._positive_distances.clear()
        if not lacking:
            return []
        self.findings.told += [f"pairs of {name}" for name in lacking]
        text = (
            f"epoch {self.findings.epoch}: no batch had a positive pair for {', '.join(lacking)}, "
            "so it learns nothing. Draw such pairs: sampler.relations names what a group of the "
            "batch has in common, sampler.crops_per_track makes pairs of one track."
        )
        _logger.warning("%s", text)
        return [text]

    def end_epoch(self) -> dict[str, float]:
        """Numbers for the epoch's record; the next epoch starts with an empty histogram."""
        state = self.findings
        numbers = {"effective_rank": state.rank_sum / state.n_observed} if state.n_observed else {}
        state.rank_sum, state.n_observed, state.epoch = 0.0, 0, state.epoch + 1
        if state.first is None:
            state.first = state.latest
        return numbers

    def save(self) -> dict[str, Any]:
        """All findings, for the run's state."""
        return asdict(self.findings)

    def restore(self, content: dict[str, Any]) -> None:
        """Continue with saved findings and the mining that they name."""
        self.findings = Findings.from_state(content)
        if self.findings.fallback:
            self.fall_back(self.findings.fallback)

    def fall_back(self, kind: str) -> bool:
        """Change how triplets are mined from now on; False if that changes nothing."""
        changed = False
        for part in self._objective.modules():
            if isinstance(part, TripletObjective):
                config = _GENTLER[kind](part.config)
                changed |= config != part.config
                part.change(config)
        if changed:
            self.findings.fallback = kind
        return changed

    def _observe_pairs(self, vectors: Tensor, masks: PairMasks) -> float:
        distances = self._geometry.pairwise(vectors, vectors)
        positive, negative = distances[masks.positive], distances[masks.negative]
        self._count(positive, negative)
        return float(negative.mean()) if len(negative) else math.nan

    def _count(self, positive: Tensor, negative: Tensor) -> None:
        histogram = self.findings.latest
        if histogram is None or histogram.epoch != self.findings.epoch:
            histogram = Histogram(self.findings.epoch, self._reach(positive, negative))
            self.findings.latest = histogram
        for counts, distances in (
            (histogram.positive, positive),
            (histogram.negative, negative),
        ):
            scaled = distances.clamp(0, histogram.reach) / histogram.reach * N_BINS
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

    def _rank_limit(self, masks: PairMasks | None, vectors: Tensor) -> float:
        """C groups that are separated perfectly need only C - 1 directions."""
        n_groups = len(vectors) if masks is None else _count_groups(masks)
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

    def _warn(
        self, step: int, symptoms: dict[str, bool], *, rank: float, negative_mean: float
    ) -> str:
        findings = self.findings
        for name, is_present in symptoms.items():
            n_steps = findings.lasting.get(name, 0) + self.config.every_steps
            findings.lasting[name] = n_steps if is_present else 0
        new = [
            name
            for name, n_steps in findings.lasting.items()
            if n_steps >= self.config.stuck_steps and name not in findings.told
        ]
        if not new:
            return ""
        findings.told += new
        words = {
            "point": "the network puts all tracks on nearly one point (tracks that differ have a "
            f"mean distance of {negative_mean:.2g}), so it separates nothing",
            "rank": f"the vectors use only {rank:.1f} of their directions, so the network "
            "separates little",
            "margin": "the triplet loss equals its margin: positives are no nearer than negatives",
        }
        n_steps = findings.lasting[new[0]]
        warning = f"step {step}, for {n_steps} steps: " + "; ".join(words[name] for name in new)
        text = f"{warning}. {self._advice()}"
        _logger.warning("%s", text)
        return text

    def _advice(self) -> str:
        kind = self.config.fallback
        if kind != "none" and not self.findings.fallback and self.fall_back(kind):
            return f"doctor.fallback is set: training goes on with {_NAMES[kind]}."
        return (
            "These help most often: a lower optimiser.learning_rate, a longer "
            "schedule.warm_up_share, mining = 'semi-hard' or soft_margin = true."
        )


_NAMES = {"semi-hard": "semi-hard triplets", "soft-margin": "a soft margin"}
_GENTLER: dict[str, Callable[[ObjectiveConfig], ObjectiveConfig]] = {
    "semi-hard": lambda config: replace(config, mining="semi-hard"),
    "soft-margin": lambda config: replace(config, soft_margin=True),
}


def _count_groups(masks: PairMasks) -> int:
    """The number of groups that the positives form."""
    alike = masks.positive | torch.eye(len(masks.positive), dtype=torch.bool)
    return len(np.unique(alike.numpy(), axis=0))
