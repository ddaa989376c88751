"""A model in memory, with one interface for trained and imported models.

Finding a model and reading its card need no torch, so this module imports it only for `geometry`.
"""

from collections.abc import Callable, Sequence
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
TextCall = Callable[[Sequence[str]], "Tensor"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What `load_model` returns: waveforms go through `front_end`, its output through `network`."""

    folder: Path
    card: Card
    front_end: FrontEndCall
    """(waveform float32 [batch, samples], sample_rate) to the network's input [batch, …]."""
    network: NetworkCall
    """The front end's output to vectors of `geometry`, float32 [batch, embedding_size + tags]."""
    tags: tuple[str, ...] = ()
    """Tags whose probabilities the network gives after each vector."""
    text: TextCall | None = None
    """Texts to vectors of the same space; None: the model cannot read text."""

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
