"""A model in memory, the same to everybody above whether it was trained here or imported.

Finding a model and reading its card need no torch, so this module does without until it is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedder.config.model import ModelConfig
from embedder.models.card import Card, ModelKind

if TYPE_CHECKING:
    from torch import Tensor

    from embedder.geometry import Geometry

FrontEndCall = Callable[["Tensor", int], "Tensor"]
NetworkCall = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What `load_model` gives: waveforms through `front_end`, what it gives through `network`."""

    folder: Path
    card: Card
    front_end: FrontEndCall
    """(waveform float32 [batch, samples], sample_rate) to the network's input [batch, …]."""
    network: NetworkCall
    """The front end's output to points of `geometry`, float32 [batch, embedding_size]."""

    @property
    def config(self) -> ModelConfig:
        """What it hears and how it is built."""
        return self.card.config

    @property
    def name(self) -> str:
        """What people call it."""
        return self.card.name

    @property
    def kind(self) -> ModelKind:
        """Trained here, or imported from where."""
        return self.card.kind

    @property
    def fingerprint(self) -> str:
        """The digest of weights and front end, 64 hexadecimal digits."""
        return self.card.fingerprint

    @property
    def sample_rate(self) -> int:
        """The rate that the front end wants; 0: the file's own."""
        return self.config.front_end.sample_rate

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self.config.embedding_size

    @property
    def geometry(self) -> "Geometry":
        """Where its vectors live."""
        from embedder.geometry import geometry_of

        return geometry_of(self.config.geometry, curvature=self.config.curvature)

    @property
    def runs_on_devices(self) -> bool:
        """Whether the network moves to a GPU; ONNX files run on the CPU."""
        return self.kind != "onnx"
