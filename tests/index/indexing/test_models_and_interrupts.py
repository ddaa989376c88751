"""Another model, an interrupted run, two processes at once: the library stays whole."""

import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import FingerprintMismatch, LibraryBusy
from index.library import Library
from index.library_folder.lock import writing
from tests.index.indexing.index_runs import counts, ids_by_name, index
from tests.index.toy_encoder import ToyEncoder, write_wav


def test_another_model_is_refused_with_both_fingerprints(library: Library, music: Path) -> None:
    """Vectors of two models cannot be compared, so they never mix."""
    index(library, music)
    with pytest.raises(FingerprintMismatch, match=r"toy-fingerprint.*other-fingerprint"):
        index(library, music, ToyEncoder("other"))


def test_migrating_gives_every_track_the_new_models_vector(library: Library, music: Path) -> None:
    """After a migration the library is as if it had been indexed with the new model."""
    index(library, music)
    ids = ids_by_name(library)
    encoder = ToyEncoder("other", size=12)
    report = library.index([music], encoder=encoder, migrate=True)
    assert counts(report) == {"updated": 6}
    assert library.model.fingerprint == "other-fingerprint"
    assert ids_by_name(library) == ids
    assert library.vectors(library.store.ids()).shape == (6, 12)
    assert json.loads((library.folder / "library.json").read_text())["embedding_size"] == 12


def test_an_interrupted_migration_leaves_the_old_vectors(library: Library, music: Path) -> None:
    """Until the new vectors are complete the old ones are searched; a second try goes on."""
    index(library, music)

    class Interrupted(ToyEncoder):
        def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]  # as the encoder has it
            for number, result in enumerate(super().encode_many(paths, **options)):
                if number == 4:
                    raise KeyboardInterrupt
                yield result

    with pytest.raises(KeyboardInterrupt):
        library.index([music], encoder=Interrupted("other"), migrate=True)
    assert library.model.fingerprint == "toy-fingerprint"
    assert len(library) == 6
    encoder = ToyEncoder("other")
    library.index([music], encoder=encoder, migrate=True)
    assert len(encoder.analysed_paths) == 2
    assert library.model.fingerprint == "other-fingerprint"


def test_an_interrupted_run_goes_on(library: Library, music: Path) -> None:
    """Vectors from before an interrupt are kept and not encoded again."""

    class Interrupted(ToyEncoder):
        def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]  # as the encoder has it
            for number, result in enumerate(super().encode_many(paths, **options)):
                if number == 3:
                    raise KeyboardInterrupt
                yield result

    with pytest.raises(KeyboardInterrupt):
        index(library, music, Interrupted())
    assert len(library) == 3
    report, encoder = index(library, music)
    assert (report.added, len(encoder.analysed_paths)) == (3, 3)
    assert report.unchanged == 3


def test_two_writers_at_once_are_refused(library: Library, music: Path) -> None:
    """The error names the process that writes; readers are not disturbed."""
    index(library, music)
    reader = Library.open(library.folder)
    with writing(library.folder):
        with pytest.raises(LibraryBusy, match=f"process {os.getpid()} is writing"):
            index(library, music)
        assert len(reader) == 6


def test_a_reader_sees_a_consistent_library_while_it_is_written(
    library: Library, music: Path
) -> None:
    """During an index run the old tracks stay searchable."""
    index(library, music)
    write_wav(music / "new.wav", 77)
    seen: list[int] = []

    class Watching(ToyEncoder):
        def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]  # as the encoder has it
            with Library.open(library.folder) as reader:
                seen.append(len(reader))
            yield from super().encode_many(paths, **options)

    index(library, music, Watching())
    assert seen[0] == 6
    assert len(library) == 7


def test_only_the_catalogue_counts(library: Library, music: Path) -> None:
    """The whole library can be made anew from its catalogue."""
    index(library, music)
    ids = library.store.ids()
    before = library.nearest(library.vectors(ids), 6)
    library.close()
    (library.folder / "vectors.faiss").unlink()
    after = library.nearest(library.vectors(ids), 6)
    np.testing.assert_array_equal(after[1], before[1])
    assert sqlite3.connect(library.folder / "catalogue.sqlite").execute(
        "PRAGMA integrity_check"
    ).fetchone() == ("ok",)
