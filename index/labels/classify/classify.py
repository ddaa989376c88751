"""Classify the tracks of a request by a model's own head.

Files need no library. A whole track of a library of the same model is classified by its stored
vectors; all other tracks are analysed in one batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.encoding.classifier import Classification, TrackClassifier
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import AudioError, BadInput, NotFound, UsageError, printable_path
from embedder.models.registry import find_model, list_models
from index.catalogue.records import Failure, TrackRecord
from index.indexing.tags import read_tags
from index.labels.classify.request import LEAST_WINDOW_SECONDS, ClassifyRequest
from index.labels.classify.results import ClassifiedTrack, ClassifiedWindow, ClassifyReport
from index.library_folder.open_library import OpenLibrary
from index.library_folder.places import places_of, tracks_at

OpenTheLibrary = Callable[[], OpenLibrary]
"""Opens the library when an id is met; raises NotFound if there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    record: TrackRecord
    request: TrackRequest
    excerpt_vectors: NDArray[np.float32] | None = None
    """float32 [excerpts, size], if the library has them; None: the file is to be analysed."""


def classify_tracks(
    request: ClassifyRequest,
    open_library: OpenTheLibrary,
    *,
    classifier: TrackClassifier | None = None,
    on_track: Callable[[int], None] | None = None,
) -> ClassifyReport:
    """The probabilities of each track, in order; tracks that cannot be read are listed.

    If the request names one track and it fails, its error is raised.
    """
    if classifier is None:
        folder = chosen_model(request.model, open_library)
        classifier = TrackClassifier.load(folder, field=request.field)
    asked: list[_Asked] = []
    failed: list[Failure] = []
    for text in request.tracks:
        try:
            asked += [
                _with_stored(track, request, classifier, open_library)
                for track in _asked(text, request, open_library)
            ]
        except BadInput as error:
            if len(request.tracks) == 1:
                raise
            reason = str(error).removeprefix(f"{printable_path(text)}: ")
            failed.append(Failure(text, reason))
    tracks: list[ClassifiedTrack] = []
    unknown = [track.request for track in asked if track.excerpt_vectors is None]
    results = classifier.encoder.encode_many(unknown) if unknown else iter(())
    for track in asked:
        if on_track is not None:
            on_track(1)
        if track.excerpt_vectors is not None:
            answer = classifier.of_excerpts(track.request.path, track.excerpt_vectors)
            tracks.append(_result(track, answer))
            continue
        encoding = next(results)
        if isinstance(encoding, EncodingFailure):
            if len(request.tracks) == len(asked) == 1:
                raise AudioError(encoding.path, encoding.reason)
            failed.append(Failure(str(encoding.path), encoding.reason))
            continue
        tracks.append(_classified(track, encoding, classifier, request.each_seconds))
    return ClassifyReport(
        model=classifier.model.name,
        field=classifier.field,
        labels=classifier.labels,
        n_calibration=classifier.calibration.n_tracks,
        origin=classifier.origin,
        tracks=tuple(tracks),
        failed=tuple(failed),
    )


def chosen_model(name: str, open_library: OpenTheLibrary) -> Path:
    """The model that is named; else the library's, if it has labels; else the only one that has."""
    if name:
        return find_model(name)
    from index.library_folder.model_folder import library_model_folder

    try:
        library = open_library()
        folder = library_model_folder(library.folder, library.catalogue, library.model)
    except (NotFound, BadInput):
        folder = None
    if folder is not None and _has_labels(folder):
        return folder
    able = [model for model in list_models() if _has_labels(model.folder)]
    if len(able) == 1:
        return able[0].folder
    if able:
        names = ", ".join(model.name for model in able)
        raise UsageError(f"several models have labels: {names}. Choose one with --model.")
    raise UsageError(
        "none of your models has labels of its own, the bundled model neither. Give --model and a "
        "model that you trained ('soundalike train' with labels or, for tags, an objective of kind "
        "'tagging'), or let neighbours in your library vote: 'soundalike label'."
    )


def _has_labels(folder: Path) -> bool:
    from embedder.errors import ArtefactError
    from embedder.models.card import read_card
    from embedder.models.own_heads import has_labels

    try:
        card = read_card(folder)
    except ArtefactError:
        return False
    return has_labels(folder, card)


