"""Damaged files and settings of a library: refused with advice, or repaired with a warning."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import CorruptArtefact
from index.library import Library
from index.library_folder import library_scores, model_notes
from index.vectors import hubness, random_pairs
from tests.index.library_folder.damaged_library import change, six_tracks
from tests.index.toy_encoder import ToyEncoder

DAMAGED_JSON = ["", "null", "[]", "{}", "{", "[" * 100_000, '{"format": "2"}', "\udcff", "7"]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Six tracks with ids 1 to 6, closed."""
    return six_tracks(tmp_path)


@pytest.mark.parametrize("text", DAMAGED_JSON)
def test_a_damaged_manifest_is_refused(library: Library, text: str) -> None:
    """Whatever `library.json` holds, the message names it and says what to do."""
    path = library.folder / "library.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(CorruptArtefact, match=r"library\.json: damaged\. Run 'soundalike index'"):
        Library.open(library.folder)


@pytest.mark.parametrize(
    ("name", "value"), [("format", "2"), ("format", None), ("fingerprint", 5), ("curvature", "1")]
)
def test_a_manifest_with_wrong_types_is_refused(library: Library, name: str, value: object) -> None:
    """A field of a wrong type is damage, not a newer format."""
    path = library.folder / "library.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(CorruptArtefact, match="damaged"):
        Library.open(library.folder)


def test_indexing_mends_a_damaged_manifest(library: Library, tmp_path: Path) -> None:
    """The advice of the message works."""
    (library.folder / "library.json").write_text("[]")
    with Library.open_or_create(library.folder) as opened:
        opened.index([tmp_path / "music"], encoder=ToyEncoder())
    with Library.open(library.folder) as opened:
        assert opened.verify() == []


@pytest.mark.parametrize("text", ["null", "[]", "{", "[" * 100_000, "7", '{"kind": "tree"}'])
def test_damaged_settings_of_the_store_are_refused(library: Library, text: str) -> None:
    """The message names the setting, and its advice mends it."""
    change(library, "INSERT OR REPLACE INTO settings VALUES ('store', ?)", text)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match=r"setting 'store'.*rebuild --store auto"):
            len(opened)
        assert any("'store'" in problem for problem in opened.verify())
        opened.rebuild_as("auto")
        assert opened.verify() == []


@pytest.mark.parametrize("key", [model_notes.SETTING, random_pairs.SETTING, library_scores.SETTING])
@pytest.mark.parametrize("text", ["null", "[]", "{", "[" * 100_000, '{"fingerprint": 1}'])
def test_damaged_notes_are_refused(library: Library, tmp_path: Path, key: str, text: str) -> None:
    """What searches read beside the vectors is refused, and the next run of indexing mends it."""
    change(library, "INSERT OR REPLACE INTO settings VALUES (?, ?)", key, text)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match=f"setting '{key}' is damaged.*soundalike index"):
            _ = opened.scoring.calibration, opened.scoring.random_pairs, opened.scoring.curve
        opened.index([tmp_path / "music"], encoder=ToyEncoder())
        assert opened.verify() == []


def test_another_number_in_a_setting_is_damage(library: Library) -> None:
    """A setting that still can be read has a checksum too."""
    change(
        library,
        "UPDATE settings SET value = replace(value, '0.7', '0.8') WHERE key = ?",
        random_pairs.SETTING,
    )
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match="setting 'random_pairs' is damaged"):
            _ = opened.scoring.random_pairs
        assert any("'random_pairs'" in problem for problem in opened.verify())


def test_a_damaged_correction_is_refused(library: Library) -> None:
    """It is no mistake of the user's command line."""
    change(library, "INSERT OR REPLACE INTO settings VALUES (?, 'x')", hubness.SETTING)
    with Library.open(library.folder) as opened:
        with pytest.raises(CorruptArtefact, match="--hubness model"):
            _ = opened.scoring.correction
        opened.set_correction("model")
        assert opened.verify() == []


@pytest.mark.parametrize("where", [0.05, 0.35, 0.65, 0.95])
def test_a_flipped_byte_of_the_store_is_noticed(library: Library, where: float) -> None:
    """The answers are right and there is a warning, though the file's time is the old one."""
    path = library.folder / "vectors.faiss"
    with Library.open(library.folder) as opened:
        expected = opened.nearest(opened.vectors([1, 2, 3]), 5)
    before, data = path.stat(), bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    warnings: list[str] = []
    with Library.open(library.folder, warn=warnings.append) as opened:
        answers = opened.nearest(opened.vectors([1, 2, 3]), 5)
    assert len(warnings) == 1
    np.testing.assert_array_equal(answers[1], expected[1])


@pytest.mark.parametrize("name", ["hnsw-sq8", "ivf-sq8"])
def test_a_damaged_row_of_a_mapped_store_is_noticed_when_read(library: Library, name: str) -> None:
    """Its exact vectors are not read at opening; the store is then built anew, with a warning."""
    path = library.folder / "vectors.faiss"
    library.rebuild_as(name)
    with Library.open(library.folder) as opened:
        vector = opened.vectors([4])
        expected = opened.nearest(vector, 5)
        random_pairs_before = opened.scoring.random_pairs
    data = bytearray(path.read_bytes())
    data[data.index(vector.tobytes()) + 7] ^= 0x40
    path.write_bytes(data)
    assert any("library rebuild" in problem for problem in library.verify())
    for read in (lambda one: one.nearest(vector, 5), lambda one: one.vectors([4])):
        path.write_bytes(data)
        warnings: list[str] = []
        with Library.open(library.folder, warn=warnings.append) as opened:
            assert len(opened) == 6
            assert warnings == []
            read(opened)
            assert len(warnings) == 1
            assert "a vector's checksum is wrong" in warnings[0]
            np.testing.assert_array_equal(opened.nearest(vector, 5)[1], expected[1])
            assert opened.scoring.random_pairs == random_pairs_before
        with Library.open(library.folder) as opened:
            assert opened.verify() == []


def test_verify_mends_nothing(library: Library) -> None:
    """It reports a damaged store and leaves it as it is."""
    path = library.folder / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    for _ in range(2):
        problems = library.verify()
        assert len(problems) == 1
        assert "library rebuild" in problems[0]
