"""Files that could not be analysed: kept with their reason, and tried again."""

from pathlib import Path

from index.library import Library
from tests.index.indexing.index_runs import counts, index
from tests.index.toy_encoder import write_wav


def test_failures_are_kept_and_retried_when_asked(library: Library, music: Path) -> None:
    """A broken file is listed with its reason each time, and tried again only when asked."""
    broken = write_wav(music / "broken.wav", 1, n_samples=0)
    report, _ = index(library, music)
    assert report.added == 6
    assert [(f.path, f.reason, f.is_known) for f in report.failed] == [
        (str(broken), "no samples", False)
    ]
    report, encoder = index(library, music)
    assert [f.is_known for f in report.failed] == [True]
    assert encoder.analysed_paths == []
    report, encoder = index(library, music, retry_failed=True)
    assert [f.is_known for f in report.failed] == [False]
    assert encoder.analysed_paths == [broken]
    assert [f.path for f in library.failures()] == [str(broken)]


def test_a_mended_file_is_tried_again(library: Library, music: Path) -> None:
    """A failure is forgotten when the file changes and is fine."""
    broken = write_wav(music / "broken.wav", 1, n_samples=0)
    index(library, music)
    write_wav(broken, 50)
    report, _ = index(library, music)
    assert counts(report) == {"added": 1, "unchanged": 6}
    assert (report.failed, library.failures()) == ((), [])


def test_a_failure_goes_with_its_file(library: Library, music: Path) -> None:
    """A broken file that was deleted is no failure any more."""
    broken = write_wav(music / "broken.wav", 1, n_samples=0)
    index(library, music)
    broken.unlink()
    report, _ = index(library, music)
    assert (report.failed, library.failures()) == ((), [])
