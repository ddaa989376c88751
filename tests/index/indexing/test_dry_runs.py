"""A dry run forecasts what a run does, and changes nothing."""

from pathlib import Path

from index.indexing.request import IndexOptions
from index.library import Library
from index.library_folder.lock import writing
from tests.index.indexing.index_runs import counts, index
from tests.index.toy_encoder import ToyEncoder, write_wav


def test_a_dry_run_changes_nothing(library: Library, music: Path) -> None:
    """A dry run forecasts, encodes nothing, and changes nothing for the next run."""
    index(library, music)
    write_wav(music / "new.wav", 70)
    (music / "album 0" / "0.wav").unlink()
    report, encoder = index(library, music, dry_run=True)
    assert counts(report) == {"added": 1, "removed": 1, "gone": 1, "unchanged": 5}
    assert (report.is_dry_run, encoder.analysed_paths) == (True, [])
    assert len(library) == 6


def test_a_dry_run_with_another_model_foresees_the_migration(library: Library, music: Path) -> None:
    """Every track would get a new vector, as the real run then reports."""
    index(library, music)
    write_wav(music / "new.wav", 70)
    options = IndexOptions(dry_run=True)
    foreseen = library.index([music], encoder=ToyEncoder("b"), options=options, migrate=True)
    assert library.catalogue.find_model("b-fingerprint") is None, "a dry run writes no row"
    done = library.index([music], encoder=ToyEncoder("b"), migrate=True)
    assert counts(foreseen) == counts(done) == {"added": 1, "updated": 6}


def test_a_dry_run_needs_no_lock(library: Library, music: Path) -> None:
    """It reads beside a process that is writing."""
    index(library, music)
    with writing(library.folder):
        assert counts(index(library, music, dry_run=True)[0]) == {"unchanged": 6}


def test_a_dry_run_counts_what_an_earlier_run_left_undone(library: Library, music: Path) -> None:
    """A known track without a vector would be added, not left unchanged."""
    index(library, music)
    with library.writing() as catalogue:
        catalogue.vectors.drop([1])
    assert counts(index(library, music, dry_run=True)[0]) == {"added": 1, "unchanged": 5}
    assert counts(index(library, music)[0]) == {"added": 1, "unchanged": 5}


def test_a_dry_run_foresees_what_prune_forgets(library: Library, music: Path) -> None:
    """Tracks that were gone before are counted too."""
    index(library, music)
    (music / "album 0" / "0.wav").unlink()
    index(library, music)
    foreseen, _ = index(library, music, prune=True, dry_run=True)
    report, _ = index(library, music, prune=True)
    assert counts(foreseen) == counts(report) == {"unchanged": 5, "removed": 1}
