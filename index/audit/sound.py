"""Technical faults of each track, and its picture and fingerprint for the search for repeats.

Each file is decoded to its end for faults and picture, and its middle once more for the
fingerprint, in a child process. Arrays hold pictures (spectrograms) or sound (waveforms).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.audio.decoders import Decoders
from embedder.audio.inspecting import Inspection, inspect_audio, inspect_samples
from embedder.config.model import FrontEndConfig
from embedder.datasets.dataset import Dataset
from embedder.encoding.loading import measure_track
from embedder.encoding.requests import TrackRequest
from embedder.encoding.threads import map_in_threads
from embedder.errors import AudioError
from embedder.features.building import build_front_end
from embedder.features.front_end import FrontEnd
from embedder.features.measuring.fingerprint import NAME as FINGERPRINT
from index.audit.alignment import Picture, pooled_rows
from index.audit.results import Certainty, Finding
from index.evaluate.copies import SoundPrint, print_in

OnProgress = Callable[[int, int], None]

PICTURE = FrontEndConfig(sample_rate=11025, fft_size=4096, hop_samples=2048, n_bins=32)
"""5.4 overlapping columns a second, so that two copies may start at different samples."""
MOST_COLUMNS = 1024
"""190 seconds; of a longer track, only the beginning."""
KEPT_SECONDS = 1 + MOST_COLUMNS * PICTURE.hop_samples / PICTURE.sample_rate

SILENT_PEAK = 1e-4
MOSTLY_QUIET = 0.5
CLIPPED_SHARE = 0.001
LOST_SECONDS = 0.2
"""Encoder padding and rounding in headers stay below a tenth of a second."""
ONE_CHANNEL = 1e-3
"""-60 dB: a smaller difference of two channels is rounding."""
NARROW_STEREO, NARROW_BASS = 0.05, 0.01
"""Encoders make two equal channels differ, mostly in the treble: FFmpeg's AAC at 64 kbit/s by
0.043, and by 0.008 without the treble. The narrowest of 23 stereo tracks of FMA has 0.054 and
0.047.
"""
CANCELLING = 4.0
"""The difference is 12 dB above the sum; the widest of the same tracks has 0.9."""
CONSTANT_DEVIATION = 0.01
"""As a share of a picture's full range."""

OF_FILES = (
    *("unreadable", "silent", "clipped", "truncated", "damaged"),
    *("mono-as-stereo", "one-sided", "cancelling"),
)
OF_WAVEFORMS = ("unreadable", "silent", "clipped")
OF_PICTURES = ("unreadable", "silent", "constant")
NO_NUMBERS = "it holds values that are not finite"
SHORTEST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class AnalysedTracks:
    """pictures: one per track, None if it cannot be decoded."""

    pictures: tuple[Picture | None, ...]
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    prints: Mapping[int, SoundPrint] = field(default_factory=dict)
    """The fingerprints of files, by position."""


def analyse_tracks(
    dataset: Dataset, *, workers: int = 1, on_progress: OnProgress | None = None
) -> AnalysedTracks:
    """Every track's picture, and the faults of its sound."""
    if dataset.store is not None and dataset.store.kind == "spectrograms":
        return _pictures(dataset)
    pictures: list[Picture | None] = []
    findings: list[Finding] = []
    prints: dict[int, SoundPrint] = {}
    with Decoders() as decoders:
        analyse = _Analysis(dataset, decoders)
        results = map_in_threads(analyse, range(len(dataset.rows)), workers=max(1, workers))
        for position, (picture, track_findings, sound_print) in enumerate(results):
            pictures.append(picture)
            findings += track_findings
            prints |= {position: sound_print} if sound_print is not None else {}
            if on_progress is not None:
                on_progress(position + 1, len(dataset.rows))
    is_stored = dataset.store is not None
    checked = OF_WAVEFORMS if is_stored else OF_FILES
    return AnalysedTracks(tuple(pictures), tuple(findings), checked, prints)


def judge_sound(key: str, inspection: Inspection) -> list[Finding]:
    """The faults that the measurements of a file show."""
    findings = []

    def add(kind: str, why: str, certainty: Certainty = "certain", **evidence: float) -> None:
        findings.append(Finding(kind, (key,), why, certainty, evidence))

    if inspection.peak < SILENT_PEAK:
        add("silent", "no sample is above -80 dB", peak=inspection.peak)
        return findings
    if inspection.found_seconds < SHORTEST_SECONDS:
        why = f"{1000 * inspection.found_seconds:.1f} ms are too short to be heard"
        add("silent", why, found_seconds=inspection.found_seconds)
        return findings
    if inspection.quiet_share > MOSTLY_QUIET:
        share = inspection.quiet_share
        add("silent", f"{share:.0%} of it is silence", quiet_share=share)
    if inspection.clipped_share > CLIPPED_SHARE:
        share = inspection.clipped_share
        add("clipped", f"{share:.1%} of its samples are at full scale", clipped_share=share)
    said, length = inspection.said_seconds, inspection.found_seconds
    if said is not None and said - length > LOST_SECONDS:
        why = f"its header says {said:.1f} s, but it ends after {length:.1f} s"
        add("truncated", why, said_seconds=said, found_seconds=length)
    elif inspection.lacks_end:
        why = f"ends after {length:.1f} s without an end marker"
        add("truncated", why, found_seconds=length)
    n_damaged = inspection.damaged_parts
    if n_damaged:
        add("damaged", f"{n_damaged} parts cannot be decoded", parts=n_damaged)
    if inspection.n_channels == 2:
        _judge_stereo(inspection, add)
    return findings


