"""What is measured beside the vector: stored with its version, and brought up to date."""

from pathlib import Path

import pytest

from embedder.features.measuring import measurers
from embedder.features.measuring.measurers import Measurer
from embedder.features.measuring.records import TrackSound, Values
from index.library import Library
from tests.index.indexing.index_runs import ids_by_name, index
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav


def length(sound: TrackSound) -> Values:
    return Values({"measured.length": str(len(sound.samples))}, data=b"L")


def size(sound: TrackSound) -> Values:
    return Values({"measured.size": str(len(sound.samples))})


@pytest.fixture(autouse=True)
def first_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only measurer counts samples."""
    monkeypatch.setattr(measurers, "MEASURERS", (Measurer("count", 1, length),))


@pytest.fixture
def second_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurers, "MEASURERS", (Measurer("count", 2, size),))


@pytest.fixture
def measured(library: Library, music: Path) -> Library:
    """A library that version 1 has measured."""
    index(library, music, ToyEncoder(measures=True))
    return library


def test_measurements_are_stored_as_fields_and_data(measured: Library) -> None:
    """64 samples at 8 kHz are 352 at 44.1 kHz."""
    catalogue = measured.catalogue
    assert set(catalogue.field_values("measured.length").values()) == {("352",)}
    assert catalogue.measured.data("count", 1, [1, 2]) == {1: b"L", 2: b"L"}


def test_another_version_measures_again_without_the_model(
    measured: Library, music: Path, request: pytest.FixtureRequest
) -> None:
    """The values of the version before are gone, and the files are only decoded."""
    request.getfixturevalue("second_version")
    report, encoder = index(measured, music, ToyEncoder(measures=True))
    assert (report.n_measured, report.unchanged, encoder.analysed_paths) == (6, 6, [])
    assert measured.catalogue.field_values("measured.length") == {}
    assert len(measured.catalogue.field_values("measured.size")) == 6
    assert index(measured, music, encoder)[0].n_measured == 0


def test_copies_are_measured_once(
    library: Library, music: Path, request: pytest.FixtureRequest
) -> None:
    """A copy gets the values of its recording, from the first run as from a later one."""
    encoder = ToyEncoder(measures=True)
    tag_wav(write_wav(music / "copy.wav", 0), title="Copy")
    index(library, music, encoder)
    assert len(library.catalogue.field_values("measured.length")) == 7
    request.getfixturevalue("second_version")
    encoder.measured_paths.clear()
    report, _ = index(library, music, encoder)
    assert (report.n_measured, len(encoder.measured_paths)) == (7, 6)


def test_only_the_given_folders_are_measured_and_a_note_counts_the_rest(
    measured: Library, music: Path, request: pytest.FixtureRequest
) -> None:
    """Indexing a small folder does not decode the whole library again."""
    request.getfixturevalue("second_version")
    report, _ = index(measured, music / "album 0", ToyEncoder(measures=True))
    assert report.n_measured == 3
    assert report.notes[-1].startswith("3 other tracks were analysed by an older version")


def test_a_dry_run_counts_what_is_to_be_measured(
    measured: Library, music: Path, request: pytest.FixtureRequest
) -> None:
    """It measures nothing."""
    request.getfixturevalue("second_version")
    report, encoder = index(measured, music, ToyEncoder(measures=True), dry_run=True)
    assert (report.n_measured, encoder.measured_paths) == (6, [])


def test_a_file_that_cannot_be_measured_is_noted_once(
    measured: Library, music: Path, request: pytest.FixtureRequest
) -> None:
    """Its vector stays; the next run does not try again."""
    request.getfixturevalue("second_version")
    encoder = ToyEncoder(measures=True, unmeasurable="1.wav")
    report, _ = index(measured, music, encoder)
    assert [note.reason for note in report.file_notes] == ["not measured: no sound"]
    track = ids_by_name(measured)["1.wav"]
    assert track not in measured.catalogue.field_values("measured.size")
    report, _ = index(measured, music, encoder)
    assert (report.n_measured, report.file_notes) == (0, ())
