"""A clock that is wrong, or goes back: what changed is told by difference, not by order."""

import os
import time
from pathlib import Path

import pytest

from index.library import Library
from tests.index.indexing.index_runs import counts, index
from tests.index.toy_encoder import write_wav

CENTURY = 100 * 365 * 86_400
DATES = (0, 1, -CENTURY, CENTURY, 4 * CENTURY)
"""Seconds from now."""


def date(path: Path, seconds: float) -> None:
    """Give a file a time of change."""
    os.utime(path, (time.time() + seconds, time.time() + seconds))


def test_files_from_the_future_are_indexed_once(library: Library, music: Path) -> None:
    """Any date is a date: such files are unchanged in the next run."""
    for path, seconds in zip(sorted(music.rglob("*.wav")), DATES, strict=False):
        date(path, seconds)
    assert counts(index(library, music)[0]) == {"added": 6}
    report, encoder = index(library, music)
    assert counts(report) == {"unchanged": 6}
    assert encoder.analysed_paths == []


@pytest.mark.parametrize("seconds", [-CENTURY, -3600, -1, CENTURY])
def test_a_file_with_an_older_date_has_changed(
    library: Library, music: Path, seconds: float
) -> None:
    """A file that was replaced after the clock had gone back is analysed again."""
    path = music / "album 0" / "0.wav"
    index(library, music)
    write_wav(path, 77)
    date(path, seconds)
    report, encoder = index(library, music)
    assert counts(report) == {"updated": 1, "unchanged": 5}
    assert [Path(analysed).name for analysed in encoder.analysed_paths] == ["0.wav"]


def test_a_clock_that_goes_back_between_and_during_runs_changes_nothing(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors, revisions and the store stay right when each look at the clock is earlier."""
    index(library, music)
    before = library.catalogue.revisions.current()
    now = [time.time()]

    def backwards() -> float:
        now[0] -= 3600.0
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    write_wav(music / "album 0" / "new.wav", 78)
    (music / "album 1" / "5.wav").unlink()
    assert counts(index(library, music)[0]) == {
        "added": 1,
        "unchanged": 5,
        "removed": 1,
        "gone": 1,
    }
    after = library.catalogue.revisions.current()
    assert after.revision > before.revision
    assert after.token != before.token
    assert library.verify() == []
    with Library.open(library.folder) as opened:
        assert opened.store.ids().tolist() == library.store.ids().tolist()
        assert len(opened.store.ids()) == 6
