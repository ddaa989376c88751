"""MagnaTagATune with arrays of samples, and labels that mean the same."""

from pathlib import Path

import numpy as np
import pytest

from embedder.config.dataset import DatasetConfig
from embedder.config.loading import from_dict, read_toml, to_toml
from embedder.datasets.opening import open_configured, open_dataset
from embedder.errors import DatasetError
from tests.embedder.datasets.dataset_miniatures import magnatagatune_arrays, tone


def test_each_clip_has_its_own_array(tmp_path: Path) -> None:
    """The array of a row is that of its clip, whatever the order of table and files."""
    dataset = open_dataset(magnatagatune_arrays(tmp_path))
    assert dataset.store is not None
    assert dataset.store.kind == "waveforms"
    for position, row in enumerate(dataset.rows):
        np.testing.assert_array_equal(dataset.array(position), tone(int(row.key))[0])


def test_a_subset_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Clips that the table lists and the subset lacks are counted, not listed."""
    path = magnatagatune_arrays(tmp_path)
    next(path.rglob("*.npy")).unlink()
    dataset = open_dataset(path)
    assert (len(dataset.rows), dataset.left_out) == (11, ())
    assert "lists 12 clips; 11 of them are here" in caplog.text


@pytest.mark.parametrize(("n_samples", "rate"), [(641_655, 22050), (465_600, 16000), (8000, 0)])
def test_the_rate_follows_from_the_length_of_a_clip(
    tmp_path: Path, n_samples: int, rate: int
) -> None:
    """Clips are 29.1 s long; other lengths leave the rate to the settings."""
    path = magnatagatune_arrays(tmp_path)
    for file in path.rglob("*.npy"):
        np.save(file, np.zeros(n_samples, np.float16))
    store = open_dataset(path).store
    assert store is not None
    assert store.sample_rate == rate


def test_imported_features_are_read_by_clip(tmp_path: Path) -> None:
    """An .npz with the clips' numbers in any order gives each row its vector."""
    path = magnatagatune_arrays(tmp_path)
    clips = np.arange(12)[::-1]
    np.savez(path / "vggish.npz", track=clips.astype(str), vggish=np.stack([clips, clips], axis=1))
    dataset = open_dataset(path)
    numbers = [int(row.key) for row in dataset.rows]
    np.testing.assert_array_equal(dataset.extra_vectors["vggish"][:, 0], numbers)


def test_synonyms_become_one_label_before_the_frequent_ones_are_chosen(tmp_path: Path) -> None:
    """Two rare tags of one meaning count together, and the settings survive as TOML."""
    lines = ["path,genre,tag", "a.wav,x,woman singing", "b.wav,x,female vocals;woman singing"]
    lines += ["c.wav,y,drums", "d.wav,y,drums", "e.wav,y,female vocals"]
    (tmp_path / "songs.csv").write_text("\n".join(lines) + "\n")
    for name in "abcde":
        (tmp_path / f"{name}.wav").write_bytes(b"RIFF")
    merges = {"female vocal": ("female vocals", "woman singing")}
    config = DatasetConfig(tag_field="tag", n_tags=1, merge_labels=merges)
    (tmp_path / "settings.toml").write_text(to_toml(config))
    restored = from_dict(DatasetConfig, read_toml(tmp_path / "settings.toml"))
    assert restored == config
    dataset = open_configured(tmp_path / "songs.csv", restored)
    voice = ("female vocal",)
    assert [row.values("tag") for row in dataset.rows] == [voice, voice, (), (), voice]


def test_a_synonym_of_two_names_is_refused(tmp_path: Path) -> None:
    """The message names the synonym and both names."""
    path = magnatagatune_arrays(tmp_path)
    merges = {"slow": ("rock",), "calm": ("rock",)}
    with pytest.raises(DatasetError, match=r"'rock' is listed under 'calm' and is also under"):
        open_configured(path, DatasetConfig(merge_labels=merges))
