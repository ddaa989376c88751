"""Where vectors live, and what "nearer" means there. Nothing else in soundalike defines it.

A distance is always smaller for what is nearer, whatever the geometry. Points go in as
`project` puts them out: unit length for cosine, anywhere for Euclidean, inside the ball for
Poincaré.

How a FAISS store serves each: it keeps `stored_form(points)`, is asked with
`query_form(points)`, and ranks by `search_metric`; the order is then the order of `pairwise`.

    cosine      inner product of the unit vectors themselves
    Euclidean   squared L2 of the vectors themselves
    Poincaré    inner product of the points lifted onto the hyperboloid, the query's first
                coordinate negated: that product is -cosh(distance), so its order is exact in
                exact arithmetic. In float32 it loses what is small beside the first coordinate,
                so `rerank_exactly` asks for some more candidates and their order by `pairwise`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from embedder.config.model import GeometryKind
from embedder.errors import ConfigError, UnknownChoice

SearchMetric = Literal["inner-product", "squared-l2"]

RIM = 1e-3
"""How near to the ball's rim (as a part of its radius) a point may lie: float32 still has four
digits of `1 - |x|²` there, and two points are at most 15 apart."""

_TINY = 1e-12


class Geometry(ABC):
    """A space of vectors: onto it, between two, the middle of many."""

    kind: ClassVar[GeometryKind]
    search_metric: ClassVar[SearchMetric]
    rerank_exactly: ClassVar[bool] = False

    @abstractmethod
    def project(self, outputs: Tensor) -> Tensor:
        """Outputs of a network [..., d] as points [..., d], float32 or wider."""

    @abstractmethod
    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances [n, m] between points [n, d] and [m, d]; smaller is nearer."""

    @abstractmethod
    def mean(self, points: Tensor) -> Tensor:
        """The middle [..., d] of points [..., n, d], itself a point."""

    def stored_form(self, points: Tensor) -> Tensor:
        """What a search index keeps for points [n, d]."""
        return points

    def query_form(self, points: Tensor) -> Tensor:
        """What a search index is asked with for points [n, d]."""
        return points


@dataclass(frozen=True, slots=True)
class Cosine(Geometry):
    """The unit sphere; distance 1 - cosine, 0…2."""

    kind: ClassVar[GeometryKind] = "cosine"
    search_metric: ClassVar[SearchMetric] = "inner-product"

    def project(self, outputs: Tensor) -> Tensor:
        """Outputs [..., d] at unit length; a zero stays a zero."""
        return functional.normalize(_full_precision(outputs), dim=-1, eps=_TINY)

    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """1 - cosine, [n, m]."""
        # Autocast would multiply in bf16, whose eight bits cannot tell neighbours apart.
        with torch.autocast(first.device.type, enabled=False):
            cosines = self.project(first) @ self.project(second).T
        return (1 - cosines).clamp(min=0, max=2)

    def mean(self, points: Tensor) -> Tensor:
        """The unit-length mean; where the points cancel out, the first of them."""
        units = self.project(points)
        middle = units.mean(dim=-2)
        cancelled = middle.norm(dim=-1, keepdim=True) < 1e-6
        return self.project(torch.where(cancelled, units[..., 0, :], middle))


@dataclass(frozen=True, slots=True)
class Euclidean(Geometry):
    """Flat space; distance |a - b|."""

    kind: ClassVar[GeometryKind] = "euclidean"
    search_metric: ClassVar[SearchMetric] = "squared-l2"

    def project(self, outputs: Tensor) -> Tensor:
        """Outputs [..., d] as they are."""
        return _full_precision(outputs)

    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """|a - b|, [n, m]."""
        return _differences(_full_precision(first), _full_precision(second))

    def mean(self, points: Tensor) -> Tensor:
        """The arithmetic mean."""
        return _full_precision(points).mean(dim=-2)


