"""The search for repeats: copies fit at one offset, and nothing else fits anywhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.audit.alignment import Aligner, pooled_rows
from index.audit.audit import AuditSettings, audit
from index.audit.repeats import exact_repeats, near_repeats, same_titles, with_repeats
from index.evaluate.subjects import open_subject
from tests.embedder.small_sets import write_array_set
from tests.index.audit.audit_pictures import COLUMNS, ROWS, copy_of, findings_of, music
from tests.index.evaluation_sets import dataset_of, noisy_genres


def test_a_copy_fits_at_its_offset_and_a_stranger_nowhere() -> None:
    """Both orders give the same fit, with the opposite offset."""
    long = music(1, columns=200)
    pictures = [long[:, :120], copy_of(long[:, 40:160], seed=5), music(2)]
    aligner = Aligner(pictures)
    fit = aligner.fit(0, 1)
    assert (fit.offset, fit.likeness > 0.7, fit.sharpness > 0.4) == (40, True, True)
    assert aligner.fit(1, 0).offset == -40
    assert aligner.fit(0, 2).likeness < 0.3
    assert aligner.fit(0, 0).likeness == pytest.approx(1.0, abs=1e-5)


def test_the_fit_equals_a_loop_over_offsets() -> None:
    """The mean cosine of columns that overlap, silence left out."""
    first, second = music(3, columns=50), music(4, columns=40)
    second[:, 10:20] = 0.04
    fit = Aligner([first, second]).fit(0, 1)

    def sounds(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
        audible: NDArray[np.bool_] = picture.max(axis=0) > 0.1 * picture.max()
        return audible

    def shape(picture: NDArray[np.float32]) -> NDArray[np.float64]:
        wide = picture.astype(np.float64)
        centred = wide - wide[:, sounds(picture)].mean(axis=1, keepdims=True)
        return centred - centred.mean(axis=0, keepdims=True)

    first_shape, other = shape(first), shape(second)
    best = (-2.0, 0)
    for offset in range(-40, 51):
        cosines = []
        for column in range(40):
            if (
                0 <= column + offset < 50
                and sounds(first)[column + offset]
                and sounds(second)[column]
            ):
                a, b = first_shape[:, column + offset], other[:, column]
                cosines.append(a @ b / np.sqrt((a @ a) * (b @ b)))
        if len(cosines) >= 24:  # 0.4 of the shorter one is less
            best = max(best, (float(np.mean(cosines)), offset))
    assert (fit.likeness, fit.offset) == (pytest.approx(best[0], abs=1e-4), best[1])


def test_silence_around_a_recording_does_not_hide_it(tmp_path: Path) -> None:
    """It is still a candidate, and fits as well as without the silence."""
    pictures = [music(seed) for seed in range(50)]
    late = np.zeros_like(pictures[0])
    late[:, 40:] = copy_of(pictures[17], seed=1)[:, :80]
    aligner = Aligner([pictures[17], late])
    assert aligner.fit(0, 1).offset == -40
    assert aligner.fit(0, 1).likeness > 0.7
    names = [f"p{number:02}" for number in range(51)]
    levels = np.round(255 * np.stack([*pictures, late])).astype(np.uint8)
    np.savez(tmp_path / "spectrograms.npz", spectrogram=levels, track=np.array(names))
    (tmp_path / "tracks.csv").write_text("track,genre\n" + "".join(f"{n},jazz\n" for n in names))
    report = audit(open_subject(tmp_path), settings=AuditSettings()).audit
    assert findings_of("near-duplicate", report.findings) == [{"p17", "p50"}]


def test_a_few_moments_are_no_recording() -> None:
    """Some of two seconds fit anywhere: at least four to six must overlap, or nothing is said."""
    short, long = music(1, columns=33), music(2)
    long[:, -12:] = short[:, :12]
    assert Aligner([long, short]).fit(0, 1).likeness < 0.4
    long[:, -26:] = short[:, :26]
    fit = Aligner([long, short]).fit(0, 1)
    assert (fit.offset, fit.likeness > 0.7) == (COLUMNS - 26, True)
    hits = [short[:, :20], copy_of(short[:, :20], seed=1)]
    assert Aligner(hits).fit(0, 1).likeness == -1


def test_a_drone_is_like_every_drone_and_no_repeat() -> None:
    """Steady sounds fit at all offsets: likeness without sharpness."""
    generator = np.random.default_rng(0)
    swell = np.linspace(0, 1, COLUMNS) * np.linspace(0, 0.5, ROWS)[:, None]
    pictures = [
        np.clip(0.3 + swell + generator.normal(0, 0.02, swell.shape), 0, 1).astype(np.float32)
        for _ in range(2)
    ]
    fit = Aligner(pictures).fit(0, 1)
    assert fit.likeness > 0.5
    assert fit.sharpness < 0.1


def test_near_repeats_are_found_among_strangers() -> None:
    """Of forty tracks, the three with a wrong label are found from the vectors, and no other."""
    pictures = [music(seed) for seed in range(40)]
    long = music(99, columns=180)
    pictures[4], pictures[30] = long[:, :120], copy_of(long[:, 30:150], seed=1)
    pictures[12] = copy_of(pictures[25], seed=2)
    pictures[7] = copy_of(pictures[8], seed=3)
    labels, artists, _ = noisy_genres(40)
    vectors = np.stack([np.r_[p.mean(axis=1), p.std(axis=1)] for p in pictures])
    dataset = dataset_of(labels, artists, vectors)
    repeats = near_repeats(dataset, pictures, vectors=vectors - vectors.mean(axis=0))
    expected = [{"t4", "t30"}, {"t12", "t25"}, {"t7", "t8"}]
    assert sorted(map(sorted, findings_of("near-duplicate", repeats))) == sorted(
        map(sorted, expected)
    )


def test_a_recording_that_is_there_fifty_times_is_one_set() -> None:
    """Though the copies of each half have only each other for neighbours; a pair joins each."""
    pictures = [copy_of(music(1), seed=i) for i in range(50)] + [music(i) for i in range(2, 32)]
    generator = np.random.default_rng(0)
    places = [[1.0, 0.5, 0.0]] * 25 + [[0.5, 1.0, 0.0]] * 25 + [[0.0, 0.0, 1.0]] * 30
    vectors = np.array(places) + 0.01 * generator.standard_normal((80, 3))
    dataset = dataset_of(["jazz"] * 80, [f"a{i}" for i in range(80)], vectors)
    repeats = near_repeats(dataset, pictures, vectors=vectors.astype(np.float32))
    assert len(repeats) == 49
    linked = with_repeats(dataset, repeats)
    copies = {row.key for row in linked.rows if row.duplicate_of == "t0"}
    assert copies == {f"t{i}" for i in range(1, 50)}
    assert not any(row.duplicate_of for row in linked.rows[50:])


def test_equal_arrays_and_titles_are_found(tmp_path: Path) -> None:
    """Names in another case, with accents or other commas, are the same."""
    labels, _, vectors = noisy_genres(8)
    dataset = dataset_of(labels, ["Beyoncé", "BEYONCE", "", "", "a", "b", "c", "c"], vectors)
    titles = ["Halo", "halo!", "x", "x", "x", "x", "Song", "Song (live)"]
    rows = tuple(replace(r, title=t) for r, t in zip(dataset.rows, titles, strict=True))
    assert findings_of("same-title", same_titles(replace(dataset, rows=rows))) == [{"t0", "t1"}]
    folder = write_array_set(tmp_path / "set", tracks_per_genre=4)
    archive = dict(np.load(folder / "spectrograms.npz"))
    archive["spectrogram"][5] = archive["spectrogram"][11]
    np.savez(folder / "spectrograms.npz", **archive)
    assert findings_of("exact-duplicate", exact_repeats(open_subject(folder))) == [{"t005", "t011"}]


def test_rows_are_pooled_to_what_encoders_keep() -> None:
    """172 rows become 43 means of four, 32 stay."""
    picture = np.random.default_rng(0).integers(0, 255, (172, 9)).astype(np.uint8)
    pooled = pooled_rows(picture, full_scale=255.0)
    assert pooled.shape == (43, 9)
    np.testing.assert_allclose(pooled[2], picture[8:12].mean(axis=0) / 255, rtol=1e-5)
    assert pooled_rows(picture[:32], full_scale=255.0).shape == (32, 9)
