"""The sound that measurers get: the middle of a track, the same for every model.

    track     |-----------[ 30 s ]-----------|     mono, 44 100 Hz

If the model or a part of it reads exactly this (as the bundled one does), its excerpt is used and
nothing more is decoded. Otherwise these 30 seconds are decoded beside its excerpts.
"""

from pathlib import Path

from embedder.audio.excerpts import Excerpts, load_excerpts, row_layout
from embedder.config.model import ExcerptConfig, MemberExcerpts, ModelConfig
from embedder.features.measuring.records import TrackSound

SOUND_SECONDS = 30.0
SOUND_RATE = 44100

_EXCERPT = ExcerptConfig(
    n_excerpts=1, excerpt_seconds=SOUND_SECONDS, placement="centre", min_seconds=0
)


def sound_in(excerpts: Excerpts, config: ModelConfig) -> TrackSound | None:
    """The sound, if a model's excerpts hold it."""
    if config.excerpts.members:
        return _sound_of_part(excerpts, config.excerpts)
    if not (_is_middle(config.excerpts) and excerpts.sample_rate == SOUND_RATE):
        return None
    return _sound(excerpts)


def _is_middle(shape: ExcerptConfig | MemberExcerpts) -> bool:
    is_centred = shape.n_excerpts == 1 and shape.placement != "start"
    return is_centred and shape.excerpt_seconds == SOUND_SECONDS


def _sound_of_part(excerpts: Excerpts, shape: ExcerptConfig) -> TrackSound | None:
    """The sound, if an encoder of a combined model reads it."""
    first = 0
    layout = row_layout(shape, excerpts.sample_rate)
    for member, (n_parts, n_samples), (start, n_read) in zip(
        shape.members, layout, excerpts.firsts, strict=True
    ):
        if _is_middle(member) and member.sample_rate == SOUND_RATE and shape.n_excerpts == 1:
            samples = excerpts.samples[0, first : first + n_read]
            return TrackSound(samples, SOUND_RATE, start, excerpts.sides)
        first += n_parts * n_samples
    return None


def read_sound(
    path: Path, *, start_seconds: float | None = None, seconds: float | None = None
) -> TrackSound:
    """Decode the sound of a file or of a part of it; raises AudioError."""
    excerpts = load_excerpts(
        path,
        _EXCERPT,
        sample_rate=SOUND_RATE,
        start_seconds=start_seconds,
        seconds=seconds,
        sides_of=SOUND_SECONDS,
    )
    return _sound(excerpts)


def _sound(excerpts: Excerpts) -> TrackSound:
    samples = excerpts.samples[0, : excerpts.n_read[0]]
    start = excerpts.starts_seconds[0]
    return TrackSound(samples, excerpts.sample_rate, start, excerpts.sides)
