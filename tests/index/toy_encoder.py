"""An encoder without a network: a file's vector depends only on its audio digest.

It replaces the real encoder in tests of the library, so that these tests need no torch. Files are
small WAVs; a file without samples fails as a broken file does.
"""

import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from embedder.audio.digest import audio_digest
from embedder.config.model import GeometryKind, ModelConfig
from embedder.encoding.loading import measure_track
from embedder.encoding.requests import (
    EncodingFailure,
    EncodingResult,
    MeasuringResult,
    TrackEncoding,
    TrackMeasures,
    TrackRequest,
    as_requests,
)
from embedder.errors import AudioError
from embedder.features.measuring.measurers import current_versions
from embedder.features.measuring.records import Measured, Values

N_EXCERPTS = 3


class ToyEncoder:
    """Deterministic vectors of a few numbers. `analysed_paths` lists the files, in order.

    With `measures`, the sound of the files is measured; otherwise the records are empty.
    """

    def __init__(
        self,
        name: str = "toy",
        *,
        size: int = 8,
        geometry: GeometryKind = "cosine",
        log: Path | None = None,
        measures: bool = False,
        unmeasurable: str = "",
    ) -> None:
        self.fingerprint = f"{name}-fingerprint"
        self.embedding_size = size
        self.config = ModelConfig(embedding_size=size, geometry=geometry)
        self.analysed_paths: list[Path] = []
        self.measured_paths: list[Path] = []
        self._log = log
        self._measures = measures
        self._unmeasurable = unmeasurable

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        for request in as_requests(paths):
            self.analysed_paths.append(request.path)
            if self._log is not None:
                with self._log.open("a") as file:
                    file.write(f"{request.path}\n")
            yield self._encode(request)

    def measure_many(
        self, requests: Iterable[TrackRequest], *, workers: int | None = None
    ) -> Iterator[MeasuringResult]:
        for request in requests:
            self.measured_paths.append(request.path)
            if request.path.name == self._unmeasurable:
                yield EncodingFailure(request.path, "no sound")
            else:
                yield TrackMeasures(request.path, self._measured(request))

    def _measured(self, request: TrackRequest) -> tuple[Measured, ...]:
        if self._measures:
            return measure_track(request).measured
        versions = current_versions()  # so that no later run measures the track
        return tuple(Measured(name, versions[name], Values()) for name in request.measurers)

    def _encode(self, request: TrackRequest) -> EncodingResult:
        try:
            digest = audio_digest(request.path)
            with wave.open(str(request.path)) as file:
                n_frames, rate = file.getnframes(), file.getframerate()
        except AudioError as error:
            return EncodingFailure.of(request.path, error)
        except (wave.Error, EOFError, OSError) as error:
            return EncodingFailure(request.path, f"broken: {error}")
        if not n_frames:
            return EncodingFailure(request.path, "no samples")
        start = request.start_seconds or 0.0
        seed = [*digest, *self.fingerprint.encode(), int(start * 1000)]
        excerpts = np.random.default_rng(seed).standard_normal(
            (N_EXCERPTS, self.embedding_size), dtype=np.float32
        )
        if self.config.geometry == "cosine":
            excerpts /= np.linalg.norm(excerpts, axis=1, keepdims=True)
        elif self.config.geometry == "poincare":
            excerpts *= 0.1
        vector = excerpts.mean(axis=0)
        if self.config.geometry == "cosine":
            vector /= np.linalg.norm(vector)
        return TrackEncoding(
            path=request.path,
            vector=vector,
            excerpt_vectors=excerpts,
            starts_seconds=(0.0, 0.5, 1.0),
            excerpt_seconds=0.5,
            duration_seconds=n_frames / rate,
            measured=self._measured(request),
        )


def write_wav(path: Path, seed: int, *, n_samples: int = 64) -> Path:
    """Write a small WAV with seeded samples."""
    samples = np.random.default_rng(seed).integers(-9000, 9000, n_samples).astype("<i2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


def tag_wav(path: Path, **tags: str) -> None:
    """Write title, artist, album and genre into a WAV."""
    from mutagen.id3 import TALB, TCON, TIT2, TPE1
    from mutagen.wave import WAVE

    frames = {"title": TIT2, "artist": TPE1, "album": TALB, "genre": TCON}
    audio = WAVE(path)
    if audio.tags is None:
        audio.add_tags()
    for name, text in tags.items():
        audio.tags.setall(frames[name].__name__, [frames[name](encoding=3, text=text)])
    audio.save()
