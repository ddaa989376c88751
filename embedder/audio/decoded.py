"""Audio that is already decoded, in the form in which a model reads it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.audio.excerpts import Excerpts, assembled, readings_of
from embedder.audio.records import Pieces, Span, Waveform
from embedder.config.model import ExcerptConfig

Samples = NDArray[np.float32]


def excerpts_of(name: Path, waveform: Waveform, config: ExcerptConfig) -> Excerpts:
    """The excerpts of sound in memory: those that a file with the same samples has.

    `name` stands in the messages of errors.
    """
    rate, duration_seconds = waveform.sample_rate, waveform.duration_seconds
    planned = [reading.spans(name, 0.0, duration_seconds) for reading in readings_of(config, rate)]
    spans = tuple(span for reading_spans in planned for span in reading_spans)
    samples, n_read = zip(*(_piece(waveform, span) for span in spans), strict=True)
    pieces = Pieces(samples, rate, spans, n_read, duration_seconds)
    counts = list(map(len, planned))
    return assembled(pieces, config, counts, duration_seconds, sample_rate=rate)


def as_rows(samples: Samples, sample_rate: int, config: ExcerptConfig) -> Samples:
    """Windows of audio [windows, samples] as rows of excerpts, for any model.

    A combined model takes the excerpts of its encoders from each window; for other models a window
    is an excerpt.
    """
    if not config.members:
        return samples
    members = [
        replace(member, n_excerpts=member.n_excerpts // config.n_excerpts)
        for member in config.members
    ]
    of_window = replace(config, n_excerpts=1, members=tuple(members))
    rows = [
        excerpts_of(Path("a window"), Waveform(window, sample_rate), of_window).samples
        for window in samples
    ]
    return np.concatenate(rows)


def _piece(waveform: Waveform, span: Span) -> tuple[Samples, int]:
    """A span of the sound at its rate, and how many of its samples the sound has."""
    native = waveform.sample_rate
    rate = span.sample_rate or native
    first = round(span.start_seconds * native)
    cut = waveform.samples[first : first + round(span.seconds * native)]
    if rate != native:
        # Most models take sound as it is, and need not import PyAV for this.
        from embedder.audio.resampling import resampled

        cut = resampled(cut, from_rate=native, to_rate=rate)
    n_samples = round(span.seconds * rate)
    piece = np.zeros(n_samples, dtype=np.float32)
    piece[: len(cut)] = cut[:n_samples]
    return piece, min(len(cut), n_samples)
