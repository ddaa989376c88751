"""Arrays that do not fit their table: what is wrong, and what to do."""

from pathlib import Path

import numpy as np
import pytest

from embedder.datasets.opening import open_dataset
from embedder.errors import DatasetError
from tests.embedder.datasets.dataset_miniatures import (
    spectrograms,
)


def rewrite_arrays(path: Path, **arrays: object) -> None:
    """Replace the .npz of pictures."""
    np.savez(path / "spectrograms.npz", **arrays)  # type: ignore[arg-type]  # any arrays


class TestArrays:
    """Arrays that do not fit their table."""

    def test_wrong_names(self, tmp_path: Path) -> None:
        """The message lists the arrays of the .npz."""
        path = spectrograms(tmp_path)
        rewrite_arrays(path, pictures=np.zeros((2, 3, 3)), track=np.array(["a", "b"]))
        with pytest.raises(DatasetError, match=r"needs the arrays 'spectrogram' and 'track'"):
            open_dataset(path)

    def test_lengths_differ(self, tmp_path: Path) -> None:
        """The message has the number of names and of arrays."""
        path = spectrograms(tmp_path)
        rewrite_arrays(path, spectrogram=np.zeros((3, 2, 2)), track=np.array(["000", "001"]))
        with pytest.raises(DatasetError, match=r"3 arrays in 'spectrogram', but 2 names"):
            open_dataset(path)

    def test_wrong_dimensions(self, tmp_path: Path) -> None:
        """A matrix instead of pictures is refused, with its shape."""
        path = spectrograms(tmp_path)
        rewrite_arrays(path, spectrogram=np.zeros((2, 2)), track=np.array(["000", "001"]))
        with pytest.raises(DatasetError, match=r"shape \[2, 2\], 3 dimensions"):
            open_dataset(path)

    def test_repeated_name(self, tmp_path: Path) -> None:
        """The message names a track with two arrays."""
        path = spectrograms(tmp_path)
        rewrite_arrays(path, spectrogram=np.zeros((2, 2, 2)), track=np.array(["000", "000"]))
        with pytest.raises(DatasetError, match=r"'000' is there twice"):
            open_dataset(path)

    def test_no_archive(self, tmp_path: Path) -> None:
        """Text with the suffix .npz is refused."""
        path = spectrograms(tmp_path)
        (path / "spectrograms.npz").write_bytes(b"text")
        with pytest.raises(DatasetError, match=r"not an .npz file"):
            open_dataset(path)

    def test_tracks_on_one_side_only_are_left_out(self, tmp_path: Path) -> None:
        """Tracks that are only in the table or only in the .npz are left out with a reason."""
        path = spectrograms(tmp_path)
        (path / "vggish.npz").unlink()
        rewrite_arrays(path, spectrogram=np.zeros((2, 2, 2)), track=np.array(["000", "zzz"]))
        dataset = open_dataset(path)
        assert [row.key for row in dataset.rows] == ["000"]
        reasons = {left_out.path: left_out.reason for left_out in dataset.left_out}
        assert len(reasons) == 12
        assert reasons["zzz"] == "an array without a row in the table"

    def test_vectors_must_cover_every_track(self, tmp_path: Path) -> None:
        """A teacher without a vector for a track is refused, with the track's name."""
        path = spectrograms(tmp_path)
        np.savez(path / "vggish.npz", vggish=np.zeros((1, 2)), track=np.array(["000"]))
        with pytest.raises(DatasetError, match=r"no vggish vector for '001' \(11 missing\)"):
            open_dataset(path)


def test_an_array_that_shortens_all_others_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning names an array that is much shorter than the others."""
    lines = ["track,genre"]
    for number, length in enumerate((400, 390, 100)):
        np.save(tmp_path / f"t{number}.npy", np.zeros((8, length), np.float32))
        lines.append(f"t{number},jazz")
    (tmp_path / "tracks.csv").write_text("\n".join(lines) + "\n")
    assert open_dataset(tmp_path).arrays.shape == (3, 8, 100)
    assert "t2.npy: only 100 values long, the others about 390" in caplog.text
