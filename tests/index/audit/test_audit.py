"""Audits of planted faults: each is found, and sound tracks are not reported."""

import csv
import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.datasets.records import Side
from index.audit.audit import Audited, AuditSettings, audit, write_split
from index.audit.page import page_of, write_page
from index.audit.repeats import with_repeats
from index.audit.results import KINDS, Finding
from index.audit.sides import fixed_split, leaks, rare_labels
from index.evaluate.subjects import open_subject, with_split_table
from tests.index.audit.audit_pictures import ROWS, copy_of, findings_of, music
from tests.index.evaluation_sets import dataset_of, noisy_genres


def test_leaks_between_sides_are_found() -> None:
    """Artists, albums and repeats on several sides are found; tracks without a side do not leak."""
    sides: list[Side] = ["train", "test", "train", "train", "", "test"]
    artists = ["a", "a", "b", "b", "c", "c"]
    dataset = dataset_of(["jazz"] * 6, artists, np.eye(6), sides=sides)
    repeat = Finding("near-duplicate", ("t3", "t5"), "planted")
    findings = leaks(dataset, [repeat, Finding("near-duplicate", ("t2", "t3"), "planted")])
    assert findings_of("artist-across-split", findings) == [{"t0", "t1"}]
    assert findings_of("album-across-split", findings) == [{"t0", "t1"}]
    assert findings_of("duplicate-across-split", findings) == [{"t3", "t5"}]


def test_albums_of_one_name_are_a_hint_only() -> None:
    """Two artists may each have a `Greatest Hits`; with its artist, an album is certain."""
    sides: list[Side] = ["train", "train", "test", "test", "train", "test"]
    dataset = dataset_of(["jazz"] * 6, ["a", "a", "b", "b", "c", "c"], np.eye(6), sides=sides)
    albums = ["Hits: Vol. 1"] * 4 + ["Live"] * 2
    rows = tuple(replace(r, album=name) for r, name in zip(dataset.rows, albums, strict=True))
    findings = [
        (set(leak.tracks), leak.certainty, leak.why)
        for leak in leaks(replace(dataset, rows=rows), [])
        if leak.kind == "album-across-split"
    ]
    hint = "hits: vol. 1: 2 train, 2 test; by 2 artists, none of them on two sides"
    assert findings == [
        ({"t0", "t1", "t2", "t3"}, "hint", hint),
        ({"t4", "t5"}, "certain", "live: 1 train, 1 test"),
    ]


def test_labels_of_too_few_artists_are_found() -> None:
    """Unknown artists count as one each."""
    labels = ["jazz"] * 6 + ["rock"] * 6 + ["folk"] * 6
    artists = ["a"] * 3 + ["b"] * 3 + [f"r{i}" for i in range(6)] + [""] * 6
    dataset = dataset_of(labels, artists, np.eye(18))
    findings = rare_labels(dataset, "genre", fewest=5)
    assert [finding.evidence["label"] for finding in findings] == ["jazz"]
    assert findings[0].evidence["n_artists"] == 2


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
    duplicates = [Finding("exact-duplicate", (f"t{i}", f"t{j}"), "") for i, j in repeated.items()]
    sided = [copy for copy in duplicates if all(fixed.sides[key] for key in copy.tracks)]
    assert leaks(mended, sided) == []
    assert fixed_split(mended, label_field="genre").moved == ()


def test_a_split_is_drawn_where_there_is_none() -> None:
    """Artists are assigned to sides, a tenth to validation and a tenth to testing."""
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


@pytest.fixture(scope="module")
def planted_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted(tmp_path_factory.mktemp("planted") / "set")


@pytest.fixture(scope="module")
def audited(planted_set: Path) -> Audited:
    return audit(open_subject(planted_set), settings=AuditSettings(fewest_artists=3))


@pytest.mark.parametrize(
    ("kind", "tracks"),
    [
        ("near-duplicate", [{"p01", "p14"}]),
        ("duplicate-across-split", [{"p01", "p14"}]),
        ("label-conflict", [{"p01", "p14"}]),
        ("silent", [{"p20"}]),
        ("constant", [{"p21"}]),
        ("exact-duplicate", []),
        ("few-artists", []),
    ],
)
def test_what_was_planted_is_found_and_nothing_else(
    audited: Audited, kind: str, tracks: list[set[str]]
) -> None:
    """Each kind of finding names the planted tracks alone."""
    assert findings_of(kind, audited.audit.findings) == tracks