def _asked(text: str, request: ClassifyRequest, open_library: OpenTheLibrary) -> list[_Asked]:
    is_id = text.isascii() and text.isdigit()
    path = Path(text)
    if path.is_dir():
        raise UsageError(
            f"{printable_path(text)}: a folder. Name files, or give - as the track "
            "and pipe the output of 'find FOLDER -type f' to the command."
        )
    if path.exists() and not is_id:
        records = _in_library(text, open_library) or [_outside(text)]
    else:
        records = _library_or_no_file(text, open_library, is_id=is_id).tracks_named(text)
    return [_part(record, request.start_seconds, request.seconds) for record in records]


def _with_stored(
    track: _Asked,
    request: ClassifyRequest,
    classifier: TrackClassifier,
    open_library: OpenTheLibrary,
) -> _Asked:
    """The track with the library's vectors of its excerpts, if they are enough for the request."""
    is_whole = request.start_seconds is request.seconds is request.each_seconds is None
    if not track.record.id or not is_whole or not classifier.answers_from_vectors:
        return track
    library = open_library()
    if library.model.fingerprint != classifier.model.fingerprint:
        return track
    excerpts = library.excerpts(track.record.id)
    return track if excerpts is None else replace(track, excerpt_vectors=excerpts.vectors)


def _library_or_no_file(text: str, open_library: OpenTheLibrary, *, is_id: bool) -> OpenLibrary:
    """The library that may know an id, or a path under another name."""
    try:
        return open_library()
    except NotFound:
        if is_id:
            raise
        raise NotFound(f"{printable_path(text)}: no such file.") from None


def _in_library(text: str, open_library: OpenTheLibrary) -> list[TrackRecord]:
    """The library's tracks of a file; none without a library, which a file does not need."""
    try:
        return tracks_at(open_library().catalogue, text)
    except BadInput:
        return []


def _outside(text: str) -> TrackRecord:
    path, *_ = places_of(text)
    tags = read_tags(path)
    return TrackRecord(
        0, str(path), tags.title, tags.artist, tags.album, tags.genre, tags.duration_seconds
    )


def _part(record: TrackRecord, start: float | None, seconds: float | None) -> _Asked:
    """The track, or the stretch of it that is asked for; a part of a file lies within the file."""
    first = start
    if record.start_seconds is not None:
        first = record.start_seconds + (start or 0.0)
        if seconds is None and record.end_seconds is not None:
            seconds = record.end_seconds - first
    return _Asked(record, TrackRequest(Path(record.path), first, seconds))


def _result(track: _Asked, answer: Classification) -> ClassifiedTrack:
    return ClassifiedTrack(track.record, answer.field, answer.kind, answer.probabilities)


def _classified(
    track: _Asked, encoding: TrackEncoding, classifier: TrackClassifier, each: float | None
) -> ClassifiedTrack:
    result = _result(track, classifier.of_encoding(encoding))
    if each is None:
        return result
    windows = _windows(track.request, encoding.duration_seconds, each)
    results = classifier.classify_many(windows)
    offset = track.record.start_seconds or 0.0
    return replace(
        result,
        windows=tuple(
            ClassifiedWindow(
                start_seconds=round((window.start_seconds or 0.0) - offset, 6),
                seconds=round(window.seconds or 0.0, 6),
                probabilities={} if isinstance(part, EncodingFailure) else part.probabilities,
                reason=part.reason if isinstance(part, EncodingFailure) else "",
            )
            for window, part in zip(windows, results, strict=True)
        ),
    )


def _windows(request: TrackRequest, duration_seconds: float, each: float) -> Sequence[TrackRequest]:
    """Stretches of a track, one after another. The last may be shorter, down to half a second."""
    start = request.start_seconds or 0.0
    end = duration_seconds if request.seconds is None else start + request.seconds
    end = min(end, duration_seconds)
    windows: list[TrackRequest] = []
    number = 0
    while (first := start + number * each) < end:
        length = min(each, end - first)
        if length >= LEAST_WINDOW_SECONDS or not windows:
            windows.append(TrackRequest(request.path, first, length))
        number += 1
    return windows
