"""Stretches of whole tracks, heard when a search is explained.

A model with one vector a track stores no vectors of stretches. So the files of a few tracks are
read once more, and a part of the model gives each three seconds a vector. What was heard is cached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedder.encoding.requests import TrackRequest
from embedder.encoding.stretches import StretchEncoder
from embedder.errors import AudioError, printable_path
from index.catalogue.records import Json, TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.model_folder import known_model_folder
from index.library_folder.open_library import OpenLibrary
from index.search.asked import QueryTrack
from index.search.stretches import best_stretches
from index.vectors.distances import Space

N_TRACKS = 5
"""Of the query tracks, and of the neighbours, the first so many are heard: it takes 0.4 s each."""
MAX_CACHED = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a track, as `--start` and `--seconds` name it; both None: the whole track."""

    start_seconds: float | None = None
    seconds: float | None = None


WHOLE = Part()
Key = tuple[str, float | None, float | None, Part]


class Listener:
    """Hears tracks for one open library."""

    def __init__(self, library: OpenLibrary) -> None:
        self._library = library
        self._cached: dict[Key, TrackExcerpts | None] = {}
        folder = known_model_folder(library.folder, library.catalogue, library.model)
        self._encoder = None if folder is None else StretchEncoder.beside(folder)

    def compared(
        self, likes: Sequence[QueryTrack], hits: Sequence[TrackRecord], part: Part = WHOLE
    ) -> dict[int, list[Json]]:
        """The stretches of the first few hits, by id, that match one of the first few likes.

        part: of the likes. A track whose file cannot be read is left out.
        """
        encoder = self._encoder
        if encoder is None:
            return {}
        space = Space(encoder.config.geometry, encoder.config.curvature)
        heard_likes = [
            (like.record, self._heard(encoder, like.record, part)) for like in likes[:N_TRACKS]
        ]
        return {
            hit.id: best_stretches(space, heard_likes, hit, self._heard(encoder, hit, WHOLE))
            for hit in hits[:N_TRACKS]
        }

    def _heard(
        self, encoder: StretchEncoder, track: TrackRecord, part: Part
    ) -> TrackExcerpts | None:
        key = (track.path, track.start_seconds, track.end_seconds, part)
        if key not in self._cached:
            if len(self._cached) >= MAX_CACHED:
                self._cached.clear()
            self._cached[key] = self._hear(encoder, track, part)
        return self._cached[key]

    def _hear(
        self, encoder: StretchEncoder, track: TrackRecord, part: Part
    ) -> TrackExcerpts | None:
        start = (track.start_seconds or 0.0) + (part.start_seconds or 0.0)
        seconds = part.seconds
        if seconds is None and track.end_seconds is not None:
            seconds = track.end_seconds - start
        try:
            encoding = encoder.encode(TrackRequest(Path(track.path), start or None, seconds))
        except AudioError as error:
            self._library.warn(
                f"{printable_path(track.path)}: {error.reason}. Its matching stretch is what the "
                "model stored when it was indexed."
            )
            return None
        starts = np.asarray(encoding.starts_seconds, dtype=np.float32)
        return TrackExcerpts(encoding.excerpt_vectors, starts, encoding.excerpt_seconds)
