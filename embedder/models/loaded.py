"""A model in memory, with one interface for trained and imported models.

A `LoadedModel` is computed by torch. An `ArrayModel` is computed by numpy and ONNX Runtime, on the
CPU, and needs no torch. This module imports torch only for `geometry`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedder.config.model import ModelConfig
from embedder.models.card import Card, ModelKind

if TYPE_CHECKING:
    from torch import Tensor

    from embedder.geometry import Geometry

FrontEndCall = Callable[["Tensor", int], "Tensor"]
NetworkCall = Callable[["Tensor"], "Tensor"]
TextCall = Callable[[Sequence[str]], "Tensor"]
Floats = NDArray[np.float32]
ArrayFrontEndCall = Callable[[Floats, int], Floats]
ArrayNetworkCall = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model whose weights were checked, and what its card says."""

    folder: Path
    card: Card
    tags: tuple[str, ...] = field(default=(), kw_only=True)
    """Tags whose probabilities the network gives after each vector."""

    @property
    def config(self) -> ModelConfig:
        """Its settings: excerpts, front end, network, geometry."""
        return self.card.config

    @property
    def name(self) -> str:
        """Its name on the card."""
        return self.card.name

    @property
    def kind(self) -> ModelKind:
        """How it was made: trained, projected, or imported."""
        return self.card.kind

    @property
    def fingerprint(self) -> str:
        """The digest of weights and front end, 64 hexadecimal digits."""
        return self.card.fingerprint

    @property
    def sample_rate(self) -> int:
        """The rate that the front end takes; 0: the file's own."""
        return self.config.front_end.sample_rate

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self.config.embedding_size

    @property
    def geometry(self) -> "Geometry":
        """The geometry of its vectors."""
        from embedder.geometry import geometry_of

        return geometry_of(self.config.geometry, curvature=self.config.curvature)

    @property
    def runs_on_devices(self) -> bool:
        """Whether the network can run on a GPU; ONNX files run on the CPU."""
        return self.kind != "onnx"


@dataclass(frozen=True, slots=True)
class LoadedModel(OpenModel):
    """What `load_model` returns: waveforms go through `front_end`, its output through `network`."""

    front_end: FrontEndCall
    """(waveform float32 [batch, samples], sample_rate) to the network's input [batch, …]."""
    network: NetworkCall
    """The front end's output to vectors of `geometry`, float32 [batch, embedding_size + tags]."""
    text: TextCall | None = field(default=None, kw_only=True)
    """Texts to vectors of the same space; None: the model cannot read text."""


@dataclass(frozen=True, slots=True)
class ArrayModel(OpenModel):
    """What `load_arrays` returns: the same two steps in numpy, and up to rounding the same values.

    Threads may call both.
    """

    front_end: ArrayFrontEndCall
    network: ArrayNetworkCall
