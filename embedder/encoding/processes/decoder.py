"""Decoding the excerpts of a model in child processes."""

from embedder.audio.decoders import Decoder, Decoders
from embedder.audio.excerpts import Excerpts, load_excerpts
from embedder.config.model import ModelConfig
from embedder.encoding.requests import TrackRequest


class DecoderProcess(Decoder):
    """A decoder that knows which excerpts a model reads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._config = config

    def load(self, request: TrackRequest) -> Excerpts:
        """Return or raise what `load_excerpts` does for this request."""
        return load_in_child(self, request, self._config)


def load_in_child(
    decoder: Decoder | Decoders, request: TrackRequest, config: ModelConfig
) -> Excerpts:
    """Return or raise what `load_excerpts` does for this request."""
    return decoder.run(
        request.path,
        load_excerpts,
        request.path,
        config.excerpts,
        sample_rate=config.front_end.sample_rate,
        start_seconds=request.start_seconds,
        seconds=request.seconds,
    )
