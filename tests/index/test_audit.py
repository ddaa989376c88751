"""Audits of planted faults: each is found, and what is well is left alone."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.datasets.records import Side
from index.audit.alignment import Aligner, pooled_rows
from index.audit.audit import AuditSettings, audit, write_split
from index.audit.page import page_of, write_page
from index.audit.records import KINDS, Finding
from index.audit.repeats import exact_repeats, near_repeats, same_titles, with_repeats
from index.audit.sides import fixed_split, leaks, rare_labels
from index.evaluate.subjects import open_subject
from tests.embedder.small_sets import write_array_set
from tests.index.evaluation_sets import dataset_of, noisy_genres

ROWS, COLUMNS = 32, 120


def music(seed: int, *, columns: int = COLUMNS) -> NDArray[np.float32]:
    """A picture in which notes come and go, unlike any other seed's."""
    generator = np.random.default_rng(seed)
    levels = np.zeros((ROWS, columns))
    for start in range(0, columns, 3):
        levels[generator.choice(ROWS, 6, replace=False), start : start + 4] = generator.random()
    return np.clip(levels + generator.normal(0, 0.03, levels.shape), 0, 1).astype(np.float32)


def copy_of(picture: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    """As another encoder would leave it: quieter, noisy, duller."""
    generator = np.random.default_rng(seed)
    copied = 0.8 * picture + generator.normal(0, 0.05, picture.shape)
    copied[-6:] *= 0.2
    return np.clip(copied, 0, 1).astype(np.float32)


def findings_of(kind: str, findings: tuple[Finding, ...] | list[Finding]) -> list[set[str]]:
    return [set(one.tracks) for one in findings if one.kind == kind]


def test_a_copy_fits_at_its_offset_and_a_stranger_nowhere() -> None:
    """Both ways round, with the offset's sign turned."""
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
    second[:, 10:20] = 0.4
    fit = Aligner([first, second]).fit(0, 1)

    def shape(picture: NDArray[np.float32]) -> NDArray[np.float64]:
        wide = picture.astype(np.float64)
        centred = wide - wide.mean(axis=1, keepdims=True)
        return centred - centred.mean(axis=0, keepdims=True)

    one, other = shape(first), shape(second)
    best = (-2.0, 0)
    for offset in range(-40, 51):
        cosines = []
        for column in range(40):
            if 0 <= column + offset < 50:
                a, b = one[:, column + offset], other[:, column]
                cosines.append(a @ b / np.sqrt((a @ a) * (b @ b)))
        if len(cosines) >= 0.4 * 40:
            best = max(best, (float(np.mean(cosines)), offset))
    assert (fit.likeness, fit.offset) == (pytest.approx(best[0], abs=1e-4), best[1])


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
    """Three planted among forty, by vectors that say only who is near; nothing else is named."""
    pictures = [music(seed) for seed in range(40)]
    long = music(99, columns=180)
    pictures[4], pictures[30] = long[:, :120], copy_of(long[:, 30:150], seed=1)
    pictures[12] = copy_of(pictures[25], seed=2)
    pictures[7] = copy_of(pictures[8], seed=3)
    labels, artists, _ = noisy_genres(40)
    vectors = np.stack([np.r_[p.mean(axis=1), p.std(axis=1)] for p in pictures])
    dataset = dataset_of(labels, artists, vectors)
    found = near_repeats(dataset, pictures, vectors=vectors - vectors.mean(axis=0))
    expected = [{"t4", "t30"}, {"t12", "t25"}, {"t7", "t8"}]
    assert sorted(map(sorted, findings_of("near-duplicate", found))) == sorted(
        map(sorted, expected)
    )


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


def test_leaks_between_sides_are_found() -> None:
    """Artists, albums and repeats; tracks without a side leak nowhere."""
    sides: list[Side] = ["train", "test", "train", "train", "", "test"]
    artists = ["a", "a", "b", "b", "c", "c"]
    dataset = dataset_of(["jazz"] * 6, artists, np.eye(6), sides=sides)
    repeat = Finding("near-duplicate", ("t3", "t5"), "planted")
    found = leaks(dataset, [repeat, Finding("near-duplicate", ("t2", "t3"), "planted")])
    assert findings_of("artist-across-split", found) == [{"t0", "t1"}]
    assert findings_of("album-across-split", found) == [{"t0", "t1"}]
    assert findings_of("duplicate-across-split", found) == [{"t3", "t5"}]


def test_labels_of_too_few_artists_are_found() -> None:
    """Unknown artists count as one each."""
    labels = ["jazz"] * 6 + ["rock"] * 6 + ["folk"] * 6
    artists = ["a"] * 3 + ["b"] * 3 + [f"r{i}" for i in range(6)] + [""] * 6
    dataset = dataset_of(labels, artists, np.eye(18))
    found = rare_labels(dataset, "genre", fewest=5)
    assert [one.evidence["label"] for one in found] == ["jazz"]
    assert found[0].evidence["n_artists"] == 2


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_a_fixed_split_parts_nothing(seed: int) -> None:
    """No artist and no repeat stands on two sides; doing it again moves nothing."""
    generator = np.random.default_rng(seed)
    n = 60
    artists = [f"a{i}" if i else "" for i in generator.integers(0, 15, n)]
    sides: list[Side] = [
        ("train", "validation", "test", "")[i] for i in generator.integers(0, 4, n)
    ]
    repeated = {int(i): int(generator.integers(0, i)) for i in generator.integers(1, n, 6)}
    dataset = dataset_of(
        ["jazz", "rock"] * (n // 2), artists, np.eye(n), sides=sides, duplicates=repeated
    )
    fixed = fixed_split(dataset, label_field="genre")
    for number, side in enumerate(sides):
        assert (fixed.sides[f"t{number}"] == "") == (side == "")
    rows = tuple(replace(row, split=fixed.sides[row.key]) for row in dataset.rows)
    mended = replace(dataset, rows=rows)
    known = [Finding("exact-duplicate", (f"t{i}", f"t{j}"), "") for i, j in repeated.items()]
    sided = [one for one in known if all(fixed.sides[key] for key in one.tracks)]
    assert leaks(mended, sided) == []
    assert fixed_split(mended, label_field="genre").moved == ()


def test_a_split_is_drawn_where_there_is_none() -> None:
    """By artists, a tenth for validation and a tenth for testing."""
    labels, artists, vectors = noisy_genres(120)
    dataset = dataset_of(labels, artists, vectors)
    fixed = fixed_split(with_repeats(dataset, []), label_field="genre", seed=3)
    counts = [list(fixed.sides.values()).count(side) for side in ("train", "validation", "test")]
    assert sum(counts) == 120
    assert min(counts) >= 6
    rows = tuple(replace(row, split=fixed.sides[row.key]) for row in dataset.rows)
    assert leaks(replace(dataset, rows=rows), []) == []


def planted(folder: Path) -> Path:
    """An array set with a repeat on two sides, a silent, a constant and a wrong label."""
    names, pictures, lines = [], [], ["track,genre,artist,split"]
    shapes = np.random.default_rng(1).random((2, ROWS, 1)) * 0.5
    for number in range(48):
        genre = number % 2
        names.append(f"p{number:02}")
        pictures.append(np.clip(0.5 * music(number) + shapes[genre], 0, 1))
        side = "test" if number % 8 in (6, 7) else "train"
        lines.append(f"p{number:02},{('jazz', 'rock')[genre]},artist {number // 2},{side}")
    pictures[14] = copy_of(pictures[1], seed=4)
    pictures[20] = np.zeros_like(pictures[0])
    pictures[21] = np.full_like(pictures[0], 0.5)
    lines[31] = "p30,rock,artist 15,test"
    folder.mkdir()
    levels = np.round(255 * np.stack(pictures)).astype(np.uint8)
    np.savez(folder / "spectrograms.npz", spectrogram=levels, track=np.array(names))
    (folder / "tracks.csv").write_text("\n".join(lines))
    return folder


def test_everything_planted_is_found_and_nothing_else(tmp_path: Path) -> None:
    """One audit over all kinds; its page and its split are of use."""
    dataset = open_subject(planted(tmp_path / "set"))
    done = audit(dataset, settings=AuditSettings(fewest_artists=3))
    found = done.audit
    assert findings_of("near-duplicate", found.findings) == [{"p01", "p14"}]
    assert findings_of("duplicate-across-split", found.findings) == [{"p01", "p14"}]
    assert findings_of("silent", found.findings) == [{"p20"}]
    assert findings_of("constant", found.findings) == [{"p21"}]
    assert {"p30"} in findings_of("suspicious-label", found.findings)
    assert len(findings_of("suspicious-label", found.findings)) <= 3
    assert findings_of("label-conflict", found.findings) == [{"p01", "p14"}]
    assert found.counts()["exact-duplicate"] == found.counts()["few-artists"] == 0
    assert set(found.counts()) <= set(KINDS)
    json.dumps(found.to_json())
    write_page(tmp_path / "audit.html", found)
    page = (tmp_path / "audit.html").read_text()
    assert "p14" in page
    assert "http" not in page
    fixed = write_split(tmp_path / "fixed.csv", done)
    assert "p14" in fixed.moved or "p01" in fixed.moved
    with (tmp_path / "fixed.csv").open() as file:
        table = {row["track"]: row for row in csv.DictReader(file)}
    assert table["p01"]["split"] == table["p14"]["split"]
    again = open_subject(tmp_path / "set", split=str(tmp_path / "fixed.csv"))
    repaired = audit(again, settings=AuditSettings()).audit
    assert repaired.counts()["duplicate-across-split"] == 0
    assert repaired.counts()["artist-across-split"] == 0


def test_a_page_of_nothing_wrong_says_so() -> None:
    """Kinds that were looked for stand there with 0; others do not stand there."""
    labels, artists, vectors = noisy_genres(12)
    dataset = dataset_of(labels, artists, vectors)
    found = audit(dataset, settings=AuditSettings(fewest_artists=1), by_content=False).audit
    assert set(found.counts().values()) == {0}
    assert "artist-across-split" not in found.counts()
    assert "Audit of small" in page_of(found)


def test_rows_are_pooled_to_what_encoders_keep() -> None:
    """172 rows become 43 means of four, 32 stay."""
    picture = np.random.default_rng(0).integers(0, 255, (172, 9)).astype(np.uint8)
    pooled = pooled_rows(picture, full_scale=255.0)
    assert pooled.shape == (43, 9)
    np.testing.assert_allclose(pooled[2], picture[8:12].mean(axis=0) / 255, rtol=1e-5)
    assert pooled_rows(picture[:32], full_scale=255.0).shape == (32, 9)


def test_a_fixed_split_keeps_its_sides() -> None:
    """Drawn track by track, every artist stands on all sides; each side stays about as large."""
    generator = np.random.default_rng(0)
    artists = [f"a{i // 8}" for i in range(200)]
    sides: list[Side] = [
        ("train", "validation", "test")[i] for i in generator.choice(3, 200, p=[0.8, 0.1, 0.1])
    ]
    dataset = dataset_of(["jazz", "rock"] * 100, artists, np.eye(200), sides=sides)
    fixed = fixed_split(dataset, label_field="genre")
    now = list(fixed.sides.values())
    for side in ("train", "validation", "test"):
        assert abs(now.count(side) - sides.count(side)) <= 12
    assert fixed.emptied == ()
    lone = dataset_of(["jazz"] * 4, ["a"] * 4, np.eye(4), sides=["train", "train", "test", "test"])
    assert fixed_split(lone, label_field="genre").emptied == ("train",)