@dataclass(frozen=True, slots=True)
class PoincareBall(Geometry):
    """Hyperbolic space of curvature -c as the open ball of radius 1/√c.

    Distance: arccosh(1 + 2c|x-y|² / ((1-c|x|²)(1-c|y|²))) / √c (Nickel and Kiela, Poincaré
    embeddings, 2017, equation 1, there with c = 1).
    """

    curvature: float = 1.0

    kind: ClassVar[GeometryKind] = "poincare"
    search_metric: ClassVar[SearchMetric] = "inner-product"
    rerank_exactly: ClassVar[bool] = True

    def project(self, outputs: Tensor) -> Tensor:
        """The exponential map at the origin, held off the rim.

        The output's direction is kept, and its length becomes half the distance from the
        origin (the metric at the origin is twice the flat one).
        """
        outputs = _full_precision(outputs)
        root = math.sqrt(self.curvature)
        lengths: Tensor = (root * outputs.norm(dim=-1, keepdim=True)).clamp(min=_TINY)
        return outputs * (torch.tanh(lengths).clamp(max=1 - RIM) / lengths)

    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """The ball's distance, [n, m]."""
        first, second = self._inside(first), self._inside(second)
        root = math.sqrt(self.curvature)
        gaps = (self._gap(first) * self._gap(second).T).sqrt()
        # cosh 2u = 1 + 2 sinh² u turns arccosh, whose slope is infinite where points meet,
        # into arcsinh, which keeps all digits there.
        half = torch.asinh(root * _differences(first, second) / gaps)
        return 2 / root * half

    def mean(self, points: Tensor) -> Tensor:
        """The Einstein midpoint: mean in the Klein model weighted by Lorentz factors
        (Gulcehre et al., Hyperbolic attention networks, 2019, equation 3).
        """
        points = _full_precision(points)
        # Near the rim a point's gap is what is left of nearly equal squares, and so is the way
        # back: float64 throughout, which MPS alone does not have.
        wide = self._inside(points if points.device.type == "mps" else points.double())
        gap = self._gap(wide)
        momentum = (2 * wide / gap).sum(dim=-2)
        energy = ((2 - gap) / gap).sum(dim=-2)
        squares = energy.square() - self.curvature * momentum.square().sum(-1, keepdim=True)
        midpoint = momentum / (energy + squares.clamp(min=0).sqrt())
        return self._inside(midpoint).to(points.dtype)

    def stored_form(self, points: Tensor) -> Tensor:
        """Points [n, d] on the hyperboloid [n, 1 + d], in units of the curvature radius."""
        inside = self._inside(points)
        gap = self._gap(inside)
        spatial = 2 * math.sqrt(self.curvature) * inside / gap
        return torch.cat([(2 - gap) / gap, spatial], dim=-1)

    def query_form(self, points: Tensor) -> Tensor:
        """As stored, the first coordinate negated."""
        lifted = self.stored_form(points)
        return torch.cat([-lifted[..., :1], lifted[..., 1:]], dim=-1)

    def _gap(self, points: Tensor) -> Tensor:
        """1 - c|x|² of points [..., d], as [..., 1]."""
        return 1 - self.curvature * points.square().sum(dim=-1, keepdim=True)

    def _inside(self, points: Tensor) -> Tensor:
        """Points that rounding has put on the rim or past it, drawn back in."""
        points = _full_precision(points)
        lengths: Tensor = (math.sqrt(self.curvature) * points.norm(dim=-1, keepdim=True)).clamp(
            min=_TINY
        )
        return points * ((1 - RIM) / lengths).clamp(max=1)


def geometry_of(kind: str, *, curvature: float = 1.0) -> Geometry:
    """The geometry that a configuration names; `curvature` matters to the ball alone."""
    if kind == "poincare":
        if not 0 < curvature < float("inf"):
            raise ConfigError(f"curvature = {curvature}: give a number above 0, for example 1.0")
        return PoincareBall(curvature=curvature)
    flat: dict[str, Geometry] = {"cosine": Cosine(), "euclidean": Euclidean()}
    if kind not in flat:
        raise UnknownChoice("geometry", kind, [*flat, "poincare"])
    return flat[kind]


def _full_precision(values: Tensor) -> Tensor:
    """float32 for half precision and whole numbers; float32 and float64 as they are."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def _differences(first: Tensor, second: Tensor) -> Tensor:
    """|a - b| for each pair, by subtraction: by matrix product, equal rows would be apart."""
    distances: Tensor = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
    return distances
