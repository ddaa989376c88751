"""Whether a library is what was written: every row, setting and file of it, read in full."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from embedder.encoding.requests import EncodingFailure, TrackRequest
from embedder.errors import SoundalikeError, printable_path
from index.catalogue.ledger import PREVIOUS_MODEL
from index.catalogue.records import TrackRecord
from index.catalogue.track_checksums import track_problems
from index.catalogue.types import type_problems
from index.library_folder.encoder import Encoder
from index.library_folder.library_scores import scores_in
from index.library_folder.manifest import manifest_of, read_manifest
from index.library_folder.model_notes import notes_in, random_pairs_in
from index.library_folder.open_library import OpenLibrary
from index.library_folder.scoring import correction_in
from index.library_folder.vector_cache import StoreCache

N_ANALYSED_AGAIN = 20
LOWEST_COSINE = 0.999
"""Between a stored vector and the same file's vector today; devices differ by less."""


def verify(library: OpenLibrary) -> list[str]:
    """What is wrong with the library, in sentences; empty if all is well."""
    problems = _sentences(library.catalogue.database.check)
    if problems:
        return problems  # what a damaged database says further is anything
    checks: tuple[Callable[[], Iterable[str]], ...] = (
        lambda: type_problems(library.catalogue.database),
        lambda: track_problems(library.catalogue.database),
        lambda: _setting_problems(library),
        lambda: _row_problems(library),
        library.catalogue.words.problems,
        lambda: _store_problems(library),
        lambda: _manifest_problems(library),
    )
    for check in checks:
        problems += [text for text in _sentences(check) if text not in problems]
    return problems


def verify_by_analysis(
    library: OpenLibrary, *, encoder: Encoder | None = None, n_tracks: int = N_ANALYSED_AGAIN
) -> list[str]:
    """Analyse some files again; the tracks whose stored vectors are other ones, in sentences.

    Files that are missing or were changed since they were indexed are left out.
    """
    model, vectors = library.model, library.catalogue.vectors
    tracks = _sampled(library, n_tracks)
    problems = []
    results = (encoder or library.encoder).encode_many(
        [_request(track) for track in tracks], ordered=True
    )
    for track, result in zip(tracks, results, strict=True):
        what = f"track {track.id}, {printable_path(track.path)}"
        if isinstance(result, EncodingFailure):
            problems.append(f"{what}: can no longer be analysed ({result.reason}).")
            continue
        stored = vectors.vector(model.id, track.id, size=model.embedding_size)
        lengths = float(np.linalg.norm(stored) * np.linalg.norm(result.vector))
        cosine = float(stored @ result.vector) / max(lengths, 1e-30)
        if not cosine >= LOWEST_COSINE:
            problems.append(
                f"{what}: analysed again, its vector differs (cosine {cosine:.4f}). 'soundalike "
                f"library remove {track.id}', then 'soundalike index' with its folder, mends it."
            )
    return problems


def _sentences(check: Callable[[], Iterable[str]]) -> list[str]:
    """What a check finds; damage that ends the check is a finding too."""
    sentences: list[str] = []
    try:
        sentences += check()
    except SoundalikeError as error:
        sentences.append(str(error))
    return sentences


def _setting_problems(library: OpenLibrary) -> Iterator[str]:
    readers: tuple[Callable[[], object], ...] = (
        lambda: library.store_settings,
        lambda: notes_in(library.catalogue, library.model),
        lambda: correction_in(library.catalogue),
        lambda: random_pairs_in(library.catalogue),
        lambda: scores_in(library.catalogue),
    )
    for read in readers:
        try:
            read()
        except SoundalikeError as error:
            yield str(error)


def _row_problems(library: OpenLibrary) -> list[str]:
    model = library.model
    library.catalogue.revisions.current()  # raises if the history is missing
    for _ in library.all_tracks():
        pass  # a row that is no track raises
    return library.catalogue.vectors.problems(model.id, size=model.embedding_size)


def _store_problems(library: OpenLibrary) -> list[str]:
    cache = StoreCache(library.folder, library.catalogue, settings=library.store_settings)
    return cache.problems(library.model, library.space)


def _manifest_problems(library: OpenLibrary) -> Iterator[str]:
    """None if the manifest names the model before: a run that was killed had no time to write it.

    Searches do not read the model there, and the next command that writes writes it too.
    """
    manifest, expected = read_manifest(library.folder), manifest_of(library.model)
    is_behind = manifest.fingerprint == library.catalogue.setting(PREVIOUS_MODEL)
    if is_behind or manifest == expected:
        return
    problem = (
        f"names the model {manifest.fingerprint}, the catalogue {expected.fingerprint}"
        if manifest.fingerprint != expected.fingerprint
        else "has other values for the model than the catalogue"
    )
    yield f"library.json {problem}. Any run of 'soundalike index' writes it anew."


def _sampled(library: OpenLibrary, n_tracks: int) -> Sequence[TrackRecord]:
    """Tracks whose files are as they were when they were indexed, spread over the library."""
    states = library.catalogue.file_states()
    ids = np.array(sorted(states), dtype=np.int64)
    order = np.random.default_rng(0).permutation(ids)
    chosen: list[TrackRecord] = []
    for track in library.tracks(order):
        if len(chosen) == n_tracks:
            break
        try:
            stat = Path(track.path).stat()
        except OSError:
            continue
        if states[track.id] == (stat.st_size, stat.st_mtime_ns):
            chosen.append(track)
    return chosen


def _request(track: TrackRecord) -> TrackRequest:
    path, start, end = Path(track.path), track.start_seconds, track.end_seconds
    if start is None:
        return TrackRequest(path)
    return TrackRequest(path, start, None if end is None else end - start)
