"""Laws of splits, folds, limits and copies."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import mutagen
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import TIT2

from embedder.audio.writing import write_audio
from embedder.config.dataset import DatasetConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.duplicates import find_repeats
from embedder.datasets.grouping import with_groups
from embedder.datasets.opening import open_configured, open_dataset
from embedder.datasets.records import Side, TrackRow
from embedder.datasets.selection import limit_per_label
from embedder.datasets.splitting import fold_dataset, split_configured, split_dataset
from embedder.errors import ConfigError, DatasetError, UnknownChoice
from tests.embedder.datasets.dataset_miniatures import (
    MINIATURES,
    SAMPLE_RATE,
    spectrogram,
    tone,
    write_rows,
)


def dataset_of(rows: Sequence[TrackRow]) -> Dataset:
    """A data set of rows without files; these tests read none."""
    return Dataset(root=Path("made up"), layout="manifest", rows=tuple(rows), split_origin="stored")


def row(
    number: int, *, genre: str = "a", artist: str = "", side: Side = "", repeats: str = ""
) -> TrackRow:
    return TrackRow(
        key=str(number),
        labels={"genre": (genre,)},
        artist=artist,
        group=artist or None,
        split=side,
        duplicate_of=repeats,
    )


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Six to forty tracks with genres; some have artists, and some are copies of others."""
    n_tracks = draw(st.integers(6, 40))
    rows = []
    for number in range(n_tracks):
        artist = draw(st.sampled_from(["", "", "Ann", "Bea", "Cem", "Dov"]))
        repeats = str(draw(st.integers(0, number))) if draw(st.integers(0, 9)) == 0 else ""
        genre = draw(st.sampled_from("abc"))
        rows.append(row(number, genre=genre, artist=artist, repeats=repeats))
    return dataset_of([*rows, *(row(100 + i, artist=f"only {i}") for i in range(6))])


def assert_nothing_straddles(split: Dataset) -> None:
    by_group: dict[str, set[str]] = {}
    by_set: dict[int, set[str]] = {}
    for track, first in zip(split.rows, find_repeats(split).sets, strict=True):
        by_set.setdefault(first, set()).add(track.split)
        if track.group is not None:
            by_group.setdefault(track.group, set()).add(track.split)
    assert all(len(sides) == 1 for sides in (*by_group.values(), *by_set.values()))


@settings(deadline=None, max_examples=60)
@given(dataset=datasets(), seed=st.integers(0, 1000))
def test_drawn_split_parts_no_artist_and_no_repeat(dataset: Dataset, seed: int) -> None:
    """Every track is on exactly one side, together with its artist and its copies."""
    split = split_dataset(dataset, shares=(0.2, 0.2), seed=seed)
    assert_nothing_straddles(split)
    positions = [split.positions(side) for side in ("train", "validation", "test")]
    assert all(len(side) for side in positions)
    assert sorted(np.concatenate(positions)) == list(range(len(dataset.rows)))


@settings(deadline=None, max_examples=30)
@given(dataset=datasets(), seed=st.integers(0, 1000))
def test_drawn_split_follows_its_seed(dataset: Dataset, seed: int) -> None:
    """The same seed gives the same split."""
    first, second = (split_dataset(dataset, seed=seed) for _ in range(2))
    assert first.split_digest == second.split_digest


@settings(deadline=None, max_examples=30)
@given(dataset=datasets(), seed=st.integers(0, 1000), share=st.sampled_from([0.0, 0.2]))
def test_folds_hold_every_track_out_once(dataset: Dataset, seed: int, share: float) -> None:
    """Over all folds each track is on the test side once, and no fold separates an artist."""
    folds = [
        fold_dataset(dataset, n_folds=3, fold=fold, seed=seed, validation_share=share)
        for fold in range(3)
    ]
    for fold in folds:
        assert_nothing_straddles(fold)
        assert bool(len(fold.positions("validation"))) == bool(share)
    tested = np.concatenate([fold.positions("test") for fold in folds])
    assert sorted(tested) == list(range(len(dataset.rows)))