def _judge_stereo(inspection: Inspection, add: Callable[..., None]) -> None:
    side, low = inspection.side_level, inspection.low_side_level
    if inspection.quieter_channel_level < ONE_CHANNEL:
        add("one-sided", "one of its channels is silent", level=inspection.quieter_channel_level)
    elif side < ONE_CHANNEL:
        add("mono-as-stereo", "both channels are the same", side_level=side)
    elif side < NARROW_STEREO and low < NARROW_BASS:
        why = f"its channels differ by {_decibels(side)} dB, and by {_decibels(low)} without treble"
        add("mono-as-stereo", why, "likely", side_level=side, low_side_level=low)
    elif side > CANCELLING:
        why = "one channel is the other inverted: little or nothing is left when mixed to mono"
        add("cancelling", why, middle_level=1 / side)


def _decibels(level: float) -> int:
    return round(20 * math.log10(max(level, 1e-6)))


_Analysed = tuple[Picture | None, list[Finding], SoundPrint | None]


class _Analysis:
    """Maps a position to the track's picture, findings and fingerprint."""

    def __init__(self, dataset: Dataset, decoders: Decoders) -> None:
        self._dataset = dataset
        self._decoders = decoders
        self._front_end = build_front_end(PICTURE).eval()

    def __call__(self, position: int) -> _Analysed:
        row = self._dataset.rows[position]
        if row.path is None and row.array_row is None:
            return None, [], None  # a part of a file
        if row.path is None:
            return *self._of_array(position), None
        try:
            inspection = self._decoders.run(
                row.path,
                inspect_audio,
                row.path,
                sample_rate=PICTURE.sample_rate,
                kept_seconds=KEPT_SECONDS,
            )
        except AudioError as error:
            return None, [Finding("unreadable", (row.key,), error.reason)], None
        except OSError as error:
            reason = error.strerror or str(error)
            return None, [Finding("unreadable", (row.key,), reason)], None
        picture, findings = self._judged(row.key, inspection)
        sound_print = None if picture is None else self._print(row.path, inspection.found_seconds)
        return picture, findings, sound_print

    def _print(self, path: Path, seconds: float) -> SoundPrint | None:
        request = TrackRequest(path, measurers=(FINGERPRINT,))
        try:
            return print_in(self._decoders.run(path, measure_track, request).measured, seconds)
        except (AudioError, OSError):  # a middle that cannot be decoded; the file was judged above
            return None

    def _of_array(self, position: int) -> tuple[Picture | None, list[Finding]]:
        key = self._dataset.rows[position].key
        samples = np.asarray(self._dataset.arrays[position])
        if np.issubdtype(samples.dtype, np.integer):
            samples = samples / -float(np.iinfo(samples.dtype).min)
        elif not np.isfinite(samples).all():
            return None, [Finding("unreadable", (key,), NO_NUMBERS)]
        store = self._dataset.store
        rate = (store.sample_rate if store is not None else 0) or PICTURE.sample_rate
        return self._judged(key, inspect_samples(samples.astype(np.float32), rate))

    def _judged(self, key: str, inspection: Inspection) -> tuple[Picture | None, list[Finding]]:
        findings = judge_sound(key, inspection)
        if inspection.peak < SILENT_PEAK or inspection.found_seconds < SHORTEST_SECONDS:
            return None, findings
        waveform = inspection.waveform
        picture = picture_of(
            waveform.samples, sample_rate=waveform.sample_rate, front_end=self._front_end
        )
        return picture, findings


def picture_of(
    samples: NDArray[np.float32],
    *,
    front_end: FrontEnd,
    sample_rate: int = PICTURE.sample_rate,
) -> Picture:
    """A picture of sound [samples], at most `MOST_COLUMNS` wide."""
    most = MOST_COLUMNS * PICTURE.hop_samples * sample_rate // PICTURE.sample_rate
    with torch.inference_mode():
        levels = front_end.levels(torch.from_numpy(samples[None, :most]), sample_rate)
    return np.asarray(levels[0].numpy(), dtype=np.float32)


def _pictures(dataset: Dataset) -> AnalysedTracks:
    arrays = dataset.arrays
    lowest, highest = _range_of(arrays)
    pictures: list[Picture | None] = []
    findings = []
    for row, array in zip(dataset.rows, arrays, strict=True):
        if not np.isfinite(array).all():
            findings.append(Finding("unreadable", (row.key,), NO_NUMBERS))
            pictures.append(None)
            continue
        levels = np.asarray(array, dtype=np.float32) - lowest
        picture = pooled_rows(levels, full_scale=highest - lowest)
        deviation = float(np.sqrt(np.square(picture - picture.mean(axis=1, keepdims=True)).mean()))
        is_silent = float(levels.max()) <= 0
        if is_silent:
            findings.append(Finding("silent", (row.key,), "nothing but the lowest level"))
        elif deviation < CONSTANT_DEVIATION:
            why = f"no row changes by more than {deviation:.2%} of the full range"
            findings.append(Finding("constant", (row.key,), why, evidence={"deviation": deviation}))
        pictures.append(None if is_silent else picture)
    return AnalysedTracks(tuple(pictures), tuple(findings), OF_PICTURES)


def _range_of(arrays: NDArray[np.generic]) -> tuple[float, float]:
    """The lowest and highest level of pictures: the full range for bytes and for values of 0…1,
    otherwise (decibels, magnitudes) the extremes of the values.
    """
    if arrays.dtype == np.uint8:
        return 0.0, 255.0
    lowest, highest = 0.0, 1.0
    for array in arrays:
        numbers = array[np.isfinite(array)]
        lowest = min(lowest, float(numbers.min(initial=0.0)))
        highest = max(highest, float(numbers.max(initial=0.0)))
    if lowest < 0:
        highest = max(float(array[np.isfinite(array)].max(initial=lowest)) for array in arrays)
    return lowest, max(highest, lowest + 1e-6)
