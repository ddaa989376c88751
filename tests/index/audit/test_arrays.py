"""Audits of stored arrays of any scale, some of them with faults."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.audit.audit import AuditSettings, audit
from index.audit.results import Audit
from index.evaluate.subjects import open_subject
from tests.index.audit.audit_pictures import copy_of, findings_of, music

Arrays = NDArray[np.generic]


def audited(folder: Path, arrays: Arrays, *, kind: str, **others: NDArray[np.generic]) -> Audit:
    """The audit of a data set of these arrays; tracks are p0, p1 …"""
    names = [f"p{number}" for number in range(len(arrays))]
    members = {kind: arrays, "track": np.array(names), **others}
    np.savez(folder / f"{kind}s.npz", **members)
    (folder / "tracks.csv").write_text("track,genre\n" + "".join(f"{n},jazz\n" for n in names))
    return audit(open_subject(folder), settings=AuditSettings()).audit


def pictures() -> NDArray[np.float32]:
    """Thirty arrays, of which p7 repeats p3, p9 is silent, and p11 is constant."""
    levels = np.stack([music(seed) for seed in range(30)])
    levels[7], levels[9], levels[11] = copy_of(levels[3], seed=1), 0.0, 0.5
    return levels


@pytest.mark.parametrize(
    "stored",
    [
        lambda levels: np.round(255 * levels).astype(np.uint8),
        lambda levels: levels.astype(np.float16),
        lambda levels: (80 * levels - 80).astype(np.float32),
        lambda levels: 1000 * levels,
    ],
    ids=["bytes", "shares", "decibels", "magnitudes"],
)
def test_levels_may_be_of_any_scale(
    tmp_path: Path, stored: Callable[[NDArray[np.float32]], Arrays]
) -> None:
    """Decibels below zero are no silence."""
    findings = audited(tmp_path, stored(pictures()), kind="spectrogram").findings
    assert findings_of("near-duplicate", findings) == [{"p3", "p7"}]
    assert findings_of("silent", findings) == [{"p9"}]
    assert findings_of("constant", findings) == [{"p11"}]


def test_values_that_are_no_numbers_are_unreadable(tmp_path: Path) -> None:
    """Only that track is reported as unreadable; the others are audited."""
    levels = pictures()
    levels[5, 3, 4] = np.nan
    report = audited(tmp_path, levels, kind="spectrogram")
    assert findings_of("unreadable", report.findings) == [{"p5"}]
    assert findings_of("near-duplicate", report.findings) == [{"p3", "p7"}]
    assert report.counts()["unreadable"] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_stored_sound_is_heard_as_files_are(tmp_path: Path, dtype: type[np.generic]) -> None:
    """Silence and clipping are found, and what only files have is not said to be looked for."""
    generator = np.random.default_rng(0)
    sounds = 0.2 * generator.uniform(-1, 1, (6, 3 * 11025))
    sounds[2], sounds[4] = 0.0, np.clip(10 * sounds[4], -1, 1)
    stored = sounds if dtype is np.float32 else 32767 * sounds
    rate = np.array(11025)
    report = audited(tmp_path, stored.astype(dtype), kind="waveform", sample_rate=rate)
    assert findings_of("silent", report.findings) == [{"p2"}]
    assert findings_of("clipped", report.findings) == [{"p4"}]
    assert "truncated" not in report.counts()