def test_a_planted_wrong_label_is_suspicious(audited: Audited) -> None:
    """The wrong label is among at most three suspicious labels of 48 tracks."""
    suspicious = findings_of("suspicious-label", audited.audit.findings)
    assert {"p30"} in suspicious
    assert len(suspicious) <= 3


def test_an_audit_is_a_document(audited: Audited) -> None:
    """Its kinds are the documented ones, and it can be written as JSON."""
    assert set(audited.audit.counts()) <= set(KINDS)
    json.dumps(audited.audit.to_json())


def test_the_page_names_the_tracks_and_loads_nothing(audited: Audited, tmp_path: Path) -> None:
    """The page of an audit lists its findings and has no address in it."""
    write_page(tmp_path / "audit.html", audited.audit)
    page = (tmp_path / "audit.html").read_text()
    assert "p14" in page
    assert "http" not in page


def test_a_fixed_split_leaks_nothing(audited: Audited, planted_set: Path, tmp_path: Path) -> None:
    """It keeps the planted copies on one side, and a second audit with it finds no leak."""
    fixed = write_split(tmp_path / "fixed.csv", audited)
    assert "p14" in fixed.moved or "p01" in fixed.moved
    with (tmp_path / "fixed.csv").open() as file:
        table = {row["track"]: row for row in csv.DictReader(file)}
    assert table["p01"]["split"] == table["p14"]["split"]
    again = open_subject(planted_set, split=str(tmp_path / "fixed.csv"))
    counts = audit(again, settings=AuditSettings()).audit.counts()
    assert (counts["duplicate-across-split"], counts["artist-across-split"]) == (0, 0)


def test_a_fixed_split_holds_no_formulas(tmp_path: Path) -> None:
    """Names and artists that a spreadsheet would compute are marked, and read as they were."""
    labels, artists, vectors = noisy_genres(12)
    dataset = dataset_of(labels, [f"={artist}" for artist in artists], vectors)
    rows = tuple(dataclasses.replace(row, key=f"=cmd|{row.key}") for row in dataset.rows)
    named = dataclasses.replace(dataset, rows=rows)
    write_split(tmp_path / "fixed.csv", audit(named, settings=AuditSettings(), by_content=False))
    with (tmp_path / "fixed.csv").open() as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]
    read = with_split_table(named, tmp_path / "fixed.csv")
    assert all(row.split for row in read.rows)


def test_a_page_of_nothing_wrong_says_so() -> None:
    """Kinds that were checked are listed with 0; other kinds are not listed."""
    labels, artists, vectors = noisy_genres(12)
    dataset = dataset_of(labels, artists, vectors)
    report = audit(dataset, settings=AuditSettings(fewest_artists=1), by_content=False).audit
    assert set(report.counts().values()) == {0}
    assert "artist-across-split" not in report.counts()
    assert "Audit of small" in page_of(report)


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


def test_a_split_that_hardly_leaks_hardly_changes() -> None:
    """A group goes where most of its tracks are, as long as the sides keep their sizes."""
    artists = [f"a{i // 10}" for i in range(200)]
    sides: list[Side] = ["train"] * 140 + ["validation"] * 30 + ["test"] * 30
    sides[3], sides[145], sides[196] = "test", "train", "validation"
    dataset = dataset_of(["jazz", "rock"] * 100, artists, np.eye(200), sides=sides)
    assert fixed_split(dataset, label_field="genre").moved == ("t3", "t145", "t196")


def test_likely_repeats_are_kept_together_too(tmp_path: Path) -> None:
    """The report calls them likely, and the split keeps them on one side."""
    pictures = [music(seed) for seed in range(40)]
    mixed = 0.3 * pictures[3] + 0.7 * music(77)
    pictures[35] = np.clip(mixed, 0, 1)
    names = [f"p{number:02}" for number in range(40)]
    levels = np.round(255 * np.stack(pictures)).astype(np.uint8)
    np.savez(tmp_path / "spectrograms.npz", spectrogram=levels, track=np.array(names))
    lines = [f"{n},jazz,{n},{'train' if i < 30 else 'test'}\n" for i, n in enumerate(names)]
    (tmp_path / "tracks.csv").write_text("track,genre,artist,split\n" + "".join(lines))
    done = audit(open_subject(tmp_path), settings=AuditSettings())
    near = [finding for finding in done.audit.findings if finding.kind == "near-duplicate"]
    assert [(copy.tracks, copy.certainty) for copy in near] == [(("p03", "p35"), "likely")]
    sides = done.fixed_split().sides
    assert sides["p03"] == sides["p35"]
