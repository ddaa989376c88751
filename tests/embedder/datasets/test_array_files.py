"""A folder with a .npy file for each track: unfit files are recorded, and the rest is used."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.datasets.opening import open_dataset
from embedder.errors import DatasetError

N_TRACKS = 10


def write_arrays(folder: Path, *, lengths: list[int] | None = None) -> Path:
    """Write pictures of 8 rows, a file for each, and their table."""
    generator = np.random.default_rng(0)
    lines = ["track,genre"]
    for number, length in enumerate(lengths or [40] * N_TRACKS):
        np.save(folder / f"t{number}.npy", generator.random((8, length), dtype=np.float32))
        lines.append(f"t{number},jazz")
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a readable array"),
        (b"\x93NUMPY and nothing more", "not a readable array"),
        (np.zeros((8, 2), np.float32), "2 values long, the others about 40"),
        (np.zeros((5, 40), np.float32), r"the shape \[5, 40\], unlike all others"),
        (np.zeros(40, np.float32), r"the shape \[40\], unlike all others"),
        (np.zeros((8, 0), np.float32), "holds no values"),
        (np.zeros((2, 8, 40), np.float32), r"the shape \[2, 8, 40\]"),
        (np.full((8, 40), "a"), "holds no numbers"),
    ],
)
def test_an_unfit_array_does_not_end_the_run(
    tmp_path: Path, content: bytes | NDArray[np.generic], reason: str
) -> None:
    """It is left out once, with its reason, and the other arrays keep their values."""
    write_arrays(tmp_path)
    expected = np.load(tmp_path / "t4.npy")
    if isinstance(content, bytes):
        (tmp_path / "t3.npy").write_bytes(content)
    else:
        np.save(tmp_path / "t3.npy", content)
    dataset = open_dataset(tmp_path)
    assert [row.key for row in dataset.rows] == [f"t{i}" for i in range(N_TRACKS) if i != 3]
    (bad,) = dataset.left_out
    assert bad.path == tmp_path / "t3.npy"
    assert re.search(reason, bad.reason)
    assert dataset.arrays.shape == (N_TRACKS - 1, 8, 40)
    np.testing.assert_array_equal(dataset.arrays[3], expected)


def test_no_fit_array_at_all_is_an_error_with_the_first_reason(tmp_path: Path) -> None:
    """The error names the first file and its reason."""
    for file in write_arrays(tmp_path).glob("*.npy"):
        file.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"none of its 10 \.npy files.*t0\.npy \(not a readable"):
        open_dataset(tmp_path)


def test_arrays_of_many_lengths_are_all_kept(tmp_path: Path) -> None:
    """If many arrays are short, none is left out, and all are cut to the shortest."""
    write_arrays(tmp_path, lengths=[40, 20] * 5)
    dataset = open_dataset(tmp_path)
    assert not dataset.left_out
    assert dataset.arrays.shape == (N_TRACKS, 8, 20)


def test_two_sorts_of_arrays_are_refused(tmp_path: Path) -> None:
    """If half of the files have another shape, the data set is refused."""
    write_arrays(tmp_path)
    for number in range(5):
        np.save(tmp_path / f"t{number}.npy", np.zeros((5, 40), np.float32))
    with pytest.raises(DatasetError, match="differ in shape"):
        open_dataset(tmp_path)


def test_only_rows_of_numbers_are_extra_vectors(tmp_path: Path) -> None:
    """Text, objects, complex numbers and arrays without columns in another .npz are ignored."""
    write_arrays(tmp_path)
    names = [f"t{i}" for i in range(N_TRACKS)]
    vectors = np.arange(2.0 * N_TRACKS).reshape(N_TRACKS, 2)
    np.savez(
        tmp_path / "more.npz",
        track=np.array(names),
        teacher=vectors,
        words=np.full((N_TRACKS, 2), "a"),
        things=np.array([[{}, {}]] * N_TRACKS, dtype=object),
        complex=vectors * 1j,
        nothing=np.zeros((N_TRACKS, 0)),
        flat=np.zeros(N_TRACKS),
    )
    dataset = open_dataset(tmp_path)
    assert set(dataset.extra_vectors) == {"teacher"}
    np.testing.assert_array_equal(dataset.extra_vectors["teacher"], vectors)
    np.savez(tmp_path / "more.npz", track=np.array(names, dtype=object), teacher=vectors)
    with pytest.raises(DatasetError, match=r"'track' holds Python objects.*astype\(str\)"):
        open_dataset(tmp_path)
