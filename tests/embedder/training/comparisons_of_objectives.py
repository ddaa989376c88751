"""Every loss and miner and its slow loop: rows for the test and for the benchmark."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
import torch

from embedder.config.objectives import Mining, ObjectiveConfig, ObjectiveKind
from embedder.geometry import Geometry, geometry_of
from embedder.training.objectives.building import build_objective
from embedder.training.objectives.heads import DistillationObjective, TaggingObjective
from embedder.training.objectives.mining import mine_triplets, negative_weights
from embedder.training.objectives.objective import Objective, ObjectiveValue
from embedder.training.objectives.proxies import ProxyObjective
from embedder.training.objectives.relations import SameId
from embedder.training.objectives.tags import tag_weights
from embedder.training.objectives.targets import TrackTargets
from tests.embedder.training import slow_objectives as slow
from tests.embedder.training import slow_targets

GEOMETRIES = ("cosine", "euclidean", "poincare")
N_ROWS = 18
SIZE = 6


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number, computed twice."""

    name: str
    fast: float
    loop: float
    apart: float | None = None
    """Where whole tables are compared: the largest difference of an entry."""

    @property
    def difference(self) -> float:
        """Relative if the loop's value is above one."""
        gap = abs(self.fast - self.loop) if self.apart is None else self.apart
        return gap / max(1.0, abs(self.loop))


