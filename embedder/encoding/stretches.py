"""Vectors of short stretches over a whole track, for models that have one vector a track.

    track     |[3 s][3 s][3 s] … [3 s]|      as many as fit, at most 80, evenly spread

A combined model has one vector for a track if its parts read different excerpts. The part with the
shortest excerpts then says which stretches of two tracks are alike. Its vectors are compared with
its own only, and are no part of a library.
"""

from dataclasses import replace
from pathlib import Path

from embedder.audio.decoders import shared_decoders
from embedder.config.model import ModelConfig
from embedder.encoding.loading import LoadedTrack
from embedder.encoding.opening import open_runtime
from embedder.encoding.processes.decoder import load_in_child
from embedder.encoding.requests import TrackEncoding, TrackRequest
from embedder.encoding.steps import EncodingSteps
from embedder.models.parts import part_with_short_excerpts

MAX_STRETCHES = 80
"""Four minutes of three seconds each, heard without a gap in 0.3 to 0.4 s on one core."""


class StretchEncoder:
    """A model that hears each few seconds of a track by themselves."""

    def __init__(self, folder: Path) -> None:
        self._steps = EncodingSteps(open_runtime(folder, device="cpu", precision="auto"))
        config = self._steps.config
        self._reading = replace(
            config, excerpts=replace(config.excerpts, n_excerpts=MAX_STRETCHES, placement="spread")
        )

    @classmethod
    def beside(cls, folder: Path) -> "StretchEncoder | None":
        """For the model in a folder; None if the model has vectors of its excerpts itself."""
        part = part_with_short_excerpts(folder)
        return None if part is None else cls(part)

    @property
    def config(self) -> ModelConfig:
        """The settings of the part of the model; the geometry of the vectors is one of them."""
        return self._steps.config

    def encode(self, request: TrackRequest) -> TrackEncoding:
        """A track, decoded in a child process; raises AudioError if it cannot be read."""
        return self._steps.encode(request, self._load)

    def _load(self, request: TrackRequest) -> LoadedTrack:
        return load_in_child(shared_decoders(), request, self._reading)
