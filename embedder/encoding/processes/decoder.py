"""Decoding tracks for a model in child processes."""

from embedder.audio.decoders import Decoder, Decoders
from embedder.config.model import ModelConfig
from embedder.encoding.loading import LoadedTrack, load_track
from embedder.encoding.requests import TrackRequest


class DecoderProcess(Decoder):
    """A decoder that knows which excerpts a model reads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._config = config

    def load(self, request: TrackRequest) -> LoadedTrack:
        """Return or raise what `load_track` does for this request."""
        return load_in_child(self, request, self._config)


def load_in_child(
    decoder: Decoder | Decoders, request: TrackRequest, config: ModelConfig
) -> LoadedTrack:
    """Return or raise what `load_track` does for this request."""
    return decoder.run(request.path, load_track, request, config)
