"""Files that could not be analysed: kept with their reason, and tried again."""

from pathlib import Path

import pytest

from embedder.audio.digest import audio_digest
from embedder.errors import OutOfReach
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


def test_a_file_that_was_out_of_reach_is_tried_again(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing permission or a failing disk says nothing about the file: the next run reads it."""
    late = write_wav(music / "late.wav", 60)

    def out_of_reach(path: Path) -> bytes:
        if path == late:
            raise OutOfReach(path, "no permission to read it")
        return audio_digest(path)

    with monkeypatch.context() as patch:
        patch.setattr("index.indexing.identify.audio_digest", out_of_reach)
        report, _ = index(library, music)
        assert [failure.path for failure in report.failed] == [str(late)]
        assert [failure.reason for failure in library.failures()] == ["no permission to read it"]
        report, _ = index(library, music)
        assert [failure.is_known for failure in report.failed] == [False]
    report, _ = index(library, music)
    assert counts(report) == {"added": 1, "unchanged": 6}
    assert library.failures() == []