@pytest.mark.parametrize("seed", range(5))
def test_labels_keep_their_shares(seed: int) -> None:
    """If no tracks belong together, the shares of each label are right to one track."""
    genres = "a" * 50 + "b" * 20 + "c" * 10
    dataset = dataset_of([row(i, genre=genre) for i, genre in enumerate(genres)])
    split = split_dataset(dataset, shares=(0.1, 0.3), seed=seed)
    counts = Counter(split.rows[i].values("genre")[0] for i in split.positions("test"))
    assert all(abs(counts[genre] - 0.3 * genres.count(genre)) <= 1 for genre in "abc")


def test_other_seeds_draw_other_splits() -> None:
    """Two seeds give different splits."""
    dataset = dataset_of([row(i) for i in range(40)])
    digests = {split_dataset(dataset, seed=seed).split_digest for seed in range(5)}
    assert len(digests) == 5


def test_stored_split_stands() -> None:
    """A stored split with all sides is not changed."""
    sides: list[Side] = ["train", "validation", "test", ""]
    dataset = dataset_of([row(i, side=sides[i % 4]) for i in range(16)])
    assert split_dataset(dataset, seed=3).rows == dataset.rows


def test_missing_validation_comes_from_training() -> None:
    """A stored split without validation gets one, and its test side stays the same."""
    rows = [row(i, artist=f"{i // 3}", side="train" if i < 30 else "test") for i in range(40)]
    split = split_dataset(dataset_of(rows), shares=(0.2, 0.1))
    assert list(split.positions("test")) == list(range(30, 40))
    assert len(split.positions("validation")) == 6
    assert "validation drawn from training by artist" in split.split_origin


def test_training_copy_of_a_test_track_is_left_out() -> None:
    """A training track that is a copy of a held-out one goes to no side, and the origin says so."""
    rows = [row(0, side="test"), row(1, side="train", repeats="0"), row(2, side="train")]
    split = split_dataset(dataset_of(rows), shares=(0.0, 0.0))
    assert [track.split for track in split.rows] == ["test", "", "train"]
    assert "less 1 training tracks that repeat" in split.split_origin


def test_equal_arrays_are_repeats(tmp_path: Path) -> None:
    """Tracks with the same picture are one recording."""
    path = MINIATURES["spectrograms"].make(tmp_path)
    with np.load(path / "spectrograms.npz") as archive:
        names, arrays = archive["track"], archive["spectrogram"]
    arrays[0] = spectrogram(3)
    np.savez(path / "spectrograms.npz", track=names, spectrogram=arrays)
    sets = find_repeats(open_dataset(path)).sets
    assert [i for i, first in enumerate(sets) if first != i] == [11]
    assert sets[11] == 3


@pytest.mark.parametrize("ending", ["mp3", "flac", "wav", "ogg", "m4a"])
def test_equal_sound_under_other_tags_is_a_repeat(tmp_path: Path, ending: str) -> None:
    """Two files with the same audio and different tags are one recording."""
    for name, number in (("a", 1), ("b", 1), ("c", 2)):
        tags = {} if ending == "wav" else {"title": name * 40, "artist": name}
        folder = tmp_path / "genre"
        folder.mkdir(exist_ok=True)
        write_audio(folder / f"{name}.{ending}", tone(number), SAMPLE_RATE, tags=tags)
    assert find_repeats(open_dataset(tmp_path, layout="folders")).sets == (0, 0, 2)


def test_a_retagged_wav_is_a_repeat(tmp_path: Path) -> None:
    """New tags change neither a file's group nor its side."""
    folder = tmp_path / "genre"
    folder.mkdir()
    for name in ("a", "b"):
        write_audio(folder / f"{name}.wav", tone(1), SAMPLE_RATE)
    tagged = mutagen.File(folder / "b.wav")
    tagged.add_tags()
    tagged.tags.add(TIT2(encoding=3, text="a title that is longer than before"))
    tagged.save()
    assert find_repeats(open_dataset(tmp_path, layout="folders")).sets == (0, 0)


def test_artist_and_artist_group_link() -> None:
    """Tracks are linked by artist and by artist group; various artists link nothing."""
    names = ["Ann", "Ann", "", "Various Artists", "Various Artists"]
    rows = [TrackRow(key=str(i), artist=name) for i, name in enumerate(names)]
    grouped = with_groups(rows, ["1", "2", "2", "", ""])
    assert [track.group for track in grouped] == ["artist:ann"] * 3 + [None] * 2