class Case:
    """A batch on a geometry: float32 tensors, and the same numbers as float64 for the loops."""

    def __init__(self, kind: str, *, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        self.kind = kind
        self.geometry: Geometry = geometry_of(kind)
        free = torch.from_numpy(draw.normal(size=(N_ROWS, SIZE)) * 0.35).float()
        self.embeddings = self.geometry.project(free)
        self.points = self.embeddings.double().numpy()
        self.distance = slow.DISTANCES[kind]
        self.ids = [*draw.integers(0, 4, N_ROWS - 1).tolist(), -1]
        self.positive, self.negative = slow.same_id_masks(self.ids)
        self.tags = (draw.random((N_ROWS, 7)) < 0.35).astype(np.float32)
        self.tags[3] = 0
        self.teacher = draw.normal(size=(N_ROWS, 5)).astype(np.float32)
        self.tracks = TrackTargets(
            labels=np.array(self.ids),
            artists=draw.integers(0, 9, N_ROWS),
            tags=self.tags,
            teacher=self.teacher,
        )
        self.facts = self.tracks.facts()

    def objective(self, config: ObjectiveConfig) -> Objective:
        """The objective, with proxies and heads from a fixed seed."""
        return build_objective(
            config,
            self.facts,
            embedding_size=SIZE,
            geometry=self.geometry,
            generator=torch.Generator().manual_seed(3),
        )

    def value(self, config: ObjectiveConfig) -> ObjectiveValue:
        """The objective's value of the batch."""
        batch = self.tracks.batch(np.arange(N_ROWS))
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            return self.objective(config)(self.embeddings, batch, generator=generator)

    def loss(self, config: ObjectiveConfig) -> float:
        """The objective's loss of the batch, as a number."""
        return float(self.value(config).loss)


def objective_comparisons() -> Iterator[Comparison]:
    """All comparisons of objectives, over all geometries."""
    for kind in GEOMETRIES:
        case = Case(kind)
        for part in (triplets, miners, pairs, proxies, graded):
            for row in part(case):
                yield replace(row, name=f"{row.name}, {kind}")
    yield from heads(Case("cosine"))


def triplets(case: Case) -> Iterator[Comparison]:
    """Margins and mining of the triplet loss."""
    for mining in cast("tuple[Mining, ...]", ("all", "hard", "semi-hard")):
        loop_triplets = slow.mined_triplets(
            mining, case.points, case.positive, case.negative, case.distance, 0.2
        )
        for soft in (False, True):
            config = ObjectiveConfig(kind="triplet", mining=mining, soft_margin=soft)
            loop = slow.triplet_loss(case.points, loop_triplets, case.distance, 0.2, soft=soft)
            name = f"triplet, {mining}, {'soft' if soft else 'fixed'} margin"
            yield Comparison(name, case.loss(config), loop)
    shares = slow.active_share(case.points, case.positive, case.negative, case.distance, 0.2)
    yield Comparison("active share", float(case.value(ObjectiveConfig()).active_share), shares)


def miners(case: Case) -> Iterator[Comparison]:
    """The mined triplets: their number, and how many are in only one of the two sets."""
    masks = SameId("label")(case.tracks.batch(np.arange(N_ROWS)))
    distances = case.geometry.pairwise(case.embeddings, case.embeddings)
    for mining in cast("tuple[Mining, ...]", ("all", "hard", "semi-hard")):
        rows = mine_triplets(case.embeddings, distances, masks, mining=mining, margin=0.2)
        mined = set(zip(*(part.tolist() for part in rows), strict=True))
        loop = set(
            slow.mined_triplets(
                mining, case.points, case.positive, case.negative, case.distance, 0.2
            )
        )
        apart = float(len(mined ^ loop))
        yield Comparison(f"miner, {mining}", len(mined), len(loop), apart=apart)
    weights = negative_weights(case.embeddings, masks.negative).double().numpy()
    loop_weights = slow.draw_weights(case.points, case.negative)
    apart = float(np.abs(weights - loop_weights).max())
    yield Comparison(
        "miner, distance-weighted chances", weights.sum(), loop_weights.sum(), apart=apart
    )


def pairs(case: Case) -> Iterator[Comparison]:
    """Contrastive, multi-similarity, NT-Xent, supervised contrastive."""
    masks = (case.points, case.positive, case.negative, case.distance)
    config = ObjectiveConfig(kind="contrastive", margin=0.9, positive_margin=0.1)
    loop = slow.contrastive_loss(*masks, positive_margin=0.1, margin=0.9)
    yield Comparison("contrastive", case.loss(config), loop)
    for mining, slack in (("all", None), ("hard", 0.1)):
        config = ObjectiveConfig(kind="multi-similarity", mining=cast("Mining", mining))
        loop = slow.multi_similarity_loss(*masks, alpha=2.0, beta=50.0, slack=slack)
        yield Comparison(f"multi-similarity, pairs {mining}", case.loss(config), loop)
    config = ObjectiveConfig(kind="nt-xent", temperature=0.1)
    yield Comparison("nt-xent", case.loss(config), slow.nt_xent_loss(*masks, 0.1))
    config = ObjectiveConfig(kind="supervised-contrastive", temperature=0.1)
    loop = slow.supervised_contrastive_loss(*masks, 0.1)
    yield Comparison("supervised contrastive", case.loss(config), loop)


def proxies(case: Case) -> Iterator[Comparison]:
    """Proxy-anchor and softmax, with the objective's own proxies."""

    def learnt(config: ObjectiveConfig) -> slow.Points:
        objective = case.objective(config)
        assert isinstance(objective, ProxyObjective)
        anchor = config.kind == "proxy-anchor"
        free = objective.loss.proxies if anchor else objective.loss.W.t()
        values = free.detach().double().numpy()
        return np.stack([slow.on_geometry(case.kind, row) for row in values])

    config = ObjectiveConfig(kind="proxy-anchor", margin=0.1)
    loop = slow_targets.proxy_anchor_loss(
        case.points, case.ids, learnt(config), case.distance, margin=0.1, alpha=32.0
    )
    yield Comparison("proxy-anchor", case.loss(config), loop)
    for smoothing in (0.0, 0.1):
        config = ObjectiveConfig(kind="softmax", label_smoothing=smoothing)
        loop = slow_targets.softmax_loss(
            case.points,
            case.ids,
            learnt(config),
            case.distance,
            temperature=0.1,
            smoothing=smoothing,
        )
        yield Comparison(f"softmax, smoothing {smoothing}", case.loss(config), loop)


def graded(case: Case) -> Iterator[Comparison]:
    """Graded pairs, and tags as a soft target."""
    assert case.tracks.artists is not None
    artists = case.tracks.artists.tolist()
    by_artist, not_artist = slow.same_id_masks(artists)
    grades = np.maximum(case.positive * 0.5, by_artist * 0.9)
    is_known = case.positive | case.negative | by_artist | not_artist
    config = ObjectiveConfig(
        kind="graded-contrastive",
        relations=("label", "artist"),
        relation_weights=(0.5, 0.9),
        margin=1.2,
    )
    loop = slow.graded_loss(case.points, grades, is_known, case.distance, 1.2)
    yield Comparison("graded contrastive", case.loss(config), loop)
    yield from _tag_targets(case)


def _tag_targets(case: Case) -> Iterator[Comparison]:
    tagged = np.asarray(case.tags.any(axis=1))
    for weighting in cast("tuple[Literal['binary', 'tf-idf'], ...]", ("binary", "tf-idf")):
        weights = tag_weights(case.facts.tag_counts, kind=weighting, n_tracks=N_ROWS)
        for similarity in cast("tuple[Literal['dice', 'cosine'], ...]", ("dice", "cosine")):
            alike = _alikeness(case.tags.astype(np.float64), weights.numpy(), similarity)
            for target, temperature in (("squared", None), ("cross-entropy", 0.1)):
                config = ObjectiveConfig(
                    kind="tag-similarity",
                    tag_weights=weighting,
                    tag_similarity=similarity,
                    soft_target_loss=cast("Literal['squared', 'cross-entropy']", target),
                )
                loop = slow_targets.tag_similarity_loss(
                    case.points, alike, tagged, case.kind, temperature=temperature
                )
                name = f"tags, {weighting}, {similarity}, {target}"
                yield Comparison(name, case.loss(config), loop)


def _alikeness(tags: slow.Points, weights: slow.Points, kind: str) -> slow.Points:
    rows = [[slow_targets.tag_alikeness(a, b, weights, kind) for b in tags] for a in tags]
    return np.array(rows)


def heads(case: Case) -> Iterator[Comparison]:
    """Distillation and tagging, with the objective's own heads."""
    for kind in cast("tuple[ObjectiveKind, ...]", ("distillation", "tagging")):
        config = ObjectiveConfig(kind=kind)
        objective = case.objective(config)
        assert isinstance(objective, DistillationObjective | TaggingObjective)
        weight = objective.head.weight.detach().double().numpy()
        outputs = np.array([[slow.dot(point, row) for row in weight] for point in case.points])
        loop = (
            slow_targets.distillation_loss(outputs, case.teacher.astype(np.float64))
            if kind == "distillation"
            else slow_targets.tagging_loss(outputs, case.tags.astype(np.float64))
        )
        yield Comparison(kind, case.loss(config), loop)
