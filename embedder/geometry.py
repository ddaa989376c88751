"""The spaces of vectors, and the distance in each. No other module defines "nearer".

In every geometry a smaller distance is nearer. All functions but `project` take vectors that
`project` has returned: of unit length for cosine, anywhere for Euclidean, inside the ball for
Poincaré.

How a FAISS store searches in each: it stores `stored_form(vectors)`, searches with
`query_form(vectors)`, and ranks by `search_metric`; that order is the order of `pairwise`.

    cosine      inner product of the unit vectors
    Euclidean   squared L2 distance of the vectors
    Poincaré    inner product of the vectors lifted onto the hyperboloid, with the query's first
                coordinate negated. The product is -cosh(distance), so its order is exact in exact
                arithmetic. In float32, values that are small beside the first coordinate are
                lost. So `rerank_exactly` says: search for more candidates, order them by
                `pairwise`.
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
"""The least distance of a vector from the ball's rim, as a share of its radius. float32 still has
four digits of `1 - |x|²` there, and two vectors are at most 15 apart."""

_TINY = 1e-12


class Geometry(ABC):
    """A space of vectors: projection into it, distances in it, means in it."""

    kind: ClassVar[GeometryKind]
    search_metric: ClassVar[SearchMetric]
    rerank_exactly: ClassVar[bool] = False

    @abstractmethod
    def project(self, outputs: Tensor) -> Tensor:
        """A network's outputs [..., d] as vectors [..., d] of the space, float32 or wider."""

    @abstractmethod
    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances [n, m] between vectors [n, d] and [m, d]; smaller is nearer."""

    @abstractmethod
    def mean(self, vectors: Tensor) -> Tensor:
        """The mean [..., d] of vectors [..., n, d], itself a vector of the space."""

    def stored_form(self, vectors: Tensor) -> Tensor:
        """The form of vectors [n, d] in a vector store."""
        return vectors

    def query_form(self, vectors: Tensor) -> Tensor:
        """The form of query vectors [n, d] for a search in a vector store."""
        return vectors


@dataclass(frozen=True, slots=True)
class Cosine(Geometry):
    """The unit sphere; distance 1 - cosine, 0…2."""

    kind: ClassVar[GeometryKind] = "cosine"
    search_metric: ClassVar[SearchMetric] = "inner-product"

    def project(self, outputs: Tensor) -> Tensor:
        """Outputs [..., d] at unit length; a zero vector stays zero."""
        return functional.normalize(_full_precision(outputs), dim=-1, eps=_TINY)

    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """1 - cosine, [n, m]."""
        # Autocast would multiply in bf16, whose eight bits cannot tell neighbours apart.
        with torch.autocast(first.device.type, enabled=False):
            cosines = self.project(first) @ self.project(second).T
        return (1 - cosines).clamp(min=0, max=2)

    def mean(self, vectors: Tensor) -> Tensor:
        """The mean at unit length; if the vectors cancel out, the first of them."""
        units = self.project(vectors)
        mean = units.mean(dim=-2)
        is_cancelled = mean.norm(dim=-1, keepdim=True) < 1e-6
        return self.project(torch.where(is_cancelled, units[..., 0, :], mean))


@dataclass(frozen=True, slots=True)
class Euclidean(Geometry):
    """Flat space; distance |a - b|."""

    kind: ClassVar[GeometryKind] = "euclidean"
    search_metric: ClassVar[SearchMetric] = "squared-l2"

    def project(self, outputs: Tensor) -> Tensor:
        """Outputs [..., d] unchanged."""
        return _full_precision(outputs)

    def pairwise(self, first: Tensor, second: Tensor) -> Tensor:
        """|a - b|, [n, m]."""
        return _differences(_full_precision(first), _full_precision(second))

    def mean(self, vectors: Tensor) -> Tensor:
        """The arithmetic mean."""
        return _full_precision(vectors).mean(dim=-2)


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
        """The exponential map at the origin, kept off the rim.

        A vector keeps its direction, and its length becomes half its distance from the origin
        (the metric at the origin is twice the Euclidean one).
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
        # cosh 2u = 1 + 2 sinh² u turns arccosh, whose slope is infinite for equal vectors, into
        # arcsinh, which keeps all digits there.
        half = torch.asinh(root * _differences(first, second) / gaps)
        return 2 / root * half

    def mean(self, vectors: Tensor) -> Tensor:
        """The Einstein midpoint: mean in the Klein model weighted by Lorentz factors
        (Gulcehre et al., Hyperbolic attention networks, 2019, equation 3).
        """
        vectors = _full_precision(vectors)
        # Near the rim a gap is the difference of nearly equal numbers, and so is the midpoint:
        # float64 throughout, except on MPS, which has none.
        wide = self._inside(vectors if vectors.device.type == "mps" else vectors.double())
        gap = self._gap(wide)
        momentum = (2 * wide / gap).sum(dim=-2)
        energy = ((2 - gap) / gap).sum(dim=-2)
        squares = energy.square() - self.curvature * momentum.square().sum(-1, keepdim=True)
        midpoint = momentum / (energy + squares.clamp(min=0).sqrt())
        return self._inside(midpoint).to(vectors.dtype)

    def stored_form(self, vectors: Tensor) -> Tensor:
        """Vectors [n, d] on the hyperboloid [n, 1 + d], in units of the curvature radius."""
        inside = self._inside(vectors)
        gap = self._gap(inside)
        spatial = 2 * math.sqrt(self.curvature) * inside / gap
        return torch.cat([(2 - gap) / gap, spatial], dim=-1)

    def query_form(self, vectors: Tensor) -> Tensor:
        """The stored form with the first coordinate negated."""
        lifted = self.stored_form(vectors)
        return torch.cat([-lifted[..., :1], lifted[..., 1:]], dim=-1)

    def _gap(self, vectors: Tensor) -> Tensor:
        """1 - c|x|² of vectors [..., d], as [..., 1]."""
        return 1 - self.curvature * vectors.square().sum(dim=-1, keepdim=True)

    def _inside(self, vectors: Tensor) -> Tensor:
        """Vectors, moved back inside if rounding has put them on the rim or beyond it."""
        vectors = _full_precision(vectors)
        lengths: Tensor = (math.sqrt(self.curvature) * vectors.norm(dim=-1, keepdim=True)).clamp(
            min=_TINY
        )
        return vectors * ((1 - RIM) / lengths).clamp(max=1)


def geometry_of(kind: str, *, curvature: float = 1.0) -> Geometry:
    """The geometry that a configuration names; only the ball uses `curvature`."""
    if kind == "poincare":
        if not 0 < curvature < float("inf"):
            raise ConfigError(f"curvature = {curvature}: give a number above 0, for example 1.0")
        return PoincareBall(curvature=curvature)
    flat: dict[str, Geometry] = {"cosine": Cosine(), "euclidean": Euclidean()}
    if kind not in flat:
        raise UnknownChoice("geometry", kind, [*flat, "poincare"])
    return flat[kind]


def _full_precision(values: Tensor) -> Tensor:
    """float32 for half precision and whole numbers; float32 and float64 unchanged."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def _differences(first: Tensor, second: Tensor) -> Tensor:
    """|a - b| of each pair, by subtraction: a matrix product would put equal rows apart."""
    distances: Tensor = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
    return distances