@settings(deadline=None, max_examples=30)
@given(dataset=datasets(), small=st.integers(1, 4), more=st.integers(1, 5))
def test_smaller_limit_is_part_of_a_larger_one(dataset: Dataset, small: int, more: int) -> None:
    """A smaller limit gives a subset; rare labels have all their tracks."""
    few, many = (
        {track.key for track in limit_per_label(dataset, n, seed=5).rows}
        for n in (small, small + more)
    )
    assert few <= many
    available = Counter(track.values("genre")[0] for track in dataset.rows)
    n_tracks = Counter(track.values("genre")[0] for track in dataset.rows if track.key in few)
    assert n_tracks == {genre: min(n, small) for genre, n in available.items()}


def test_limit_leaves_held_out_tracks_alone() -> None:
    """Only the training side shrinks."""
    rows = [row(i, side="train" if i % 2 else "test") for i in range(20)]
    limited = limit_per_label(dataset_of(rows), 3)
    assert (len(limited.positions("train")), len(limited.positions("test"))) == (3, 10)


def test_limit_takes_different_artists_first() -> None:
    """The first three tracks of a label are by three artists if there are as many."""
    rows = [row(i, artist=f"artist {i // 5}") for i in range(15)]
    limited = limit_per_label(dataset_of(rows), 3, seed=2)
    assert len({track.artist for track in limited.rows}) == 3


def test_natural_limit_keeps_proportions() -> None:
    """A label three times as frequent keeps three times as many tracks."""
    rows = [row(i, genre="a" if i < 60 else "b") for i in range(80)]
    limited = limit_per_label(dataset_of(rows), 10, balance="natural")
    counts = Counter(track.values("genre")[0] for track in limited.rows)
    assert counts == {"a": 15, "b": 5}


def test_settings_of_a_run_decide(tmp_path: Path) -> None:
    """Opening and splitting follow the settings of a training run."""
    path = MINIATURES["folders"].make(tmp_path)
    config = DatasetConfig(fold=1, n_folds=3, validation_share=0.0, limit_per_label=2, seed=4)
    dataset = split_configured(open_configured(path, config), config)
    assert (len(dataset.positions("train")), len(dataset.positions("test"))) == (4, 4)


class TestErrors:
    """Errors of splitting, with names and numbers."""

    def test_too_few_tracks_of_a_label(self, tmp_path: Path) -> None:
        """The message has the label with too few training tracks, and its count."""
        rows = [["path", "genre", "split"]]
        for number in range(5):
            (tmp_path / f"{number}.mp3").write_bytes(b"not read here")
            rows.append([f"{number}.mp3", "polka" if number == 0 else "rock", "train"])
        write_rows(tmp_path / "songs.csv", rows)
        config = DatasetConfig(validation_share=0.0, test_share=0.0)
        with pytest.raises(DatasetError, match=r"genre 'polka' \(1\): each needs at least 2"):
            split_configured(open_configured(tmp_path, config), config)

    def test_one_artist_cannot_be_parted(self) -> None:
        """The tracks of a single artist cannot be split into three sides."""
        dataset = dataset_of([row(i, artist="Ann") for i in range(9)])
        with pytest.raises(DatasetError, match=r"9 tracks by 1 artist\(s\) cannot be split into 3"):
            split_dataset(dataset)

    def test_shares_leave_something_to_train_on(self) -> None:
        """Held-out shares whose sum is one or more are refused."""
        with pytest.raises(ConfigError, match="their sum less than 1"):
            split_dataset(dataset_of([row(0)]), shares=(0.5, 0.5))

    def test_fold_out_of_range(self) -> None:
        """Folds count from zero."""
        with pytest.raises(ConfigError, match="fold 3 of 3"):
            fold_dataset(dataset_of([row(0)]), n_folds=3, fold=3)

    def test_unknown_split_by(self) -> None:
        """The message lists the valid values of `split_by`."""
        with pytest.raises(UnknownChoice, match=r"artists.*use album, artist, track"):
            split_dataset(dataset_of([row(0)]), apart_by="artists")

    def test_unknown_field_to_limit(self) -> None:
        """The message names the nearest label field."""
        with pytest.raises(DatasetError, match=r"no label field 'genres'. Did you mean 'genre'"):
            limit_per_label(dataset_of([row(0)]), 5, label_field="genres")
