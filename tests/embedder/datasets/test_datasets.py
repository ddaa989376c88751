"""The contract of every layout, tested on the same twelve tracks in each."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from embedder.datasets.dataset import Dataset
from embedder.datasets.layouts.contents import ReadingOptions
from embedder.datasets.layouts.gtzan import known_sides
from embedder.datasets.opening import TagSelection, detect_layout, open_dataset
from embedder.datasets.splitting import split_dataset
from tests.embedder.datasets.dataset_miniatures import MINIATURES, TRACKS, Miniature, spectrogram


@pytest.fixture(scope="module", params=MINIATURES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def miniature(name: str) -> Miniature:
    return MINIATURES[name]


@pytest.fixture(scope="module")
def path(miniature: Miniature, name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniature.make(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="module")
def dataset(path: Path) -> Dataset:
    return open_dataset(path)


class TestEveryLayout:
    """Properties that all layouts have."""

    def test_is_recognised(self, path: Path, miniature: Miniature) -> None:
        """`detect_layout` names the layout that the folder was written in."""
        assert detect_layout(path) == miniature.layout

    def test_named_layout_reads_the_same(self, path: Path, dataset: Dataset) -> None:
        """The named layout gives the same rows as the detected one."""
        assert open_dataset(path, layout=dataset.layout).digest == dataset.digest

    def test_has_every_track_once(self, dataset: Dataset) -> None:
        """All twelve tracks are there under different keys, and none is left out."""
        assert len({row.key for row in dataset.rows}) == len(TRACKS)
        assert dataset.left_out == ()

    def test_has_its_genres(self, dataset: Dataset, miniature: Miniature) -> None:
        """Six tracks carry each of the two genres."""
        genres = [row.values(miniature.genre_field) for row in dataset.rows]
        assert sorted(genres) == [("blues",)] * 6 + [("rock",)] * 6
        assert dataset.label_fields[0] == miniature.genre_field

    def test_splits_cells_of_several_labels(self, dataset: Dataset, miniature: Miniature) -> None:
        """A cell with several labels becomes several values."""
        if not miniature.multi_label:
            pytest.skip("this layout has no column of several labels")
        assert {len(row.values(miniature.multi_label)) for row in dataset.rows} == {2}

    def test_knows_its_artists(self, dataset: Dataset) -> None:
        """Tracks have the same group only if they have the same artist."""
        groups = [row.group for row in dataset.rows]
        assert None not in groups
        assert sorted(groups.count(group) for group in set(groups)) == [2] * 6

    def test_points_to_its_sound(self, dataset: Dataset) -> None:
        """A row has either a file or a row of the arrays."""
        if dataset.store is None:
            assert all(row.path is not None and row.path.is_file() for row in dataset.rows)
            assert all(row.array_row is None for row in dataset.rows)
        else:
            assert len(dataset.arrays) == len(TRACKS)
            assert all(row.path is None for row in dataset.rows)

    def test_keeps_its_stored_split(self, dataset: Dataset, miniature: Miniature) -> None:
        """A stored split has four tracks on each side; other data sets have no sides yet."""
        counts = [len(dataset.positions(side)) for side in ("train", "validation", "test")]
        assert counts == ([4, 4, 4] if miniature.has_split else [0, 0, 0])
        assert bool(dataset.split_origin) == miniature.has_split

    def test_split_can_be_ignored(self, path: Path) -> None:
        """Without a split column, no row has a side."""
        plain = open_dataset(path, options=ReadingOptions(split_column=""))
        assert {row.split for row in plain.rows} == {""}
        assert plain.split_origin == ""

    def test_split_keeps_artists_together(self, dataset: Dataset) -> None:
        """After splitting, every artist is on one side, and each side has tracks."""
        split = split_dataset(dataset, shares=(0.25, 0.25))
        sides = {row.group: row.split for row in split.rows}
        assert all(sides[row.group] == row.split for row in split.rows)
        assert set(sides.values()) == {"train", "validation", "test"}

    def test_digest_is_of_contents_not_of_place(
        self, path: Path, dataset: Dataset, tmp_path: Path
    ) -> None:
        """A copy in another folder has the same digests."""
        root = path if path.is_dir() else path.parent
        shutil.copytree(root, tmp_path / "copy")
        copied = tmp_path / "copy" if path.is_dir() else tmp_path / "copy" / path.name
        copy = open_dataset(copied)
        assert copy.digest == dataset.digest
        assert copy.split_digest == dataset.split_digest

    def test_describes_itself(self, dataset: Dataset, miniature: Miniature) -> None:
        """The counts in the description are those of the rows."""
        described = dataset.describe()
        assert described["tracks"] == len(TRACKS)
        assert described["labels"][miniature.genre_field] == {"blues": 6, "rock": 6}
        assert described["groups"] == 6

    def test_rows_cross_process_boundaries(self, dataset: Dataset) -> None:
        """Rows can be pickled, as workers need."""
        assert pickle.loads(pickle.dumps(dataset.rows)) == dataset.rows  # noqa: S301  # our own bytes


def test_arrays_come_in_the_order_of_the_rows(tmp_path: Path) -> None:
    """Arrays and vectors in another order than the table are reordered."""
    dataset = open_dataset(MINIATURES["spectrograms"].make(tmp_path))
    assert [row.key for row in dataset.rows] == [f"{track.number:03d}" for track in TRACKS]
    expected = np.stack([spectrogram(track.number) for track in TRACKS])
    np.testing.assert_array_equal(dataset.arrays, expected)
    np.testing.assert_array_equal(dataset.extra_vectors["vggish"][:, 0], np.arange(12))


def test_subset_takes_arrays_and_vectors_along(tmp_path: Path) -> None:
    """A subset has the arrays and vectors of its rows."""
    dataset = open_dataset(MINIATURES["spectrograms"].make(tmp_path)).subset([7, 2])
    np.testing.assert_array_equal(dataset.arrays, np.stack([spectrogram(7), spectrogram(2)]))
    np.testing.assert_array_equal(dataset.extra_vectors["vggish"][:, 0], [7, 2])


def test_digest_changes_with_a_label(tmp_path: Path) -> None:
    """Another label gives another digest."""
    table = MINIATURES["manifest-csv"].make(tmp_path)
    before = open_dataset(table).digest
    table.write_text(table.read_text(encoding="utf-8").replace("rock", "soul", 1), encoding="utf-8")
    assert open_dataset(table).digest != before


def test_fma_variant_leaves_out_what_is_missing(tmp_path: Path) -> None:
    """Missing tracks of the requested subset are left out and counted."""
    path = MINIATURES["fma"].make(tmp_path)
    large = open_dataset(path, options=ReadingOptions(variant="large"))
    assert [(left_out.path, left_out.reason) for left_out in large.left_out] == [
        ("000/000999.mp3", "no such file")
    ]
    small = open_dataset(path, options=ReadingOptions(variant="small"))
    assert small.left_out == ()
    assert small.rows[0].values("subgenres") == ("Delta", "Roots")


def test_only_frequent_tags_are_kept(tmp_path: Path) -> None:
    """The most frequent labels are kept; equal counts are ordered by name."""
    path = MINIATURES["magnatagatune"].make(tmp_path)
    dataset = open_dataset(path, tags=TagSelection("tag", 1))
    assert {row.values("tag") for row in dataset.rows} == {("blues",), ()}


def test_known_gtzan_sides_keep_their_counts() -> None:
    """The compact list has the published number of tracks on each side."""
    sides = list(known_sides().values())
    counts = {side: sides.count(side) for side in ("train", "validation", "test", "")}
    assert counts == {"train": 349, "validation": 127, "test": 255, "": 61}


def test_lists_beside_gtzan_decide(tmp_path: Path) -> None:
    """Published lists in the folder override the stored split."""
    path = MINIATURES["gtzan"].make(tmp_path)
    for name, track in (("train", "blues.00012"), ("valid", "rock.00010"), ("test", "rock.00016")):
        (path / f"{name}_filtered.txt").write_text(f"{track[:-6]}/{track}.wav\n", encoding="utf-8")
    dataset = open_dataset(path)
    sides = {row.key: row.split for row in dataset.rows if row.split}
    assert sides == {"blues.00012": "train", "rock.00010": "validation", "rock.00016": "test"}
