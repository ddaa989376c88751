"""Decoding a track: its excerpts for the model, and its sound if the request names measurers."""

from dataclasses import dataclass

from embedder.audio.excerpts import Excerpts, load_excerpts
from embedder.config.model import ModelConfig
from embedder.encoding.requests import TrackMeasures, TrackRequest
from embedder.encoding.sound import SOUND_SECONDS, read_sound, sound_in
from embedder.features.measuring.measurers import measure
from embedder.features.measuring.records import TrackSound


@dataclass(frozen=True, slots=True, eq=False)
class LoadedTrack:
    """What was decoded of a track."""

    excerpts: Excerpts
    separate_sound: TrackSound | None = None
    """None: not needed, or the excerpts hold it."""

    def sound(self, config: ModelConfig) -> TrackSound:
        """The sound for measurers."""
        return self.separate_sound or _required(sound_in(self.excerpts, config))


def load_track(request: TrackRequest, config: ModelConfig) -> LoadedTrack:
    """Decode in this process; raises AudioError."""
    excerpts = load_excerpts(
        request.path,
        config.excerpts,
        sample_rate=config.front_end.sample_rate,
        start_seconds=request.start_seconds,
        seconds=request.seconds,
        sides_of=SOUND_SECONDS if request.measurers else 0.0,
    )
    if not request.measurers or sound_in(excerpts, config) is not None:
        return LoadedTrack(excerpts)
    return LoadedTrack(excerpts, _sound(request))


def measure_track(request: TrackRequest) -> TrackMeasures:
    """Decode a track and measure it, without a model; raises AudioError."""
    return TrackMeasures(request.path, measure(_sound(request), request.measurers))


def _sound(request: TrackRequest) -> TrackSound:
    return read_sound(request.path, start_seconds=request.start_seconds, seconds=request.seconds)


def _required(sound: TrackSound | None) -> TrackSound:
    if sound is None:
        raise ValueError("the track was decoded for a request without measurers")
    return sound
