"""Errors of opening data sets: what is wrong, where, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embedder.audio.writing import write_audio
from embedder.config.dataset import DatasetConfig
from embedder.datasets.layouts.contents import ReadingOptions
from embedder.datasets.opening import detect_layout, open_configured, open_dataset
from embedder.errors import DatasetError, UnknownChoice
from tests.embedder.datasets.dataset_miniatures import (
    MINIATURES,
    manifest_csv,
    spectrograms,
    write_rows,
    write_tone,
)


def test_missing_folder(tmp_path: Path) -> None:
    """The message names the missing path."""
    with pytest.raises(DatasetError, match=r"nowhere: no such file or folder"):
        open_dataset(tmp_path / "nowhere")


def test_empty_folder(tmp_path: Path) -> None:
    """The message says that the folder is empty."""
    with pytest.raises(DatasetError, match="the folder is empty"):
        open_dataset(tmp_path)


def test_unknown_layout_lists_what_was_looked_for(tmp_path: Path) -> None:
    """The message lists every layout and its evidence."""
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(
        DatasetError, match=r"Looked for: arrays: .*folders: a folder of audio files for each label"
    ):
        open_dataset(tmp_path)


def test_ambiguous_layout_names_the_candidates(tmp_path: Path) -> None:
    """Two layouts in one folder are both named."""
    manifest_csv(tmp_path)
    spectrograms(tmp_path)
    with pytest.raises(DatasetError, match=r"could be arrays .*manifest .*layout setting"):
        open_dataset(tmp_path)


def test_layout_that_does_not_exist(tmp_path: Path) -> None:
    """A misspelt layout gets the nearest name."""
    with pytest.raises(UnknownChoice, match="Did you mean gtzan"):
        open_dataset(tmp_path, layout="gtsan")


def test_column_that_does_not_exist(tmp_path: Path) -> None:
    """The message names the nearest label column."""
    options = ReadingOptions(label_columns=("gener",))
    with pytest.raises(DatasetError, match=r"no column 'gener'. Did you mean 'genre'"):
        open_dataset(manifest_csv(tmp_path), options=options)


def test_manifest_without_paths(tmp_path: Path) -> None:
    """The message names the missing column."""
    write_rows(tmp_path / "songs.csv", [["paths", "genre"], ["a.mp3", "rock"]])
    with pytest.raises(DatasetError, match=r"no column 'path'. Did you mean 'paths'"):
        open_dataset(tmp_path / "songs.csv")


def test_missing_and_empty_files_are_left_out(tmp_path: Path) -> None:
    """Missing and empty files and folders are left out with a reason; the rest is read."""
    table = manifest_csv(tmp_path)
    (tmp_path / "audio" / "0.flac").unlink()
    (tmp_path / "audio" / "1.flac").write_bytes(b"")
    (tmp_path / "audio" / "2.flac").unlink()
    (tmp_path / "audio" / "2.flac").mkdir()
    dataset = open_dataset(table)
    assert len(dataset.rows) == 9
    assert [left_out.reason for left_out in dataset.left_out] == [
        "no such file", "empty file", "is a folder"
    ]  # fmt: skip
    assert dataset.describe()["left_out"] == 3


def test_all_files_missing(tmp_path: Path) -> None:
    """If no file of a table exists, the error has an example."""
    write_rows(tmp_path / "songs.csv", [["path", "genre"], ["a.mp3", "rock"], ["b.mp3", "rock"]])
    with pytest.raises(DatasetError, match=r"none of its 2 tracks.*a\.mp3 \(no such file\).*root"):
        open_dataset(tmp_path)


def test_audio_root_is_where_paths_start(tmp_path: Path) -> None:
    """With `audio_root`, the audio can be in another folder than the table."""
    manifest_csv(tmp_path / "music")
    table = (tmp_path / "music" / "songs.csv").rename(tmp_path / "songs.csv")
    options = ReadingOptions(audio_root=tmp_path / "music")
    assert len(open_dataset(table, options=options).rows) == 12


def test_the_advice_on_paths_of_another_folder_works(tmp_path: Path) -> None:
    """The setting that the error names makes the same table readable."""
    manifest_csv(tmp_path / "music")
    table = (tmp_path / "music" / "songs.csv").rename(tmp_path / "songs.csv")
    with pytest.raises(DatasetError, match=r"train --set dataset\.audio_root=FOLDER"):
        open_configured(table, DatasetConfig())
    config = DatasetConfig(audio_root=str(tmp_path / "music"))
    assert len(open_configured(table, config).rows) == 12


def test_track_listed_twice(tmp_path: Path) -> None:
    """The message names a path that is in two rows."""
    table = manifest_csv(tmp_path)
    with table.open("a", encoding="utf-8") as file:
        file.write("audio/3.flac,rock,Somebody,training,\n")
    with pytest.raises(DatasetError, match=r"'audio/3.flac' is there twice"):
        open_dataset(table)


def test_unknown_side(tmp_path: Path) -> None:
    """The message names the row and the valid sides."""
    table = manifest_csv(tmp_path)
    table.write_text(table.read_text(encoding="utf-8").replace("valid", "fold2", 1), "utf-8")
    with pytest.raises(DatasetError, match=r"row 4: 'fold2' is no side.*train, validation, test"):
        open_dataset(table)


def test_too_many_cells(tmp_path: Path) -> None:
    """The message names the row with an unquoted separator."""
    write_rows(tmp_path / "songs.csv", [["path", "genre"], ["a.mp3", "rock", "pop"]])
    with pytest.raises(DatasetError, match=r"row 2: 3 cells under 2 columns. Put quotes"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the table is empty"), (b"path,genre\n\xff\xfe.mp3,rock\n", "not UTF-8 text")],
)
def test_table_that_is_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty tables and other encodings are refused with a message."""
    (tmp_path / "songs.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        open_dataset(tmp_path / "songs.csv")


def test_damaged_parquet(tmp_path: Path) -> None:
    """A file with a Parquet suffix and other content is refused."""
    (tmp_path / "songs.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DatasetError, match="not a Parquet table"):
        open_dataset(tmp_path / "songs.parquet")


def test_half_of_the_gtzan_lists(tmp_path: Path) -> None:
    """The published lists are refused if one of them is missing."""
    path = MINIATURES["gtzan"].make(tmp_path)
    (path / "test_filtered.txt").write_text("blues/blues.00012.wav\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"only 1 of the lists train_filtered.txt"):
        open_dataset(path)


def test_files_beside_the_label_folders_are_left_out(tmp_path: Path) -> None:
    """Audio outside the folders of labels has no label, and is left out."""
    path = MINIATURES["folders"].make(tmp_path)
    write_tone(path / "stray.flac", 1)
    assert [left_out.reason for left_out in open_dataset(path).left_out] == [
        "not in a label's folder"
    ]


def test_a_folder_named_like_a_side_is_no_label(tmp_path: Path) -> None:
    """Audio directly in `train` has no label; the folder beside it keeps its label."""
    write_tone(tmp_path / "cat" / "a.flac", 1)
    write_tone(tmp_path / "train" / "b.flac", 2)
    write_tone(tmp_path / "test" / "test" / "c.flac", 3)
    dataset = open_dataset(tmp_path, layout="folders")
    assert [row.values("genre") for row in dataset.rows] == [("cat",)]
    assert [left_out.reason for left_out in dataset.left_out] == [
        "not in a label's folder ('test' is a side of a split)",
        "not in a label's folder ('train' is a side of a split)",
    ]


def test_two_folders_of_a_split_alone_are_no_labels(tmp_path: Path) -> None:
    """Folders called train and test without labels in them are not taken for two labels."""
    for side in ("train", "test"):
        write_tone(tmp_path / side / "a.flac", 1)
    assert detect_layout(tmp_path) == "library"


def test_a_number_or_a_key_of_music_names_no_track(tmp_path: Path) -> None:
    """Columns `track` and `key` name tracks only if their values are unique."""
    for name in ("a", "b", "c"):
        write_audio(tmp_path / f"{name}.wav", np.zeros((1, 800), np.float32), 8000)
    table = tmp_path / "music.csv"
    table.write_text("path,track,key,genre\na.wav,1,C,jazz\nb.wav,2,C,jazz\nc.wav,1,D,rock\n")
    assert [row.key for row in open_dataset(table).rows] == ["a.wav", "b.wav", "c.wav"]
    table.write_text("path,track,genre\na.wav,one,jazz\nb.wav,two,jazz\nc.wav,three,rock\n")
    assert [row.key for row in open_dataset(table).rows] == ["one", "two", "three"]


def test_a_table_keeps_the_column_that_was_its_index(tmp_path: Path) -> None:
    """A column that pandas wrote as the index is read as a column."""
    write_audio(tmp_path / "a.wav", np.zeros((1, 800), np.float32), 8000)
    frame = pd.DataFrame({"path": ["a.wav"], "genre": ["jazz"]}).set_index("path")
    frame.to_parquet(tmp_path / "music.parquet")
    (row,) = open_dataset(tmp_path / "music.parquet").rows
    assert row.values("genre") == ("jazz",)


def test_a_listed_pipe_is_left_out(tmp_path: Path) -> None:
    """A pipe or device is left out with that reason, without waiting."""
    write_tone(tmp_path / "one.wav", 1)
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "tracks.csv").write_text("path,genre\none.wav,jazz\npipe.wav,rock\n")
    (bad,) = open_dataset(tmp_path).left_out
    assert bad.path is not None
    assert bad.path.name == "pipe.wav"
    assert "not a regular file" in bad.reason


def test_a_missing_path_is_refused_without_torch(tmp_path: Path) -> None:
    """A command can refuse it before heavy imports."""
    code = (
        "import sys; from pathlib import Path\n"
        "from embedder.datasets.files import check_exists\n"
        "try: check_exists(Path(sys.argv[1]))\n"
        "except Exception as error: print(error, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "nosuch")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith("nosuch: no such file or folder. False")
